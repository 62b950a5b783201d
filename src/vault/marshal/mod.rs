//! Ruby's Marshal, as much of it as messages hold: one string, or an old file's number or symbol.

mod float;
mod read;
mod write;

pub use read::{MarshalError, load};
pub use write::dump;

/// `04 08`: the format's version since Ruby 1.8.
const VERSION: [u8; 2] = [4, 8];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Plaintext;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_survives(text in "\\PC{0,400}") {
            prop_assert_eq!(load(&dump(&text)), Ok(Plaintext::from(text.as_str())));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = load(&bytes);
            let _ = load(&[&VERSION[..], &bytes].concat());
        }
    }

    /// Nothing is set aside for what is only claimed, and nothing is nested.
    #[test]
    fn sizes_that_mean_harm() {
        const SIZE: usize = 10 << 20;
        let marshalled = |head: &str, rest: &[u8]| [&VERSION, head.as_bytes(), rest].concat();
        for head in ["\"", "I\"", "I:", "f", "l+"] {
            let claimed = marshalled(head, &[4, 0xff, 0xff, 0xff, 0xff, b'x']);
            assert!(load(&claimed).is_err());
        }
        for piece in ["I", "I\"\0\u{6}", "l+", "[\u{6}", "\u{4}\u{8}"] {
            let nested = piece.repeat(SIZE / piece.len());
            assert!(load(&marshalled("", nested.as_bytes())).is_err());
        }
        let text = "1".repeat(SIZE);
        let string = dump(&text);
        assert!(load(&string) == Ok(Plaintext::from(text.as_str())));
        // Its length and digits, without what is around them.
        let counted = &string[4..string.len() - 5];
        let infinite = load(&marshalled("f", counted));
        assert_eq!(infinite, Err(MarshalError::Malformed("float")));
    }

    #[test]
    fn every_length_class_survives() {
        for n in [
            0,
            1,
            122,
            123,
            255,
            256,
            65535,
            65536,
            (1 << 24) - 1,
            1 << 24,
        ] {
            let text = "x".repeat(n);
            assert!(
                load(&dump(&text)) == Ok(Plaintext::from(text.as_str())),
                "{n}"
            );
        }
    }
}
