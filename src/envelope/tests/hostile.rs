//! Envelopes that mean harm by their size or shape.

use super::*;

const SIZE: usize = 10 << 20;

fn nested(depth: usize) -> String {
    format!("{}\"a\"{}", "{\"a\":".repeat(depth), "}".repeat(depth))
}

#[test]
fn nothing_is_nested() {
    let json = ReadError::InstructionFile(Problem::Json);
    for depth in [2, 1000, 10_000] {
        let object = Object::named("v2-kms-gcm-instr").file(&nested(depth));
        assert_eq!(object.refusal(), json);
        for (id, name) in [
            ("v2-kms-gcm-hello", "x-amz-matdesc"),
            ("v1-kms-cbc-hello", "x-amz-matdesc"),
        ] {
            let problem = Problem::Json;
            let refusal = Object::named(id).set(name, &nested(depth)).refusal();
            assert_eq!(refusal, ReadError::Member { name, problem });
        }
    }
}

#[test]
fn ten_megabytes_of_envelope() {
    for piece in ["A", "0", "{\"a\":"] {
        let long = piece.repeat(SIZE / piece.len());
        let file = Object::named("v2-kms-gcm-instr").file(&long);
        let (got, most) = (long.len(), MAX_INSTRUCTION_FILE);
        let size = ReadError::InstructionFile(Problem::Size { got, most });
        assert_eq!(file.refusal(), size);
        let object = Object::named("v2-kms-gcm-hello");
        for name in object.metadata.keys() {
            assert!(object.clone().set(name, &long).open().is_err());
        }
        let other = object.clone().set(&long, &long);
        assert!(other.open().is_ok());
    }
}

#[test]
fn ten_megabytes_of_body() {
    let plain = vec![7; SIZE];
    let sealer = Sealer::new(Format::V3, Place::Metadata, &Map::new()).unwrap();
    let mut object = sealed(&sealer, &plain);
    assert!(object.open().is_ok_and(|opened| opened == plain));
    object.bytes[SIZE / 2] ^= 1;
    assert!(object.open() == Err(Failure::Open(OpenError::Tag)));
    let mut object = Object::named("v1-kms-cbc-hello").without("x-amz-unencrypted-content-length");
    object.bytes = vec![0; SIZE];
    assert_eq!(object.open(), Err(Failure::Open(OpenError::Padding)));
}
