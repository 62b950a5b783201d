//! The one shape that is written: a UTF-8 string.

use super::VERSION;
use zeroize::Zeroizing;

/// `Marshal.dump` of a UTF-8 string.
#[must_use]
pub fn dump(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 16));
    bytes.extend(VERSION);
    bytes.extend(b"I\"");
    bytes.extend(length(text.len()));
    bytes.extend(text.as_bytes());
    bytes.extend(b"\x06:\x06ET");
    bytes
}

/// A count: small ones in one byte, larger ones little-endian after the number of their bytes.
fn length(n: usize) -> Vec<u8> {
    match u8::try_from(n) {
        Ok(0) => vec![0],
        Ok(small) if small <= 122 => vec![small + 5],
        _ => {
            let bytes: Vec<u8> = n.to_le_bytes().into();
            let used = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(1, |n| n + 1);
            let mut out = vec![u8::try_from(used).unwrap_or(u8::MAX)];
            out.extend(bytes.into_iter().take(used));
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let cases: [(usize, &[u8]); 9] = [
            (0, &[0]),
            (1, &[6]),
            (122, &[0x7f]),
            (123, &[1, 123]),
            (255, &[1, 255]),
            (256, &[2, 0, 1]),
            (65535, &[2, 0xff, 0xff]),
            (65536, &[3, 0, 0, 1]),
            (1 << 24, &[4, 0, 0, 0, 1]),
        ];
        for (n, bytes) in cases {
            assert_eq!(length(n), bytes, "{n}");
        }
    }

    #[test]
    fn bytes() {
        assert_eq!(
            hex::encode(dump("é").as_slice()),
            "0408492207c3a9063a064554"
        );
    }
}
