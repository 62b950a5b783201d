//! An envelope's members, gathered from metadata and instruction file, each where a client writes it.

use super::MAX_INSTRUCTION_FILE;
use super::error::{Problem, ReadError};
use super::names::{
    BESIDE_KEY_V3, INSTRUCTION_MARK, KEY_V2, KEY_V3, KEYS, OF_CONTENT_V3, OLDER, PLAIN_LEN, known,
};
use super::text_map::TextsAndNumbers;
use std::collections::BTreeMap;

type Metadata = BTreeMap<String, String>;

/// Whether the envelope is not in the metadata, so that the instruction file must be fetched.
pub fn needs_instruction_file(metadata: &Metadata) -> bool {
    !KEYS.iter().any(|name| metadata.contains_key(*name))
}

/// The members of one envelope.
pub struct Members {
    /// The name of its data key, one of `KEYS`.
    pub key: &'static str,
    values: BTreeMap<&'static str, String>,
    plain_lens: Vec<String>,
}

impl Members {
    /// Gathers and sorts out what no client would have written.
    pub fn gather(metadata: &Metadata, file: Option<&[u8]>) -> Result<Members, ReadError> {
        no_newer_key(metadata)?;
        let in_metadata = named(metadata);
        if let Some(key) = key_of(&in_metadata) {
            return Members::of(key, in_metadata, BTreeMap::new(), lens([metadata]));
        }
        let Some(file) = file else {
            let part = in_metadata.keys().next();
            return Err(part.map_or(ReadError::NotEncrypted, |name| {
                ReadError::NoInstructionFile(name)
            }));
        };
        let file = parse(file)?;
        let in_file = named(&file);
        let misplaced = OF_CONTENT_V3
            .iter()
            .find(|name| in_file.contains_key(*name));
        if let Some(name) = misplaced {
            return Err(ReadError::Misplaced {
                name,
                place: "instruction file",
            });
        }
        let key = key_of(&in_file).ok_or(ReadError::NotEncrypted)?;
        Members::of(key, in_file, in_metadata, lens([metadata, &file]))
    }

    /// `beside` are those that stand in the metadata while the data key does not.
    fn of(
        key: &'static str,
        with_key: BTreeMap<&'static str, String>,
        beside: BTreeMap<&'static str, String>,
        plain_lens: Vec<String>,
    ) -> Result<Members, ReadError> {
        let (friends, content): (&[&str], &[&str]) = match key {
            KEY_V3 => (&BESIDE_KEY_V3, &OF_CONTENT_V3),
            _ => (&OLDER, &[]),
        };
        let is_in = |list: &[&str], name: &&&str| list.contains(*name);
        let stranger =
            |name: &&&str| **name != key && !is_in(friends, name) && !is_in(content, name);
        if let Some(name) = with_key.keys().chain(beside.keys()).find(stranger) {
            return Err(ReadError::Mixed(key, name));
        }
        if let Some(name) = beside.keys().find(|name| !is_in(content, name)) {
            return Err(ReadError::Misplaced {
                name,
                place: "metadata",
            });
        }
        let mut values = with_key;
        values.extend(beside);
        Ok(Members {
            key,
            values,
            plain_lens,
        })
    }

    pub fn get(&self, name: &'static str) -> Result<&str, ReadError> {
        self.find(name).ok_or(ReadError::Missing(name))
    }

    pub fn find(&self, name: &'static str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Bytes of the plaintext, if it says so.
    pub fn plain_len(&self) -> Result<Option<u64>, ReadError> {
        let wrong = |problem| ReadError::Member {
            name: PLAIN_LEN,
            problem,
        };
        let mut found = None;
        for text in &self.plain_lens {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse::<u64>().ok().filter(|_| digits);
            let number = number.ok_or_else(|| wrong(Problem::Number(text.clone())))?;
            if found.replace(number).is_some_and(|other| other != number) {
                return Err(wrong(Problem::TwoValues));
            }
        }
        Ok(found)
    }
}

fn named(map: &Metadata) -> BTreeMap<&'static str, String> {
    let members = map.iter();
    members
        .filter_map(|(name, value)| Some((known(name)?, value.clone())))
        .collect()
}

fn lens<const N: usize>(maps: [&Metadata; N]) -> Vec<String> {
    let lens = maps.into_iter().filter_map(|map| map.get(PLAIN_LEN));
    lens.cloned().collect()
}

/// Its data key; a second one is a stranger to the first.
fn key_of(members: &BTreeMap<&'static str, String>) -> Option<&'static str> {
    let mut keys = KEYS.iter().copied();
    keys.find(|key| members.contains_key(key))
}

/// Clients to come will say `x-amz-key-v4`, or whatever they like.
fn no_newer_key(map: &Metadata) -> Result<(), ReadError> {
    let newer = |name: &&String| name.starts_with("x-amz-key-") && *name != KEY_V2;
    match map.keys().find(newer) {
        Some(name) => Err(ReadError::UnknownVersion(name.clone())),
        None => Ok(()),
    }
}

/// An instruction file is an envelope and nothing else.
fn parse(file: &[u8]) -> Result<Metadata, ReadError> {
    let wrong = ReadError::InstructionFile;
    if file.is_empty() || file.len() > MAX_INSTRUCTION_FILE {
        return Err(wrong(Problem::Size {
            got: file.len(),
            most: MAX_INSTRUCTION_FILE,
        }));
    }
    let parsed = serde_json::from_slice::<TextsAndNumbers>(file);
    let TextsAndNumbers(members) = parsed.map_err(|_| wrong(Problem::Json))?;
    no_newer_key(&members)?;
    let allowed =
        |name: &String| known(name).is_some() || name == PLAIN_LEN || name == INSTRUCTION_MARK;
    match members.keys().find(|name| !allowed(name)) {
        Some(name) => Err(wrong(Problem::UnknownMember(name.clone()))),
        None => Ok(members),
    }
}
