//! Names that the same work has each time: pure.

use sha2::{Digest, Sha256};

/// In front of `startedBy`, for whoever looks at the cluster.
const OURS: &str = "entryctl/";

/// ECS takes 128 characters of `[A-Za-z0-9_/-]` today, and took 36 for long.
const LENGTH: usize = 36;

/// A `startedBy` for work that is told by these words.
pub fn started_by(words: &[&str]) -> String {
    let mut name = OURS.to_owned() + &digest(words);
    name.truncate(LENGTH);
    name
}

/// A `clientToken`, of which ECS takes 64 characters.
pub fn token(words: &[&str]) -> String {
    digest(words)
}

fn digest(words: &[&str]) -> String {
    let mut sha = Sha256::new();
    for word in words {
        // With its length, or ["ab"] and ["a", "b"] would be one.
        sha.update(word.len().to_le_bytes());
        sha.update(word);
    }
    hex::encode(sha.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ecs_s_and_tell_work_apart() {
        let name = started_by(&["main", "rake", "db:migrate"]);
        assert_eq!(name.len(), 36);
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-');
        assert!(name.bytes().all(fine), "{name}");
        assert_eq!(name, started_by(&["main", "rake", "db:migrate"]));
        for other in [
            &["main", "rake", "db:seed"] as &[&str],
            &["main", "rakedb:migrate"],
            &["main", "rake", "db:migrate", ""],
        ] {
            assert_ne!(name, started_by(other));
        }
        assert_eq!(token(&["a"]).len(), 64);
    }
}
