//! Which of sops's file formats a file has: by its name, as sops itself decides.

use super::error::SopsError;
use std::path::Path;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One or more YAML documents, each a mapping.
    Yaml,
    /// One object.
    Json,
    /// `KEY=value` lines.
    Dotenv,
    /// Any bytes, kept in a JSON object.
    Binary,
}

impl Format {
    /// Their names on a command line.
    pub const NAMES: [&'static str; 4] = ["yaml", "json", "dotenv", "binary"];

    /// The format of such a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Format> {
        Some(match name {
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            "dotenv" => Format::Dotenv,
            "binary" => Format::Binary,
            _ => return None,
        })
    }

    /// By the end of the file's name; whatever is none of the others is binary.
    pub fn of(path: &Path) -> Result<Format, SopsError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ends = |end: &str| name.ends_with(end);
        if ends(".yaml") || ends(".yml") {
            Ok(Format::Yaml)
        } else if ends(".json") {
            Ok(Format::Json)
        } else if ends(".env") {
            Ok(Format::Dotenv)
        } else if ends(".ini") {
            Err(SopsError::Ini)
        } else {
            Ok(Format::Binary)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name() {
        let of = |name: &str| Format::of(Path::new(name));
        for (name, format) in [
            ("config/secrets.yaml", Format::Yaml),
            ("a.enc.yml", Format::Yaml),
            ("a.json", Format::Json),
            (".env", Format::Dotenv),
            ("production.env", Format::Dotenv),
            ("server.key", Format::Binary),
            ("a.yaml.enc", Format::Binary),
            ("a.YAML", Format::Binary),
            ("", Format::Binary),
        ] {
            assert_eq!(of(name), Ok(format), "{name}");
        }
        assert_eq!(of("a.ini"), Err(SopsError::Ini));
    }

    #[test]
    fn names_lead_back() {
        for name in Format::NAMES {
            assert!(Format::from_name(name).is_some());
        }
        assert_eq!(Format::from_name("ini"), None);
    }
}
