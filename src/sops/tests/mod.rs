//! Whole files: those that sops itself made, and those that somebody changed.

mod changed;
mod hostile;
mod made;
mod vectors;

use super::gcm;
use super::{
    AgeSource, DataKey, Decrypted, File, Format, Identities, KeySource, KmsSource, Segment,
    SopsError,
};
use crate::vault::Plaintext;
use std::path::Path;
use zeroize::Zeroizing;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sops");

pub(super) fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(FOLDER).join(name)).unwrap()
}

/// An encrypted vector by its name without the ending.
fn encrypted(id: &str) -> (Vec<u8>, Format) {
    for end in ["yaml", "json", "env"] {
        let name = format!("{id}.enc.{end}");
        if Path::new(FOLDER).join(&name).exists() {
            return (read(&name), Format::of(Path::new(&name)).unwrap());
        }
    }
    panic!("{id}");
}

fn file(id: &str) -> File {
    let (bytes, format) = encrypted(id);
    File::parse(&bytes, format).unwrap()
}

/// The only age source of a vector.
pub(super) fn age_source(id: &str) -> AgeSource {
    match file(id).groups() {
        [group] => match &group.sources[..] {
            [KeySource::Age(source)] => source.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn identities() -> Identities {
    let mut identities = Identities::default();
    identities
        .add(std::str::from_utf8(&read("age_keys.txt")).unwrap())
        .unwrap();
    identities
}

/// moto's KMS with the fixed keys: id, vector, tag, ciphertext; the context is the additional data.
fn moto(source: &KmsSource) -> Option<DataKey> {
    let (id, rest) = source.ciphertext.split_at(36);
    let (nonce, rest) = rest.split_at(12);
    let (tag, sealed) = rest.split_at(16);
    let first = match id {
        b"11111111-2222-4333-8444-555555555555" => 0_u8,
        b"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee" => 32,
        _ => return None,
    };
    let key: Vec<u8> = (first..first + 32).collect();
    let context: String = source
        .context
        .iter()
        .flat_map(|(name, value)| [&**name, &**value])
        .collect();
    assert_eq!(source.region, "us-east-1");
    gcm::open(&key, nonce, context.as_bytes(), sealed, tag).ok()
}

/// All sources of all groups, opened.
fn parts(file: &File) -> Vec<Vec<DataKey>> {
    let open = |source: &KeySource| match source {
        KeySource::Age(source) => identities().open(source).unwrap(),
        KeySource::Kms(source) => moto(source).unwrap(),
    };
    let groups = file.groups().iter();
    groups
        .map(|group| group.sources.iter().map(open).collect())
        .collect()
}

fn data_key(file: &File) -> DataKey {
    let firsts: Vec<DataKey> = parts(file).iter().map(|group| group[0].clone()).collect();
    file.combine(&firsts[..file.threshold()]).unwrap()
}

fn decrypt(bytes: &[u8], format: Format) -> Result<Decrypted, SopsError> {
    let file = File::parse(bytes, format)?;
    file.decrypt(&data_key(&file))
}

fn text(decrypted: &Decrypted) -> &str {
    std::str::from_utf8(&decrypted.content).unwrap()
}

/// `path=text` of all values, `path~` for null.
fn leaves(decrypted: &Decrypted) -> Vec<String> {
    let shown = |leaf: &super::Leaf| {
        let path: Vec<String> = leaf
            .path
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => key.clone(),
                Segment::Index(index) => index.to_string(),
                Segment::Complex => panic!(),
            })
            .collect();
        let text = match &leaf.text {
            Plaintext::Text(text) => text.expose().to_owned(),
            Plaintext::Binary(bytes) => format!("{:?}", **bytes),
        };
        let mark = if leaf.is_null { "~" } else { "=" };
        format!("{}{mark}{text}", path.join("/"))
    };
    decrypted.leaves.iter().map(shown).collect()
}

/// Files made here, with a key of our own, so that a test can have in them what sops would not write.
mod maker {
    use super::super::sealed::seal;
    use super::super::value::Value;
    use super::*;
    use sha2::{Digest, Sha512};

    pub const KEY: [u8; 32] = [42; 32];
    pub const TIME: &str = "2020-01-02T03:04:05Z";
    const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

    pub fn key() -> DataKey {
        Zeroizing::new(KEY.to_vec())
    }

    /// An encrypted value at a path of keys.
    pub fn enc(plain: impl AsRef<[u8]>, kind: &str, path: &str) -> String {
        seal(plain.as_ref(), kind, &KEY, path)
    }

    /// The MAC over these bytes.
    pub fn mac(counted: impl AsRef<[u8]>) -> String {
        let digest = hex::encode_upper(Sha512::digest(counted));
        seal(digest.as_bytes(), "str", &KEY, TIME)
    }

    /// A YAML file out of its body and the bytes that its MAC counts.
    pub fn yaml(body: &str, counted: impl AsRef<[u8]>) -> String {
        let mac = mac(counted);
        format!(
            "{body}sops:\n    age:\n        - enc: {ARMOR}\n    lastmodified: \"{TIME}\"\n    mac: {mac}\n"
        )
    }

    /// A JSON file out of its members.
    pub fn json(members: &str, counted: impl AsRef<[u8]>) -> String {
        let mac = mac(counted);
        let comma = if members.is_empty() { "" } else { "," };
        format!(
            "{{{members}{comma}\"sops\":{{\"age\":[{{\"enc\":\"{ARMOR}\"}}],\"lastmodified\":\"{TIME}\",\"mac\":\"{mac}\"}}}}"
        )
    }

    pub fn dotenv(body: &str, counted: impl AsRef<[u8]>) -> String {
        let mac = mac(counted);
        format!(
            "{body}sops_age__list_0__map_enc={ARMOR}\nsops_lastmodified={TIME}\nsops_mac={mac}\n"
        )
    }

    pub fn open(text: &str, format: Format) -> Result<Decrypted, SopsError> {
        File::parse(text.as_bytes(), format)?.decrypt(&key())
    }

    /// What the MAC counts of a value.
    pub fn counted(kind: &str, plain: &[u8]) -> Vec<u8> {
        Value::read(kind, plain).unwrap().mac_bytes().to_vec()
    }
}
