//! An operator's encrypts: many at a time, and no more of them after a failure that would be every
//! other's too.

use super::error::{AwsError, Kind};
use super::kms::{Ciphertext, Kms};
use futures_util::stream::{self, StreamExt};
use std::time::Instant;
use zeroize::Zeroizing;

type Encrypted = Result<Ciphertext, AwsError>;

/// Encrypts with at most `in_flight` calls under way; the results stand in the plaintexts' order. Equal
/// plaintexts get different ciphertexts. After a failure that holds for all, what has no result is
/// `NotTried`.
pub async fn encrypt_all(
    kms: &dyn Kms,
    key_id: &str,
    plaintexts: &[Zeroizing<String>],
    in_flight: usize,
    deadline: Instant,
) -> Vec<Encrypted> {
    let calls = plaintexts
        .iter()
        .enumerate()
        .map(|(index, plaintext)| async move {
            let call = kms.encrypt(key_id, plaintext.as_bytes(), &[], deadline);
            (index, call.await)
        });
    let mut running = stream::iter(calls).buffer_unordered(in_flight.max(1));
    let mut results: Vec<Option<Encrypted>> = vec![None; plaintexts.len()];
    while let Some((index, result)) = running.next().await {
        let over = matches!(&result, Err(error) if error.kind.holds_for_all(true));
        if let Some(place) = results.get_mut(index) {
            *place = Some(result);
        }
        if over {
            break;
        }
    }
    let not_tried = || {
        let why = "another encrypt failed";
        Err(AwsError::new(Kind::NotTried, "kms:Encrypt", key_id, why))
    };
    let results = results.into_iter();
    results.map(|one| one.unwrap_or_else(not_tried)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Pending;
    use std::cell::Cell;
    use std::time::Duration;

    /// Answers with the plaintext reversed; those that begin with `!` find no key.
    #[derive(Default)]
    struct Fake {
        calls: Cell<usize>,
        running: Cell<usize>,
        most: Cell<usize>,
    }

    impl Kms for Fake {
        fn decrypt<'a>(
            &'a self,
            _: Option<&'a str>,
            _: &'a [u8],
            _: &'a [(String, String)],
            _: Instant,
        ) -> Pending<'a, Zeroizing<Vec<u8>>> {
            unreachable!()
        }

        fn encrypt<'a>(
            &'a self,
            key_id: &'a str,
            plaintext: &'a [u8],
            _: &'a [(String, String)],
            _: Instant,
        ) -> Pending<'a, Ciphertext> {
            Box::pin(async move {
                self.calls.set(self.calls.get() + 1);
                self.running.set(self.running.get() + 1);
                self.most.set(self.most.get().max(self.running.get()));
                tokio::task::yield_now().await;
                self.running.set(self.running.get() - 1);
                if plaintext.starts_with(b"!") {
                    return Err(AwsError::new(Kind::NotFound, "kms:Encrypt", key_id, ""));
                }
                Ok(plaintext.iter().rev().copied().collect())
            })
        }
    }

    fn run(fake: &Fake, plaintexts: &[&str], in_flight: usize) -> Vec<Result<Vec<u8>, Kind>> {
        let plaintexts: Vec<_> = plaintexts
            .iter()
            .map(|text| Zeroizing::new((*text).to_owned()))
            .collect();
        let deadline = Instant::now() + Duration::from_secs(5);
        let runtime = super::super::runtime().unwrap();
        let done = encrypt_all(fake, "alias/x", &plaintexts, in_flight, deadline);
        let results = runtime.block_on(done).into_iter();
        results.map(|one| one.map_err(|error| error.kind)).collect()
    }

    #[test]
    fn each_is_encrypted_and_the_results_stand_in_order() {
        let fake = Fake::default();
        let want = [b"ba".to_vec(), b"dc".to_vec(), b"ba".to_vec()].map(Ok);
        assert_eq!(run(&fake, &["ab", "cd", "ab"], 2), want);
        assert_eq!((fake.calls.get(), fake.most.get()), (3, 2));
    }

    #[test]
    fn a_key_that_is_not_there_ends_it() {
        let fake = Fake::default();
        let want = [
            Ok(b"ba".to_vec()),
            Err(Kind::NotFound),
            Err(Kind::NotTried),
            Err(Kind::NotTried),
        ];
        assert_eq!(run(&fake, &["ab", "!", "cd", "ef"], 1), want);
        assert_eq!(fake.calls.get(), 2);
    }
}
