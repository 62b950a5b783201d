//! The files of the real sops, byte for byte.

use super::*;
use serde_json::Value as Json;

fn ids() -> Vec<String> {
    let vectors: Json = serde_json::from_slice(&read("vectors.json")).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap().iter();
    vectors
        .map(|vector| vector["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_vector_is_decrypted_to_the_bytes_of_sops() {
    let ids = ids();
    assert!(ids.len() >= 17);
    for id in ids {
        let (bytes, format) = encrypted(&id);
        let end = match format {
            Format::Yaml => "yaml",
            Format::Json => "json",
            _ => "env",
        };
        let want = read(&format!("{id}.dec.{end}"));
        let decrypted = decrypt(&bytes, format).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(
            text(&decrypted),
            std::str::from_utf8(&want).unwrap(),
            "{id}"
        );
    }
}

#[test]
fn each_source_of_a_group_gives_the_same_part() {
    let file = file("10_kms_and_age");
    let parts = parts(&file);
    let [group] = &parts[..] else { panic!() };
    assert_eq!(group.len(), 3);
    assert!(group.iter().all(|part| *part == group[0]));
}

#[test]
fn both_groups_are_needed() {
    let file = file("20_shamir_2of2");
    assert_eq!((file.groups().len(), file.threshold()), (2, 2));
    let parts: Vec<DataKey> = parts(&file).into_iter().flatten().collect();
    assert!(file.combine(&parts[..1]).is_err());
    let backwards: Vec<DataKey> = parts.iter().rev().cloned().collect();
    assert_eq!(
        file.combine(&parts).unwrap(),
        file.combine(&backwards).unwrap()
    );
}

#[test]
fn a_context_is_part_of_the_source() {
    let file = file("06_kms_context");
    let KeySource::Kms(source) = &file.groups()[0].sources[0] else {
        panic!()
    };
    assert_eq!(
        source.context,
        [
            ("app".into(), "entry".into()),
            ("env".into(), "prod".into())
        ]
    );
    let other = KmsSource {
        context: Vec::new(),
        ..source.clone()
    };
    assert_eq!(moto(&other), None);
}

#[test]
fn values_for_variables() {
    let dotenv = decrypt(&encrypted("08_age_dotenv").0, Format::Dotenv).unwrap();
    assert_eq!(
        leaves(&dotenv),
        [
            "FOO=bar",
            "EMPTY=",
            "QUOTED=\"a b\"",
            "NL=one\ntwo",
            "EQ=a=b=c",
            "NUM=42",
            "SPACE = x y ",
            "SECRET_unencrypted=open"
        ]
    );
    let yaml = decrypt(&encrypted("01_kms_yaml").0, Format::Yaml).unwrap();
    let yaml = leaves(&yaml);
    for want in [
        "str=hello",
        "small=1e-06",
        "bool=true",
        "no=false",
        "nul~",
        "empty=",
        "time=2020-01-02T03:04:05Z",
        "octal=493",
        "multi=line1\nline2\n",
        "list/0=one",
        "list/2/1/x=y",
        "list/3/k2=v2",
        "nested/a/b=c",
        "colon:key=v",
        "group_unencrypted/n~",
        "group_unencrypted/e=1e+21",
        "alias/p=q",
    ] {
        assert!(yaml.iter().any(|leaf| leaf == want), "{want} in {yaml:#?}");
    }
    assert!(
        !yaml
            .iter()
            .any(|leaf| leaf.contains("comment") || leaf.starts_with("sops"))
    );
    let docs = decrypt(&encrypted("18_multidoc").0, Format::Yaml).unwrap();
    assert_eq!(leaves(&docs), ["a=1", "b=two", "c/0=3"]);
}

#[test]
fn nothing_shows_in_debug() {
    let (bytes, format) = encrypted("06_kms_context");
    let file = File::parse(&bytes, format).unwrap();
    let decrypted = file.decrypt(&data_key(&file)).unwrap();
    let shown = format!("{file:?} {decrypted:?} {:?}", decrypted.leaves[0]);
    assert!(!shown.contains("\"b\"") && shown.contains("***"), "{shown}");
}
