//! AWS's own clients read what `entryctl` wrote, and the other way round.

use super::Cloud;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One cell of the table of places, contexts and contents.
struct Case {
    key: String,
    place: &'static str,
    context: Value,
    /// The same for `entryctl`.
    words: &'static [&'static str],
    content: Vec<u8>,
}

const CONTEXT: &[&str] = &["--context", "purpose=test", "--context", "env=prod \"1\""];

/// Empty, less and more than a block, binary, and more than one buffer of anybody's.
fn cases(places: &[&'static str]) -> Vec<Case> {
    let large = (0..1_500_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]);
    let contents = [
        Vec::new(),
        b"hello".to_vec(),
        (0..=255).collect(),
        large.collect(),
    ];
    let mut cases = Vec::new();
    for (number, content) in contents.into_iter().enumerate() {
        for place in places {
            for words in [&[], CONTEXT] {
                let context = match words {
                    [] => json!({}),
                    _ => json!({"purpose": "test", "env": "prod \"1\""}),
                };
                cases.push(Case {
                    key: format!("{number}-{place}-{}", words.len()),
                    place,
                    context,
                    words,
                    content: content.clone(),
                });
            }
        }
    }
    cases
}

impl Case {
    fn order(&self, verb: &str, version: &str) -> Value {
        json!({
            "verb": verb,
            "version": version,
            "place": self.place,
            "key": self.key,
            "context": self.context,
            "content": STANDARD.encode(&self.content),
        })
    }

    fn write(&self, cloud: &Cloud, format: &str) {
        let url = format!("s3://bucket/{}", self.key);
        let mut args = vec![
            "put",
            "-",
            &url,
            "--kms-key-id",
            "alias/fixed",
            "--format",
            format,
        ];
        if self.place == "instruction_file" {
            args.push("--instruction-file");
        }
        cloud.good(&[&args, self.words].concat(), &self.content);
    }

    #[track_caller]
    fn read(&self, cloud: &Cloud, more: &[&str]) {
        let url = format!("s3://bucket/{}", self.key);
        let read = cloud.good(&[&["get", &url], self.words, more].concat(), b"");
        assert!(read == self.content, "{}", self.key);
    }
}

fn orders(cases: &[Case], verb: &str, version: &str) -> Vec<Value> {
    cases.iter().map(|case| case.order(verb, version)).collect()
}

#[track_caller]
fn all_read(cases: &[Case], read: &[Result<Vec<u8>, String>]) {
    assert_eq!(read.len(), cases.len());
    for (case, read) in cases.iter().zip(read) {
        let content = read
            .as_ref()
            .unwrap_or_else(|error| panic!("{}: {error}", case.key));
        assert!(*content == case.content, "{}", case.key);
    }
}

#[test]
fn ruby_reads_what_we_write() {
    let cloud = Cloud::start();
    let cases = cases(&["metadata", "instruction_file"]);
    for case in &cases {
        case.write(&cloud, "v2");
    }
    all_read(&cases, &cloud.ruby(&orders(&cases, "get", "v2")));
    // A negative control: what Ruby reads, it verifies.
    let mut wrong = orders(&cases, "get", "v2");
    for order in &mut wrong {
        order["context"] = json!({"env": "wrong"});
    }
    for read in cloud.ruby(&wrong) {
        assert!(read.unwrap_err().contains("does not match the provided"));
    }
}

#[test]
fn we_read_what_ruby_writes() {
    let cloud = Cloud::start();
    let cases = cases(&["metadata", "instruction_file"]);
    for written in cloud.ruby(&orders(&cases, "put", "v2")) {
        written.unwrap();
    }
    for case in &cases {
        case.read(&cloud, &[]);
    }
}

#[test]
fn objects_of_rubys_v1_client_need_the_switch() {
    let cloud = Cloud::start();
    let mut cases = cases(&["metadata", "instruction_file"]);
    cases.retain(|case| case.words.is_empty());
    for written in cloud.ruby(&orders(&cases, "put", "v1")) {
        written.unwrap();
    }
    for case in &cases {
        case.read(&cloud, &["--legacy"]);
        let url = format!("s3://bucket/{}", case.key);
        assert_eq!(
            cloud.bad(1, &["get", &url]),
            format!(
                "entryctl: {url}: it was written by a V1 client (kms, AES/CBC/PKCS5Padding) and is not \
                 safe against changes: upload it again with a V2 or V3 client, or set legacy to read it all the same\n"
            )
        );
    }
    // The V1 client reads what the V2 client writes, and so what we do.
    for case in &cases {
        case.write(&cloud, "v2");
    }
    all_read(&cases, &cloud.ruby(&orders(&cases, "get", "v1")));
}

#[test]
fn python_reads_what_we_write_in_version_3() {
    let cloud = Cloud::start();
    let cases = cases(&["metadata", "instruction_file"]);
    for case in &cases {
        case.write(&cloud, "v3");
        case.read(&cloud, &[]);
    }
    all_read(&cases, &cloud.python(&orders(&cases, "get", "v3")));
}

#[test]
fn we_read_what_python_writes_in_version_3() {
    let cloud = Cloud::start();
    let cases = cases(&["metadata"]);
    for written in cloud.python(&orders(&cases, "put", "v3")) {
        written.unwrap();
    }
    for case in &cases {
        case.read(&cloud, &[]);
    }
}
