//! Arguments that several commands take: which values, what stands around them.

use super::options::CryptorOptions;
use crate::vault::{Affixes, KeyPath, KeyPathError};
use clap::Args;
use std::str::FromStr;

/// Which values, and how they are encrypted.
#[derive(Args)]
pub(super) struct Values {
    /// Which values: `$` all, `$.a.b` below a and b, `*` any key, `.[0]` an item, `./^x/` keys by
    /// regular expression, `.'a.b'` a key in quotes; repeatable, or several with commas between
    #[arg(short, long = "key", value_name = "KEYPATH", default_value = "$")]
    keys: Vec<KeyList>,
    #[command(flatten)]
    affixes: AffixOptions,
    #[command(flatten)]
    pub cryptor: CryptorOptions,
}

impl Values {
    pub fn paths(&self) -> Vec<KeyPath> {
        self.keys.iter().flat_map(|list| list.0.clone()).collect()
    }

    pub fn affixes(&self) -> Affixes {
        self.affixes.affixes()
    }
}

/// One `-k`.
#[derive(Clone)]
struct KeyList(Vec<KeyPath>);

impl FromStr for KeyList {
    type Err = KeyPathError;

    fn from_str(text: &str) -> Result<KeyList, KeyPathError> {
        KeyPath::parse_list(text).map(KeyList)
    }
}

/// `--prefix` and `--suffix`.
#[derive(Args)]
pub(super) struct AffixOptions {
    /// Text before each message
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// Text after each message
    #[arg(long, default_value = "", hide_default_value = true)]
    suffix: String,
}

impl AffixOptions {
    pub fn affixes(&self) -> Affixes {
        Affixes {
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
        }
    }
}
