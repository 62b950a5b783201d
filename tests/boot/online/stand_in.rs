//! Against AWS's stand-in: values that Ruby's SDK encrypted, and a real object.

use super::with_files;
use crate::support::Entry;
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::http;
use crate::support::moto::Moto;
use crate::support::repository;
use serde_json::Value;

#[test]
fn every_vector_boots_with_a_request_for_each_distinct_ciphertext() {
    let moto = Moto::start();
    http::put(moto.address(), "/bucket", b"");
    http::put(moto.address(), "/bucket/dir/ca.pem", b"a certificate\n");
    let upstream = moto.address();
    let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
    let path = repository("tests/vectors/kms/yaml_vault_values.json");
    let sets: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let sets = sets.as_array().unwrap().iter();
    let values: Vec<&Value> = sets
        .flat_map(|set| set["values"].as_array().unwrap())
        .collect();
    // Each twice, in quotes, which keep texts what they are.
    let twice = values.iter().chain(&values).enumerate();
    let lines = twice.map(|(index, value)| format!("v{index}: {}\n", value["ciphertext_b64"]));
    let vault = lines.collect::<Vec<_>>().concat();
    let expected: Vec<&str> = values
        .iter()
        .chain(&values)
        .map(|value| value["value"].as_str().unwrap())
        .collect();
    let files = "files: [{from: s3://bucket/dir/ca.pem, to: OUT/t}]";
    let entry = with_files(Entry::new(), &proxy.url(), files, "a: 1\n").file("s.yml", vault);
    let show = "[ruby, -ryaml, -rjson, -e, \"puts YAML.load_file('out/s.yml').values.to_json; print File.read('out/t')\"]";
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let (_, rest) = mode.split_once('\n').unwrap();
    let done = entry
        .mode("web", &format!("command: {show}\n{rest}"))
        .run()
        .expect(0);
    let stdout = done.stdout();
    let (read, object) = stdout.split_once('\n').unwrap();
    let read: Vec<String> = serde_json::from_str(read).unwrap();
    assert_eq!(read, expected);
    assert_eq!(object, "a certificate\n");
    let line = done.line("start");
    assert_eq!(line["secrets"], 2 * values.len());
    assert_eq!(line["kms_calls"], values.len());
    assert_eq!(line["object_bytes"], 14);
    assert_eq!(proxy.requests().len(), values.len() + 1);
}
