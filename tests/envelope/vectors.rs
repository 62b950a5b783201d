//! The clients' stored objects, read through S3 and KMS, and the calls that this takes.

use super::{Cloud, Stored, repository};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

fn vectors() -> Vec<Value> {
    let file = repository("tests/vectors/kms/s3_objects.json");
    let sets: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    sets["objects"].as_array().unwrap().clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn every_vector_is_read_with_the_fewest_calls() {
    let cloud = Cloud::start();
    let vectors = vectors();
    assert_eq!(vectors.len(), 8);
    for vector in &vectors {
        let id = text(&vector["id"]);
        let body = format!("tests/vectors/kms/{}", text(&vector["body"]));
        let metadata = vector["metadata"].as_object().unwrap().iter();
        let object = Stored {
            metadata: metadata
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            body: std::fs::read(repository(&body)).unwrap(),
        };
        cloud.store(&id, &object);
        let file = vector["instruction_file"].as_str();
        if let Some(file) = file {
            let file = Stored {
                metadata: BTreeMap::new(),
                body: file.into(),
            };
            cloud.store(&format!("{id}.instruction"), &file);
        }
        let url = format!("s3://bucket/{id}");
        let context = vector["kms_encryption_context"].as_object();
        let context: Vec<String> = context
            .into_iter()
            .flatten()
            .flat_map(|(name, value)| ["--context".to_owned(), format!("{name}={}", text(value))])
            .collect();
        let mut args = vec!["get", &url];
        args.extend(context.iter().map(String::as_str));
        if vector["api"] == "v1" {
            args.push("--legacy");
        }
        let before = cloud.proxy.requests().len();
        let plain = cloud.good(&args, b"");
        let sum = hex::encode(Sha256::digest(&plain));
        assert_eq!(json!(sum), vector["plaintext_sha256"], "{id}");
        let calls = if file.is_some() { 3 } else { 2 };
        assert_eq!(cloud.proxy.requests().len() - before, calls, "{id}");
    }
}
