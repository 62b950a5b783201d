use super::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

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

fn format() -> impl Strategy<Value = Format> {
    select(vec![Format::V2, Format::V3])
}

fn place() -> impl Strategy<Value = Place> {
    select(vec![Place::Metadata, Place::InstructionFile])
}

fn context() -> impl Strategy<Value = Map> {
    btree_map("[ -~]{1,8}", "[ -~]{0,12}", 0..5)
}

/// Values that are right for some member more often than chance would make them.
fn value() -> impl Strategy<Value = String> {
    let good = Object::all().into_iter();
    let good = good.flat_map(|object| object.metadata.into_values());
    let good: Vec<String> = good.collect();
    prop_oneof![3 => select(good), 1 => any::<String>(), 1 => "[A-Za-z0-9+/=]{0,60}"]
}

fn metadata() -> impl Strategy<Value = Map> {
    let name =
        prop_oneof![9 => select(NAMES.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
    btree_map(name, value(), 0..12)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        format in format(),
        place in place(),
        context in context(),
        plain in vec(any::<u8>(), 0..300),
    ) {
        let sealer = Sealer::new(format, place, &context).unwrap();
        let object = sealed(&sealer, &plain);
        let policy = Policy { legacy: false, context };
        prop_assert_eq!(object.open_as(&policy).unwrap(), plain);
    }

    #[test]
    fn only_the_same_context_reads_it(
        format in format(),
        place in place(),
        context in context(),
        other in context(),
    ) {
        let sealer = Sealer::new(format, place, &context).unwrap();
        let object = sealed(&sealer, b"plain");
        let same = context == other;
        let policy = Policy { legacy: true, context: other };
        prop_assert_eq!(object.open_as(&policy).is_ok(), same);
    }

    #[test]
    fn an_object_of_another_envelope_is_not_opened(
        format in format(),
        place in place(),
        plain in vec(any::<u8>(), 1..50),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let sealer = Sealer::new(format, place, &Map::new()).unwrap();
        let mut object = sealed(&sealer, &plain);
        let at = at.index(object.bytes.len());
        object.bytes[at] ^= 1_u8 << bit;
        let opened = object.open_as(&Policy::default());
        prop_assert_eq!(opened, Err(Failure::Open(OpenError::Tag)));
    }

    #[test]
    fn no_envelope_panics(
        metadata in metadata(),
        file in prop::option::of(metadata()),
        raw in vec(any::<u8>(), 0..200),
        context in context(),
        legacy in any::<bool>(),
        key in vec(any::<u8>(), 0..40),
        body in vec(any::<u8>(), 0..100),
    ) {
        let policy = Policy { legacy, context };
        let file = file.map_or(raw, |file| serde_json::to_vec(&file).unwrap());
        for file in [None, Some(file.as_slice())] {
            for policy in [&policy, &Policy { legacy: true, ..Policy::default() }] {
                if let Ok(envelope) = Envelope::read(&metadata, file, policy) {
                    // Nothing authenticates CBC, and a byte in 256 is a padding.
                    let opened = envelope.open(&key, body.clone()).is_ok();
                    prop_assert!(!opened || metadata.contains_key("x-amz-iv") || file.is_some());
                    let _ = envelope.open(&[7; 32], body.clone());
                }
            }
        }
    }
}
