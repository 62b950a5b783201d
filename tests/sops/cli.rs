//! What it writes, and what it says when it writes nothing.

use super::{Place, age_keys, vector};
use crate::support::binary;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

const NAME: &str = "08_age_dotenv.enc.env";

fn place() -> Place {
    Place::new()
        .file(NAME, vector(NAME))
        .env("SOPS_AGE_KEY_FILE", age_keys())
}

#[test]
fn a_new_file_is_private_and_whole() {
    let place = place();
    assert_eq!(place.good(&[NAME, "-o", "out.env"]), b"");
    let out = place.path("out.env");
    assert_eq!(
        std::fs::read_to_string(&out).unwrap(),
        vector("08_age_dotenv.dec.env")
    );
    assert_eq!(
        std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn identities_in_a_variable_and_standard_input() {
    let keys = vector("age_keys.txt");
    let place = Place::new().env("SOPS_AGE_KEY", keys);
    let mut command = place.command(
        &binary("entryctl"),
        &["sops", "decrypt", "-", "--format", "dotenv"],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(vector(NAME).as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        vector("08_age_dotenv.dec.env")
    );
    assert_eq!(
        place.bad(1, &["-"]),
        "entryctl: standard input has no name to tell its format: give --format\n"
    );
}

#[test]
fn errors_name_file_cause_and_remedy_and_leave_nothing() {
    let whole = vector(NAME);
    let changed = whole.replace("SECRET_unencrypted=open", "SECRET_unencrypted=canary");
    let place = place()
        .file("changed.env", changed)
        .file("moved.env", whole.replace("\nFOO=", "\nBAR="))
        .file("clear.yaml", "a: canary\n")
        .file("list.yaml", "- canary\n")
        .file("a.ini", "");
    for (args, told) in [
        (
            &["changed.env", "-o", "out"][..],
            "changed.env: its MAC does not match: a value was changed, added, removed or moved after encryption without sops; take the last good version, or check the file and encrypt it again",
        ),
        (
            &["moved.env", "-o", "out"],
            "moved.env: 2:1: $.BAR: it cannot be decrypted: the value or its key was changed or moved, or the data key is another one",
        ),
        (
            &["clear.yaml"],
            "clear.yaml: it has no sops metadata: encrypt it with `sops encrypt`, or say its format if that is another one",
        ),
        (
            &["list.yaml"],
            "list.yaml: 1:1: a mapping should begin here: sops encrypts mappings only",
        ),
        (
            &["a.ini"],
            "a.ini: sops files of the format ini are not read here: use yaml, json or dotenv",
        ),
        (
            &["nowhere.env"],
            "cannot read nowhere.env: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(place.bad(1, args), format!("entryctl: {told}\n"));
    }
    assert!(!place.path("out").exists());
    assert!(
        place
            .bad(2, &[NAME, "--format", "ini"])
            .contains("[possible values: yaml, json, dotenv, binary]")
    );
}

#[test]
fn no_identity_and_a_wrong_one() {
    let none = Place::new().file(NAME, vector(NAME));
    let age = "age age1dh8zaxc2qfm0sdu4x0kltnc5ntt4neruxcasudh7mffj88c9g4hsszthrz";
    assert_eq!(
        none.bad(1, &[NAME]),
        format!(
            "entryctl: {NAME}: its data key cannot be had: {age}: there is no age identity: set SOPS_AGE_KEY or SOPS_AGE_KEY_FILE\n"
        )
    );
    let other = vector("age_keys.txt").lines().last().unwrap().to_owned();
    let wrong = none.env("SOPS_AGE_KEY", other);
    assert_eq!(
        wrong.bad(1, &[NAME]),
        format!(
            "entryctl: {NAME}: its data key cannot be had: {age}: no age identity of those given fits\n"
        )
    );
}
