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
