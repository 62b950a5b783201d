//! The clients' own objects, opened with the keys of the test KMS that made them.

mod changed;
mod hostile;
mod properties;
mod refused;
mod vectors;
mod written;

use super::*;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

type Map = BTreeMap<String, String>;

const KEY_ID: &str = "11111111-2222-4333-8444-555555555555";
const OTHER_KEY_ID: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

/// An object with all that KMS would be asked for it.
#[derive(Clone, Debug, Deserialize)]
struct Object {
    id: String,
    api: String,
    plaintext_sha256: String,
    kms_encryption_context: Option<Map>,
    metadata: Map,
    instruction_file: Option<String>,
    body: String,
    #[serde(skip)]
    bytes: Vec<u8>,
}

/// At which step an object was refused.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Read(ReadError),
    Kms,
    Open(OpenError),
}

impl Object {
    fn all() -> Vec<Object> {
        #[derive(Deserialize)]
        struct File {
            objects: Vec<Object>,
        }
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/kms");
        let file = std::fs::read(folder.join("s3_objects.json")).unwrap();
        let mut objects = serde_json::from_slice::<File>(&file).unwrap().objects;
        for object in &mut objects {
            object.bytes = std::fs::read(folder.join(&object.body)).unwrap();
        }
        objects
    }

    fn named(id: &str) -> Object {
        let mut all = Object::all().into_iter();
        all.find(|object| object.id == id).unwrap()
    }

    /// What its writer would read it with.
    fn policy(&self) -> Policy {
        Policy {
            legacy: self.api == "v1",
            context: self.kms_encryption_context.clone().unwrap_or_default(),
        }
    }

    fn read(&self, policy: &Policy) -> Result<Envelope, ReadError> {
        let file = self.instruction_file.as_ref();
        let file = file.filter(|_| needs_instruction_file(&self.metadata));
        Envelope::read(&self.metadata, file.map(String::as_bytes), policy)
    }

    fn open_as(&self, policy: &Policy) -> Result<Vec<u8>, Failure> {
        let envelope = self.read(policy).map_err(Failure::Read)?;
        let key = kms_decrypt(envelope.wrapped_key(), envelope.context()).ok_or(Failure::Kms)?;
        let opened = envelope.open(&key, self.bytes.clone());
        opened.map(|plain| plain.to_vec()).map_err(Failure::Open)
    }

    fn open(&self) -> Result<Vec<u8>, Failure> {
        self.open_as(&self.policy())
    }

    /// The error before KMS is asked.
    fn refusal(&self) -> ReadError {
        self.read(&self.policy()).unwrap_err()
    }

    fn set(mut self, name: &str, value: &str) -> Object {
        self.metadata.insert(name.to_owned(), value.to_owned());
        self
    }

    fn without(mut self, name: &str) -> Object {
        self.metadata.remove(name).unwrap();
        self
    }

    fn file(mut self, text: &str) -> Object {
        self.instruction_file = Some(text.to_owned());
        self
    }

    /// The instruction file with another member.
    fn file_with(self, name: &str, value: &str) -> Object {
        let mut members: Map =
            serde_json::from_str(self.instruction_file.as_ref().unwrap()).unwrap();
        members.insert(name.to_owned(), value.to_owned());
        self.file(&serde_json::to_string(&members).unwrap())
    }
}

fn map(members: &[(&str, &str)]) -> Map {
    let members = members.iter();
    members
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

/// moto's KMS: the key's id, nonce, tag, ciphertext; the context is the additional data.
fn material(key_id: &str) -> Option<[u8; 32]> {
    let first = match key_id {
        KEY_ID => 0,
        OTHER_KEY_ID => 32,
        _ => return None,
    };
    Some(std::array::from_fn(|n| first + u8::try_from(n).unwrap()))
}

fn additional(context: &[(String, String)]) -> Vec<u8> {
    let sorted: Map = context.iter().cloned().collect();
    sorted
        .into_iter()
        .flat_map(|(name, value)| (name + &value).into_bytes())
        .collect()
}

fn kms_decrypt(blob: &[u8], context: &[(String, String)]) -> Option<Vec<u8>> {
    let (id, rest) = blob.split_at_checked(36)?;
    let (nonce, rest) = rest.split_at_checked(12)?;
    let (tag, sealed) = rest.split_at_checked(16)?;
    let key = material(std::str::from_utf8(id).ok()?)?;
    let payload = Payload {
        msg: &[sealed, tag].concat(),
        aad: &additional(context),
    };
    let nonce = Nonce::try_from(nonce).ok()?;
    Aes256Gcm::new(&key.into()).decrypt(&nonce, payload).ok()
}

fn kms_encrypt(key_id: &str, data_key: &[u8], context: &[(String, String)]) -> Vec<u8> {
    let nonce = [9; 12];
    let payload = Payload {
        msg: data_key,
        aad: &additional(context),
    };
    let key = material(key_id).unwrap();
    let sealed = Aes256Gcm::new(&key.into())
        .encrypt(&nonce.into(), payload)
        .unwrap();
    let (sealed, tag) = sealed.split_at(data_key.len());
    [key_id.as_bytes(), &nonce, tag, sealed].concat()
}

/// Writes an object, with random bytes that count and would be reckless elsewhere.
fn sealed(sealer: &Sealer, plain: &[u8]) -> Object {
    let data_key: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap() ^ 0x5a);
    let wrapped = kms_encrypt(KEY_ID, &data_key, sealer.context());
    let random: Vec<u8> = (100..).take(sealer.random_len()).collect();
    let sealed = sealer.seal(&data_key, &wrapped, &random, plain).unwrap();
    let file = sealed.instruction_file;
    Object {
        id: format!("{sealer:?}"),
        api: "written".into(),
        plaintext_sha256: sha256(plain),
        kms_encryption_context: None,
        metadata: sealed.metadata,
        instruction_file: file.map(|file| String::from_utf8(file).unwrap()),
        body: String::new(),
        bytes: sealed.body,
    }
}
