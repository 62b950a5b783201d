//! Shamir's secret sharing over GF(2^8), as sops took it from Vault: each byte of the secret is a
//! polynomial's value at 0, a part is the values at one x with that x behind them.

use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// The secret; `None` for parts of different lengths, or two of the same x. More parts than were needed do
/// no harm; one that is not of this secret gives another secret, which no value's tag will fit.
pub(super) fn combine(parts: &[Zeroizing<Vec<u8>>]) -> Option<Zeroizing<Vec<u8>>> {
    let points: Vec<(u8, &[u8])> = parts
        .iter()
        .map(|part| part.split_last().map(|(x, values)| (*x, values)))
        .collect::<Option<_>>()?;
    let (_, first) = points.first()?;
    let length = first.len();
    let mut secret = Zeroizing::new(vec![0; length]);
    for (n, (x, values)) in points.iter().enumerate() {
        if values.len() != length || *x == 0 {
            return None;
        }
        let mut weight = 1;
        for (m, (other, _)) in points.iter().enumerate() {
            if m != n {
                // The difference is the sum here.
                let difference = inverse(x ^ other)?;
                weight = product(weight, product(*other, difference));
            }
        }
        for (byte, value) in secret.iter_mut().zip(*values) {
            *byte ^= product(*value, weight);
        }
    }
    Some(secret)
}

/// In the field of x^8 + x^4 + x^3 + x + 1, in the same time for all factors.
fn product(a: u8, b: u8) -> u8 {
    let (mut sum, mut a) = (0, a);
    for bit in 0..8 {
        sum ^= u8::conditional_select(&0, &a, Choice::from((b >> bit) & 1));
        let carry = u8::conditional_select(&0, &0x1b, Choice::from(a >> 7));
        a = (a << 1) ^ carry;
    }
    sum
}

/// The 254th power; zero has none.
fn inverse(a: u8) -> Option<u8> {
    let mut result = 1;
    for _ in 0..254 {
        result = product(result, a);
    }
    (a != 0).then_some(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Parts of a secret, from the polynomial's other coefficients.
    fn split(secret: &[u8], coefficients: &[Vec<u8>], count: u8) -> Vec<Zeroizing<Vec<u8>>> {
        let at = |x: u8, n: usize| {
            let powers = std::iter::successors(Some(x), |power| Some(product(*power, x)));
            let terms = powers
                .zip(coefficients)
                .map(|(power, row)| product(row[n], power));
            terms.fold(secret[n], |sum, term| sum ^ term)
        };
        let part = |x: u8| (0..secret.len()).map(|n| at(x, n)).chain([x]).collect();
        (1..=count).map(|x| Zeroizing::new(part(x))).collect()
    }

    #[test]
    fn the_fields_arithmetic() {
        // The AES standard's own example.
        assert_eq!(product(0x57, 0x83), 0xc1);
        assert_eq!(inverse(0), None);
        for a in 1..=255 {
            assert_eq!(product(a, inverse(a).unwrap()), 1);
        }
    }

    #[test]
    fn parts_that_do_not_fit() {
        let part = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        assert_eq!(combine(&[]), None);
        assert_eq!(combine(&[part(&[])]), None);
        assert_eq!(combine(&[part(&[5, 1]), part(&[6, 1])]), None);
        assert_eq!(combine(&[part(&[5, 1]), part(&[6, 7, 2])]), None);
        assert_eq!(combine(&[part(&[5, 1]), part(&[6, 0])]), None);
    }

    proptest! {
        #[test]
        fn enough_parts_in_any_order_make_the_secret(
            secret in prop::collection::vec(any::<u8>(), 32),
            first in prop::collection::vec(any::<u8>(), 32),
            second in prop::collection::vec(1..=255_u8, 32),
            (a, b, c) in (0..5_usize, 0..5_usize, 0..5_usize).prop_filter("apart", |(a, b, c)| a != b && b != c && a != c),
        ) {
            let parts = split(&secret, &[first, second], 5);
            let some = [&parts[a], &parts[b], &parts[c]].map(Clone::clone);
            prop_assert_eq!(&**combine(&some).unwrap(), &secret[..]);
            prop_assert_eq!(&**combine(&parts).unwrap(), &secret[..]);
            prop_assert_ne!(&**combine(&some[..2]).unwrap(), &secret[..]);
        }
    }
}
