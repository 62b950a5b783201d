//! An object with its envelope: any is refused or read, what was written opens, and with one bit changed it
//! does not.

use entry::envelope::{
    Envelope, Format, MAX_INSTRUCTION_FILE, Place, Policy, Sealer, needs_instruction_file,
};
use std::collections::BTreeMap;

type Map = BTreeMap<String, String>;

/// What an input says, in parts that a NUL divides: switches, a data key in hex, metadata, instruction file,
/// context, body.
struct Input<'a> {
    switches: &'a [u8],
    key: Vec<u8>,
    metadata: Map,
    file: &'a [u8],
    context: Map,
    body: &'a [u8],
}

impl<'a> Input<'a> {
    fn of(bytes: &'a [u8]) -> Input<'a> {
        let mut parts = bytes.splitn(6, |byte| *byte == 0);
        let mut part = || parts.next().unwrap_or_default();
        Input {
            switches: part(),
            key: hex::decode(part()).unwrap_or_else(|_| vec![7; 32]),
            metadata: map(part()),
            file: part(),
            context: map(part()),
            body: part(),
        }
    }

    fn is(&self, switch: u8) -> bool {
        self.switches.contains(&switch)
    }
}

/// A line is a name, `=`, and a value.
fn map(bytes: &[u8]) -> Map {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// An object as it was found, and one written of the same parts.
pub fn envelope(bytes: &[u8]) {
    let input = Input::of(bytes);
    read(&input);
    write(&input, bytes.iter().map(|byte| usize::from(*byte)).sum());
}

fn read(input: &Input) {
    let policy = Policy {
        legacy: input.is(b'l'),
        context: input.context.clone(),
    };
    let file = (!input.file.is_empty()).then_some(input.file);
    if let Ok(envelope) = Envelope::read(&input.metadata, file, &policy) {
        let _ = envelope.open(&input.key, input.body.to_vec());
        let _ = envelope.open(&[7; 32], input.body.to_vec());
    }
}

fn write(input: &Input, flip: usize) {
    let format = if input.is(b'3') {
        Format::V3
    } else {
        Format::V2
    };
    let in_file = input.is(b'f');
    let place = if in_file {
        Place::InstructionFile
    } else {
        Place::Metadata
    };
    let Ok(sealer) = Sealer::new(format, place, &input.context) else {
        return;
    };
    // Any bytes will do as the key that KMS encrypted.
    let (wrapped, plain) = (input.file, input.body);
    let random = vec![9; sealer.random_len()];
    let Ok(sealed) = sealer.seal(&input.key, wrapped, &random, plain) else {
        return;
    };
    assert_eq!(needs_instruction_file(&sealed.metadata), in_file);
    let policy = Policy {
        legacy: false,
        context: input.context.clone(),
    };
    let file = sealed.instruction_file.as_deref();
    let envelope = match Envelope::read(&sealed.metadata, file, &policy) {
        Ok(envelope) => envelope,
        // KMS gives no key that is empty or larger than it takes, and takes no context that large.
        Err(error) => {
            let refused = wrapped.is_empty() || wrapped.len() > 6144;
            let too_large = file.is_some_and(|file| file.len() > MAX_INSTRUCTION_FILE);
            assert!(refused || too_large, "{error:?}");
            return;
        }
    };
    assert_eq!(envelope.wrapped_key(), wrapped);
    assert_eq!(envelope.context(), sealer.context());
    let opened = envelope.open(&input.key, sealed.body.clone());
    assert_eq!(opened.expect("what was written").as_slice(), plain);
    let mut changed = sealed.body;
    let bit = flip % (changed.len() * 8);
    changed[bit / 8] ^= 1 << (bit % 8);
    assert!(envelope.open(&input.key, changed).is_err());
}
