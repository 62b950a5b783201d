//! A boot's decrypts: many at a time, each distinct ciphertext once, and no more of them after a failure
//! that would be every other's too.

use super::error::{AwsError, Kind};
use super::kms::{Encrypted, Kms};
use futures_util::stream::{self, StreamExt};
use std::collections::HashMap;
use std::time::Instant;
use zeroize::Zeroizing;

type Decrypted = Result<Zeroizing<Vec<u8>>, AwsError>;

/// Decrypts with at most `in_flight` calls under way; the results stand in the ciphertexts' order. After a
/// failure that holds for all, what has no result is `NotTried`.
pub async fn decrypt_all(
    kms: &dyn Kms,
    all: Vec<Encrypted>,
    in_flight: usize,
    deadline: Instant,
) -> Vec<Decrypted> {
    let mut distinct: Vec<&Encrypted> = Vec::new();
    let mut indices: HashMap<&Encrypted, usize> = HashMap::new();
    let wanted: Vec<usize> = all
        .iter()
        .map(|one| {
            *indices.entry(one).or_insert_with(|| {
                distinct.push(one);
                distinct.len() - 1
            })
        })
        .collect();

    let first = distinct.first().and_then(|one| one.key_id.as_ref());
    let one_key = first.is_some() && distinct.iter().all(|one| one.key_id.as_ref() == first);
    let calls = distinct.iter().enumerate().map(|(index, one)| async move {
        let key_id = one.key_id.as_deref();
        let result = kms.decrypt(key_id, &one.ciphertext, &[], deadline).await;
        (index, result)
    });
    let mut running = stream::iter(calls).buffer_unordered(in_flight.max(1));
    let mut results: HashMap<usize, Decrypted> = HashMap::new();
    while let Some((index, result)) = running.next().await {
        let over = matches!(&result, Err(error) if error.kind.holds_for_all(one_key));
        results.insert(index, result);
        if over {
            break;
        }
    }
    drop(running);
    wanted
        .iter()
        .map(|index| {
            results
                .get(index)
                .cloned()
                .unwrap_or_else(|| Err(not_tried()))
        })
        .collect()
}

fn not_tried() -> AwsError {
    AwsError::new(Kind::NotTried, "kms:Decrypt", "", "another decrypt failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Ciphertext, Pending};
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    /// Answers with the ciphertext reversed; those that begin with `!` are denied, with `?` invalid,
    /// with `-` of a key that is gone.
    #[derive(Default)]
    struct Fake {
        calls: RefCell<Vec<Vec<u8>>>,
        running: Cell<usize>,
        most: Cell<usize>,
    }

    impl Kms for Fake {
        fn decrypt<'a>(
            &'a self,
            _: Option<&'a str>,
            ciphertext: &'a [u8],
            _: &'a [(String, String)],
            _: Instant,
        ) -> Pending<'a, Zeroizing<Vec<u8>>> {
            Box::pin(async move {
                self.calls.borrow_mut().push(ciphertext.to_vec());
                self.running.set(self.running.get() + 1);
                self.most.set(self.most.get().max(self.running.get()));
                tokio::task::yield_now().await;
                self.running.set(self.running.get() - 1);
                let failed = |kind| Err(AwsError::new(kind, "kms:Decrypt", "", ""));
                match ciphertext.first() {
                    Some(b'!') => failed(Kind::Denied),
                    Some(b'?') => failed(Kind::InvalidCiphertext),
                    Some(b'-') => failed(Kind::NotFound),
                    _ => Ok(Zeroizing::new(ciphertext.iter().rev().copied().collect())),
                }
            })
        }

        fn encrypt<'a>(
            &'a self,
            _: &'a str,
            _: &'a [u8],
            _: &'a [(String, String)],
            _: Instant,
        ) -> Pending<'a, Ciphertext> {
            unreachable!()
        }
    }

    fn run(fake: &Fake, ciphertexts: &[&str], in_flight: usize) -> Vec<Result<String, Kind>> {
        let ciphertexts = ciphertexts.iter().map(|text| (*text, None));
        run_under(fake, ciphertexts, in_flight)
    }

    /// Each ciphertext with the one key that may have made it.
    fn run_under<'t>(
        fake: &Fake,
        ciphertexts: impl IntoIterator<Item = (&'t str, Option<&'t str>)>,
        in_flight: usize,
    ) -> Vec<Result<String, Kind>> {
        let ciphertexts = ciphertexts.into_iter().map(|(text, key)| Encrypted {
            ciphertext: text.as_bytes().to_vec(),
            key_id: key.map(str::to_owned),
        });
        let deadline = Instant::now() + Duration::from_secs(5);
        let runtime = super::super::runtime().unwrap();
        let results = runtime.block_on(decrypt_all(
            fake,
            ciphertexts.collect(),
            in_flight,
            deadline,
        ));
        let text = |plain: Zeroizing<Vec<u8>>| String::from_utf8(plain.to_vec()).unwrap();
        results
            .into_iter()
            .map(|result| result.map(text).map_err(|error| error.kind))
            .collect()
    }

    #[test]
    fn each_distinct_ciphertext_once_and_the_results_in_order() {
        let fake = Fake::default();
        let results = run(&fake, &["ab", "cd", "ab", "ef", "cd"], 32);
        let expected = ["ba", "dc", "ba", "fe", "dc"].map(|text| Ok(text.to_owned()));
        assert_eq!(results, expected);
        assert_eq!(fake.calls.borrow().len(), 3);
    }

    #[test]
    fn no_more_than_allowed_are_in_flight() {
        let many: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for in_flight in [1, 7, 50] {
            let fake = Fake::default();
            run(&fake, &many, in_flight);
            assert_eq!(fake.most.get(), in_flight);
        }
    }

    #[test]
    fn a_denial_ends_it_and_a_bad_value_does_not() {
        let fake = Fake::default();
        let results = run(&fake, &["?bad", "ab", "!no", "cd", "ef"], 1);
        let denied = [
            Err(Kind::InvalidCiphertext),
            Ok("ba".into()),
            Err(Kind::Denied),
            Err(Kind::NotTried),
            Err(Kind::NotTried),
        ];
        assert_eq!(results, denied);
        assert_eq!(fake.calls.borrow().len(), 3);
    }

    #[test]
    fn a_key_that_is_gone_ends_it_where_all_have_that_key() {
        let gone = Err(Kind::NotFound);
        for (keys, after) in [
            ([Some("k"), Some("k")], Err(Kind::NotTried)),
            ([Some("k"), Some("l")], Ok("ba".to_owned())),
            ([None, None], Ok("ba".to_owned())),
        ] {
            let results = run_under(&Fake::default(), ["-", "ab"].into_iter().zip(keys), 1);
            assert_eq!(results, [gone.clone(), after], "{keys:?}");
        }
    }
}
