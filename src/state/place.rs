//! Where shared state is kept.

use std::fmt;

/// `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    /// Without slashes at its ends.
    pub prefix: String,
}

impl Place {
    /// `None` if it is no such URL.
    #[must_use]
    pub fn parse(url: &str) -> Option<Place> {
        let (bucket, prefix) = url
            .strip_prefix("s3://")?
            .split_once('/')
            .unwrap_or((url.strip_prefix("s3://")?, ""));
        if bucket.is_empty() || bucket.contains(char::is_whitespace) {
            return None;
        }
        Some(Place {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
        })
    }

    /// The key of an object of ours.
    #[must_use]
    pub fn key(&self, folder: &str, name: &str) -> String {
        // A name may be an ARN, with slashes in it.
        let name = name.replace('/', "-");
        match self.prefix.as_str() {
            "" => format!("{folder}/{name}.json"),
            prefix => format!("{prefix}/{folder}/{name}.json"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        match self.prefix.as_str() {
            "" => Ok(()),
            prefix => write!(f, "/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_and_perhaps_a_prefix() {
        let place = |url| Place::parse(url).unwrap();
        assert_eq!(place("s3://b").key("locks", "main"), "locks/main.json");
        assert_eq!(
            place("s3://b/p/q/").key("locks", "arn:x/main"),
            "p/q/locks/arn:x-main.json"
        );
        assert_eq!(place("s3://b/p/").to_string(), "s3://b/p");
        for url in ["", "b/p", "s3://", "s3:///p", "https://b/p", "s3://b c/p"] {
            assert_eq!(Place::parse(url), None, "{url}");
        }
    }
}
