//! An object with its envelope: metadata, instruction file, policy, data key and body, of members that are
//! right more often than chance would make them. What was written must open, and nothing must panic.

#![no_main]

use entry::envelope::{
    Envelope, Format, MAX_INSTRUCTION_FILE, Place, Policy, Sealer, needs_instruction_file,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

const NAMES: [&str; 17] = [
    "x-amz-key",
    "x-amz-key-v2",
    "x-amz-3",
    "x-amz-iv",
    "x-amz-cek-alg",
    "x-amz-wrap-alg",
    "x-amz-tag-len",
    "x-amz-matdesc",
    "x-amz-c",
    "x-amz-w",
    "x-amz-t",
    "x-amz-m",
    "x-amz-d",
    "x-amz-i",
    "x-amz-unencrypted-content-length",
    "x-amz-key-v9",
    "x-amz-crypto-instr-file",
];

const VALUES: [&str; 14] = [
    "AES/GCM/NoPadding",
    "AES/CBC/PKCS5Padding",
    "kms",
    "kms+context",
    "12",
    "115",
    "128",
    "16",
    r#"{"aws:x-amz-cek-alg":"AES/GCM/NoPadding"}"#,
    r#"{"aws:x-amz-cek-alg":"115"}"#,
    r#"{"kms_cmk_id":"alias/a"}"#,
    "AAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAA==",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
];

#[derive(Arbitrary, Debug)]
enum Word<'a> {
    Known(u8),
    Other(&'a str),
}

impl Word<'_> {
    fn of(&self, known: &[&str]) -> String {
        match self {
            Word::Known(number) => known[usize::from(*number) % known.len()].to_owned(),
            Word::Other(text) => (*text).to_owned(),
        }
    }
}

type Members<'a> = Vec<(Word<'a>, Word<'a>)>;

#[derive(Arbitrary, Debug)]
enum File<'a> {
    Members(Members<'a>),
    Raw(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Read {
        metadata: Members<'a>,
        file: Option<File<'a>>,
        legacy: bool,
        context: Vec<(&'a str, &'a str)>,
        key: [u8; 32],
        body: &'a [u8],
    },
    /// Written, then one bit of it changed.
    Write {
        v3: bool,
        in_file: bool,
        context: Vec<(&'a str, &'a str)>,
        key: [u8; 32],
        random: [u8; 28],
        wrapped: &'a [u8],
        plain: &'a [u8],
        flip: u32,
    },
}

fn map(members: &Members) -> BTreeMap<String, String> {
    let members = members.iter();
    members
        .map(|(name, value)| (name.of(&NAMES), value.of(&VALUES)))
        .collect()
}

fn owned(context: &[(&str, &str)]) -> BTreeMap<String, String> {
    let members = context.iter();
    members
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fuzz_target!(|input: Input| match input {
    Input::Read {
        metadata,
        file,
        legacy,
        context,
        key,
        body,
    } => {
        let file = file.map(|file| match file {
            File::Members(members) => serde_json::to_vec(&map(&members)).expect("a map of texts"),
            File::Raw(bytes) => bytes.to_vec(),
        });
        let policy = Policy {
            legacy,
            context: owned(&context),
        };
        if let Ok(envelope) = Envelope::read(&map(&metadata), file.as_deref(), &policy) {
            let _ = envelope.open(&key, body.to_vec());
            let _ = envelope.open(&key[1..], body.to_vec());
        }
    }
    Input::Write {
        v3,
        in_file,
        context,
        key,
        random,
        wrapped,
        plain,
        flip,
    } => {
        let format = if v3 { Format::V3 } else { Format::V2 };
        let place = if in_file {
            Place::InstructionFile
        } else {
            Place::Metadata
        };
        let context = owned(&context);
        let Ok(sealer) = Sealer::new(format, place, &context) else {
            return;
        };
        let random = &random[..sealer.random_len()];
        let Ok(sealed) = sealer.seal(&key, wrapped, random, plain) else {
            return;
        };
        assert_eq!(needs_instruction_file(&sealed.metadata), in_file);
        let policy = Policy {
            legacy: false,
            context,
        };
        let read = Envelope::read(
            &sealed.metadata,
            sealed.instruction_file.as_deref(),
            &policy,
        );
        let Ok(envelope) = read else {
            // KMS gives no key that is empty or larger than it takes, and takes no context that large.
            let file = sealed.instruction_file.map_or(0, |file| file.len());
            let refused = wrapped.is_empty() || wrapped.len() > 6144;
            assert!(refused || file > MAX_INSTRUCTION_FILE, "{read:?}");
            return;
        };
        assert_eq!(envelope.wrapped_key(), wrapped);
        assert_eq!(envelope.context(), sealer.context());
        let opened = envelope.open(&key, sealed.body.clone());
        assert_eq!(opened.expect("what was written").as_slice(), plain);
        let mut changed = sealed.body;
        let bit = flip as usize % (changed.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(envelope.open(&key, changed).is_err());
    }
});
