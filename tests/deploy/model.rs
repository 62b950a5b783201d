//! What is known of AWS's fields, against AWS's own model of the API, which comes with moto.

use crate::support::moto;
use entry::deploy::config::fields::{
    CONTAINER, CREATE_ONLY, DOCUMENT, FLAGS, NUMBERS, SERVICE, TASK, TEXTS, USER_MAPS,
};
use entry::deploy::config::names::{camel, is_user_data};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Prints every member of the requests: path, name and type.
const SCRIPT: &str = r"
import botocore.session, json
model = botocore.session.get_session().get_service_model('ecs')
found = []
def walk(shape, path, above):
    if shape.type_name == 'structure' and shape.name not in above:
        for name, member in shape.members.items():
            kind = member.type_name
            inner = member
            while inner.type_name == 'list':
                inner = inner.member
            document = getattr(inner, 'is_document_type', False)
            found.append([path, name, kind, inner.type_name, bool(document)])
            walk(inner, path + '.' + name, above | {shape.name})
for operation in ['RegisterTaskDefinition', 'CreateService', 'UpdateService']:
    walk(model.operation_model(operation).input_shape, operation, set())
for shape in ['TaskDefinition', 'Service']:
    for name in model.shape_for(shape).members:
        found.append([shape, name, '', '', False])
print(json.dumps(found))
";

struct Member {
    path: String,
    name: String,
    kind: String,
    inner: String,
    document: bool,
}

fn members() -> Vec<Member> {
    let output = Command::new(moto::python())
        .args(["-c", SCRIPT])
        .output()
        .unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(all.len() > 300, "only {} members", all.len());
    let text = |member: &Value, place: usize| member[place].as_str().unwrap().to_owned();
    all.iter()
        .map(|member| Member {
            path: text(member, 0),
            name: text(member, 1),
            kind: text(member, 2),
            inner: text(member, 3),
            document: member[4] == true,
        })
        .collect()
}

fn names(all: &[Member], wanted: impl Fn(&Member) -> bool) -> BTreeSet<&str> {
    let wanted = all.iter().filter(|member| wanted(member));
    wanted.map(|member| member.name.as_str()).collect()
}

fn set(all: &[&'static str]) -> BTreeSet<&'static str> {
    let set: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(set.len(), all.len(), "one of them stands twice");
    set
}

#[test]
fn the_fields_of_definitions_are_aws_s() {
    let all = members();
    let of = |path: &str| names(&all, |member| member.path == path);
    assert_eq!(set(TASK.sent), of("RegisterTaskDefinition"));
    assert_eq!(
        set(CONTAINER.sent),
        of("RegisterTaskDefinition.containerDefinitions")
    );
    let mut create = of("CreateService");
    create.remove("clientToken");
    assert_eq!(set(SERVICE.sent), create);
    let update = of("UpdateService");
    let only: BTreeSet<&str> = create.difference(&update).copied().collect();
    // Told to `service`, and by TagResource.
    let mut known = set(&CREATE_ONLY);
    known.extend(["serviceName", "tags"]);
    assert_eq!(only, known);
    let answered = |path: &str, sent: &[&'static str]| -> BTreeSet<&str> {
        of(path).difference(&set(sent)).copied().collect()
    };
    assert_eq!(set(TASK.answered), answered("TaskDefinition", TASK.sent));
    assert_eq!(set(SERVICE.answered), answered("Service", SERVICE.sent));
}

#[test]
fn user_data_is_where_aws_has_maps() {
    let all = members();
    let maps = names(&all, |member| member.kind == "map");
    assert_eq!(set(&USER_MAPS), maps);
    let documents = names(&all, |member| member.document);
    assert!(
        documents.is_empty() || documents == set(&[DOCUMENT]),
        "{documents:?}"
    );
    // Nothing else has such a name.
    for member in all.iter().filter(|member| member.kind != "map") {
        assert!(
            !USER_MAPS.contains(&member.name.as_str()),
            "{}.{}",
            member.path,
            member.name
        );
    }
}

#[test]
fn numbers_and_truth_values_are_aws_s() {
    let all = members();
    let is_number = |kind: &str| matches!(kind, "integer" | "long" | "double" | "float");
    let mut numbers = names(&all, |member| is_number(&member.inner));
    // By where they stand.
    for name in ["cpu", "memory", "value"] {
        assert!(numbers.remove(name));
    }
    assert_eq!(set(&NUMBERS), numbers);
    assert_eq!(set(&FLAGS), names(&all, |member| member.inner == "boolean"));
    for text in TEXTS {
        let other = all
            .iter()
            .find(|member| member.name == text && member.inner == "boolean");
        assert!(other.is_none(), "{text}");
    }
}

/// As the SDK for Ruby spells it, so ecs_deploy.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(place + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
fn every_name_of_aws_comes_back() {
    for member in members() {
        let snake = snake(&member.name);
        assert_eq!(camel(&snake), member.name, "{snake}");
        assert_eq!(camel(&member.name), member.name);
    }
}

proptest! {
    #[test]
    fn renaming_twice_is_renaming_once(name in "[a-z][a-zA-Z0-9_]{0,20}") {
        let once = camel(&name);
        prop_assert_eq!(camel(&once), once);
    }

    #[test]
    fn a_user_map_keeps_its_keys(map in "(dockerLabels|labels|options|driverOpts)", key in "[a-z]{1,5}_[a-z]{1,5}") {
        prop_assert!(is_user_data(&map));
        let text = format!(
            "cluster: c\ntasks: {{t: {{container_definitions: [{{name: a, image: b, {map}: {{{key}: v_w}}}}]}}}}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("deploy.yml"), text).unwrap();
        let path = folder.path().join("deploy.yml");
        let loaded = entry::deploy::config::open(&path, None, &super::variable).unwrap();
        let container = &loaded.config.tasks[0].request["containerDefinitions"][0];
        prop_assert_eq!(&container[&map][&key], "v_w");
    }
}
