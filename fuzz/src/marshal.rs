//! Ruby's Marshal: any bytes are refused or read, and a text that was read is written and read again.

use entry::vault::{Plaintext, marshal};

/// A marshalled value.
pub fn marshal(bytes: &[u8]) {
    if let Ok(Plaintext::Text(text)) = marshal::load(bytes) {
        let again = marshal::load(&marshal::dump(text.expose()));
        assert_eq!(again, Ok(Plaintext::Text(text)));
    }
}
