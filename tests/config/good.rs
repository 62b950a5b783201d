//! What modes mean: defaults, one-offs, variables, every key once.

use super::{CANARY, variable};
use entry::config::{
    ArgsPolicy, Aws, Cryptor, Export, HealthCheck, Layers, Mode, Origin, Output, ParameterSet,
    Passphrase, Restart, SecretItem, SecretSource, Source, Text, TtyOwner, VaultFile, load,
};
use entry::sops::Format;
use entry::stop::{Preset, Step, Target};
use entry::sys::signal::Sig;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

fn text(file: &str, text: &str) -> Text {
    Text {
        file: format!("modes/{file}.yml"),
        text: text.to_owned(),
    }
}

fn mode(defaults: &str, web: &str) -> Mode {
    let layers = Layers::Mode {
        defaults: Some(text("_defaults", defaults)),
        mode: text("web", web),
    };
    load("web", &layers, &variable).unwrap()
}

fn vault(item: &SecretItem) -> &VaultFile {
    match &item.source {
        SecretSource::Vault(file) => file,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_source() {
    let mode = mode("", include_str!("../fixtures/modes-good/full/web.yml"));
    let sources = &mode.secrets[3..];
    let SecretSource::Sops(sops) = &sources[0].source else {
        panic!("{sources:?}")
    };
    assert_eq!(
        (sops.path.as_path(), sops.format),
        (Path::new("s"), Format::Dotenv)
    );
    assert_eq!(sops.identities, Some(Passphrase::File("/run/age".into())));
    let SecretSource::Ssm(below) = &sources[1].source else {
        panic!("{sources:?}")
    };
    let path = "/app".to_owned();
    assert_eq!(
        *below,
        ParameterSet::Below {
            path,
            recursive: true
        }
    );
    let SecretSource::Ssm(named) = &sources[2].source else {
        panic!("{sources:?}")
    };
    assert_eq!(
        *named,
        ParameterSet::Named(vec!["/a".to_owned(), "b".to_owned()])
    );
    let SecretSource::SecretsManager(secret) = &sources[3].source else {
        panic!("{sources:?}")
    };
    assert_eq!(
        (secret.id.as_str(), secret.stage.as_deref()),
        ("app/x", Some("AWSPREVIOUS"))
    );
    assert!(sources[3].replaces);
    let Cryptor::GcpKms {
        resource_id,
        credential_file,
    } = &vault(&sources[4]).cryptor
    else {
        panic!("{sources:?}")
    };
    assert_eq!(resource_id, "projects/p");
    assert_eq!(credential_file.as_deref(), Some(Path::new("/run/gcp.json")));
}

#[test]
fn every_key() {
    let mode = mode("", include_str!("../fixtures/modes-good/full/web.yml"));
    assert_eq!(mode.name, "web");
    assert_eq!(
        mode.command.unwrap(),
        ["bundle", "exec", "puma", "-p", "80 80", ""]
    );
    assert_eq!(mode.args, ArgsPolicy::Append);
    assert_eq!(mode.user.as_deref(), Some("app"));
    assert_eq!(mode.group.as_deref(), Some("1000"));
    assert!(mode.no_new_privs);
    assert_eq!(mode.workdir.as_deref(), Some(Path::new("/app")));
    assert_eq!(mode.umask, Some(0o027));
    assert_eq!(mode.tty, TtyOwner::Entry);
    assert_eq!(
        mode.exit.into_iter().collect::<Vec<_>>(),
        [(1, 255), (143, 0)]
    );
    assert_eq!(mode.max_runtime, Some(Duration::from_mins(90)));
    assert_eq!(mode.stop.preset, Preset::Puma);
    assert_eq!(mode.stop.on, Some(vec![Sig::TERM, Sig::INT]));
    assert_eq!(mode.stop.defer, Some(Duration::from_millis(500)));
    assert_eq!(
        mode.stop.steps.unwrap(),
        [
            Step::Wait(Duration::from_secs(1)),
            Step::Signal {
                signal: Sig::QUIT,
                to: Target::Group
            },
            Step::Wait(Duration::from_secs(2)),
            Step::Signal {
                signal: Sig::from_number(37).unwrap(),
                to: Target::Main
            },
            Step::Wait(Duration::from_secs(3)),
        ]
    );
    let [full_item, least_item, kms_item, ..] = &mode.secrets[..] else {
        panic!("{:?}", mode.secrets)
    };
    let (full, least, kms) = (vault(full_item), vault(least_item), vault(kms_item));
    assert_eq!(full_item.declared_at, "modes/web.yml:22");
    assert_eq!(full.path, Path::new("config/x.yml"));
    assert_eq!(full.keys.len(), 2);
    assert_eq!((full.prefix.as_str(), full.suffix.as_str()), ("ENC(", ")"));
    let Cryptor::Simple {
        passphrase,
        sign_passphrase,
        options,
    } = &full.cryptor
    else {
        panic!("{full:?}")
    };
    assert_eq!(
        (options.salt.as_str(), options.cipher.name()),
        ("na", "aes-128-cbc")
    );
    assert_eq!(
        (options.digest.name(), options.kdf_digest.name()),
        ("SHA1", "SHA256")
    );
    assert_eq!((options.key_len, options.signature_key_len), (16, 32));
    assert_eq!(*passphrase, Passphrase::File("/run/p".into()));
    assert_eq!(*sign_passphrase, Passphrase::Variable("SIGN".to_owned()));
    let write = full_item.write.as_ref().unwrap();
    assert_eq!(
        (write.path.as_path(), write.mode),
        (Path::new("/dev/shm/entry/x"), 0o440)
    );
    let names: Vec<&str> = full_item
        .env
        .iter()
        .map(|export| match export {
            Export::One { name, .. } => name.as_str(),
            Export::Subtree { prefix, .. } => prefix.as_str(),
        })
        .collect();
    assert_eq!(names, ["A", "DB_", ""]);
    assert_eq!(least_item.write.as_ref().unwrap().mode, 0o400);
    let Cryptor::Simple {
        passphrase,
        sign_passphrase,
        options,
    } = &least.cryptor
    else {
        panic!("{least:?}")
    };
    let variable = |name: &str| Passphrase::Variable(name.to_owned());
    assert_eq!(*passphrase, variable("YAML_VAULT_PASSPHRASE"));
    assert_eq!(*sign_passphrase, variable("YAML_VAULT_SIGN_PASSPHRASE"));
    assert_eq!(*options, entry::vault::SimpleOptions::default());
    assert_eq!(least.keys.len(), 1);
    assert!(matches!(kms.cryptor, Cryptor::AwsKms { key_id: None }));
}

#[test]
fn every_key_of_what_is_fetched() {
    let mode = mode("", include_str!("../fixtures/modes-good/full/web.yml"));
    let [object, local, sealed] = mode.files.try_into().unwrap();
    let Origin::S3(sealed) = sealed.from else {
        panic!("{:?}", sealed.from)
    };
    let sealed = sealed.client_side.unwrap();
    assert_eq!(
        (sealed.key_id.as_deref(), sealed.policy.legacy),
        (Some("alias/k"), true)
    );
    assert_eq!(sealed.policy.context["app"], "x");
    assert_eq!(object.declared_at, "modes/web.yml:53");
    assert_eq!(object.from.to_string(), "s3://my-bucket/dir/ca.pem");
    let Origin::S3(origin) = object.from else {
        panic!("{:?}", object.from)
    };
    assert_eq!(origin.version_id.as_deref(), Some("v1"));
    let key = origin.customer_key.unwrap();
    assert_eq!(
        (key.vault.as_path(), key.key.to_string().as_str()),
        (Path::new("z.yml"), "$.k")
    );
    assert_eq!(
        (object.to.path.as_path(), object.to.mode),
        (Path::new("/dev/shm/entry/ca"), 0o440)
    );
    assert_eq!(
        (object.user.as_deref(), object.group.as_deref()),
        (Some("ca"), Some("ssl"))
    );
    assert_eq!(object.max_bytes, 10_000);
    assert_eq!(local.from, Origin::Local("/mnt/x".into()));
    assert_eq!((local.to.mode, local.max_bytes), (0o400, 64 << 20));
    let aws = Aws {
        region: Some("eu-west-1".to_owned()),
        timeout: Duration::from_secs(20),
        in_flight: 8,
    };
    assert_eq!(mode.aws, aws);
}

#[test]
fn every_key_of_a_template() {
    let mode = mode("", include_str!("../fixtures/modes-good/full/web.yml"));
    let [full, least] = mode.render.try_into().unwrap();
    assert_eq!(full.declared_at, "modes/web.yml:64");
    assert_eq!(full.from, Path::new("config/nginx.conf.tmpl"));
    assert_eq!(full.to, Path::new("/etc/nginx/nginx.conf"));
    assert_eq!(full.mode, Some(0o440));
    let owner = (full.user.as_deref(), full.group.as_deref());
    assert_eq!(owner, (Some("web"), Some("www")));
    assert_eq!(full.root, Path::new("config/shared"));
    let place = &full.values["password"];
    assert_eq!(
        (place.vault.as_path(), place.key.to_string().as_str()),
        (Path::new("z.yml"), "$.p")
    );
    assert_eq!(least.to, Path::new("config/database.yml"));
    assert_eq!(least.root, Path::new("config"));
    assert_eq!((least.mode, least.values.len()), (None, 0));
}

#[test]
fn every_key_of_a_hook() {
    let mode = mode("", include_str!("../fixtures/modes-good/full/web.yml"));
    let secs = Duration::from_secs;
    let [full, least] = mode.before.try_into().unwrap();
    assert_eq!(full.declared_at, "modes/web.yml:73");
    assert_eq!(full.command.words, ["bin/rails", "db:prepare"]);
    assert_eq!(full.timeout, Some(secs(300)));
    assert_eq!((full.retry, full.wait, full.grace), (3, secs(5), secs(2)));
    let who = (full.user.as_deref(), full.group.as_deref());
    assert_eq!(who, (Some("deploy"), Some("ops")));
    assert_eq!(least.command.words, ["x", "y"]);
    assert_eq!(least.command.written, "x '${EMPTY}y'");
    assert_eq!((least.timeout, least.retry), (None, 0));
    assert_eq!((least.wait, least.grace), (secs(1), secs(10)));
    assert_eq!((least.user, least.group), (None, None));
    let [report, last] = mode.after.try_into().unwrap();
    assert_eq!(report.declared_at, "modes/web.yml:82");
    assert_eq!(report.command.words, ["bin/report", ""]);
    assert_eq!((report.timeout, last.timeout), (secs(3), secs(5)));
    assert_eq!((mode.output, mode.protect), (Output::Prefixed, true));
    let health = mode.health.unwrap();
    assert_eq!(health.timeout, secs(2));
    let [HealthCheck::Http(page), HealthCheck::Tcp(address), beat] = &health.checks[..] else {
        panic!("{health:?}")
    };
    assert_eq!(page.to_string(), "http://127.0.0.1:3000/up");
    assert_eq!(address.to_string(), "unix:/run/s");
    let (path, max_age) = ("/run/beat".into(), secs(60));
    assert_eq!(*beat, HealthCheck::Heartbeat { path, max_age });
}

#[test]
fn every_key_of_processes() {
    let mode = mode("", include_str!("../fixtures/modes-good/full/all.yml"));
    let secs = Duration::from_secs;
    assert_eq!((mode.command, mode.output), (None, Output::Plain));
    assert_eq!(mode.stop.grace, Some(secs(8)));
    let [web, redis, worker, clock] = mode.processes.try_into().unwrap();
    assert_eq!(web.name, "web");
    assert_eq!(web.declared_at, "modes/web.yml:5");
    assert_eq!(web.command.words, ["puma", "-p", "3000"]);
    assert_eq!(web.command.written, "puma -p ${PORT:-3000}");
    assert_eq!(web.after, [1, 2]);
    assert_eq!(web.stop.unwrap().preset, Preset::Puma);
    assert_eq!((web.restart, web.optional), (None, false));
    let restart = |delay, max_delay, times| Restart {
        delay: secs(delay),
        max_delay: secs(max_delay),
        times,
    };
    assert_eq!(redis.restart, Some(restart(1, 60, None)));
    // A first delay above the longest one is the longest one.
    assert_eq!(worker.restart, Some(restart(2, 2, Some(5))));
    assert_eq!((&worker.after[..], worker.optional), (&[1][..], true));
    assert!(worker.stop.is_none() && clock.restart.is_none());
    let ready: Vec<(String, u64)> = [web.ready, redis.ready, worker.ready, clock.ready]
        .map(Option::unwrap)
        .into_iter()
        .map(|ready| (format!("{:?}", ready.sign), ready.timeout.as_secs()))
        .collect();
    let http = r#"Http(HttpTarget { address: Tcp(127.0.0.1:3000), path: "/up" })"#;
    let expected = [
        (http, 60),
        ("Tcp(Tcp(127.0.0.1:6379))", 10),
        (r#"Line("Starting")"#, 60),
        (r#"File("/run/clock")"#, 60),
    ];
    assert_eq!(ready, expected.map(|(sign, secs)| (sign.to_owned(), secs)));
}

#[test]
fn a_vault_may_be_for_templates_alone() {
    let secrets = "secrets: [{vault: \"config/${CANARY}.yml\"}, {vault: b}]\nfiles: [{from: s3://bucket/x, to: /x, customer_key: {vault: b, key: $.k}}]";
    let web = "command: x\nrender: [{from: x.tmpl, values: {p: {vault: \"config/${CANARY}.yml\", key: $.k}}}]";
    assert_eq!(mode(secrets, web).secrets.len(), 2);
}

#[test]
fn env_is_resolved_in_order() {
    let mode = mode(
        "env: {A: 1, CANARY: 'x${CANARY}', LOG: 'log/${A}'}",
        "command: 'x ${B} \"${EMPTY}\"'\nenv: {B: '${LOG}-${A}', A: 02, C: yes, D: '', E: '$${A} $A', F: '${NONE:-a b}'}",
    );
    let env: Vec<(&str, &str)> = mode
        .env
        .iter()
        .map(|one| (one.name.as_str(), one.value.as_str()))
        .collect();
    let canary = format!("x{CANARY}");
    assert_eq!(
        env,
        [
            ("A", "02"),
            ("CANARY", canary.as_str()),
            ("LOG", "log/02"),
            ("B", "log/02-02"),
            ("C", "yes"),
            ("D", ""),
            ("E", "${A} $A"),
            ("F", "a b"),
        ]
    );
    assert!(!format!("{mode:?}").contains(CANARY));
    assert_eq!(mode.command.unwrap(), ["x", "log/02-02", ""]);
}

#[test]
fn commands_are_split_without_a_shell() {
    let hostile = |name: &str| match name {
        "X" => Some(OsString::from("a b; $(c) 'd \"e")),
        "BINARY" => Some(OsString::from_vec(b"\xff".to_vec())),
        _ => None,
    };
    for (command, words) in [
        ("a  b\\ c 'd e' \"f g\"", &["a", "b c", "d e", "f g"][..]),
        (
            "a ${X} \"${X}\" '${X}' --x=${X}",
            &[
                "a",
                "a b; $(c) 'd \"e",
                "a b; $(c) 'd \"e",
                "a b; $(c) 'd \"e",
                "--x=a b; $(c) 'd \"e",
            ],
        ),
        (
            "a '&&' \"|\" \\; '$HOME' x=y [z]",
            &["a", "&&", "|", ";", "$HOME", "x=y", "[z]"],
        ),
        ("a $${X}", &["a", "${X}"]),
        ("${BINARY:-a}", &[]),
    ] {
        let yaml = format!("command: |\n  {command}\n");
        let layers = Layers::Mode {
            defaults: None,
            mode: text("web", &yaml),
        };
        match load("web", &layers, &hostile) {
            Ok(mode) => assert_eq!(mode.command.unwrap(), words, "{command}"),
            Err(problems) => assert!(words.is_empty(), "{problems}"),
        }
    }
}

#[test]
fn a_mode_with_another_preset_takes_nothing_of_the_defaults_stop() {
    let defaults = "stop: {preset: puma, drain: 9s, grace: 9s, on: INT}";
    let other = mode(defaults, "command: x\nstop: sidekiq");
    assert_eq!(
        other.stop,
        entry::stop::Spec {
            preset: Preset::Sidekiq,
            ..Default::default()
        }
    );
    let same = mode(defaults, "command: x\nstop: {grace: 1s}");
    assert_eq!(same.stop.preset, Preset::Puma);
    assert_eq!(
        (same.stop.drain, same.stop.grace),
        (Some(Duration::from_secs(9)), Some(Duration::from_secs(1)))
    );
}

#[test]
fn a_one_off_sees_what_the_mode_sees() {
    let defaults = "env: {BASE: b}\nstop: {grace: 1s}\nargs: append";
    let web =
        "command: x\nenv: {WEB: '${BASE}'}\nuser: web\nstop: puma\nexit: {1: 0}\nmax_runtime: 1h";
    let own = "env: {OWN: o}\ngroup: own\nexit: {2: 0}\ntty: app";
    let one_off = |like: Option<&str>| {
        let layers = Layers::OneOff {
            defaults: Some(text("_defaults", defaults)),
            own: Some(text("oneoff", own)),
            like: like.map(|like| text("web", like)),
        };
        load("oneoff", &layers, &variable).unwrap()
    };
    let names = |mode: &Mode| {
        mode.env
            .iter()
            .map(|one| one.name.clone())
            .collect::<Vec<_>>()
    };
    let plain = one_off(None);
    assert_eq!(names(&plain), ["BASE", "OWN"]);
    assert_eq!(
        (plain.command.as_ref(), plain.args),
        (None, ArgsPolicy::None)
    );
    assert_eq!(plain.group.as_deref(), Some("own"));
    let lent = one_off(Some(web));
    assert_eq!(names(&lent), ["BASE", "WEB"]);
    assert_eq!(
        (lent.user.as_deref(), lent.group.as_deref()),
        (Some("web"), None)
    );
    assert_eq!(
        (lent.stop.preset, lent.stop.grace),
        (Preset::Plain, Some(Duration::from_secs(1)))
    );
    assert_eq!((lent.exit.get(&1), lent.exit.get(&2)), (None, Some(&0)));
    assert_eq!((lent.max_runtime, lent.tty), (None, TtyOwner::App));
}

#[test]
fn good_folders_have_no_problem() {
    for name in ["full", "anchors", "shadowed"] {
        let folder = format!("tests/fixtures/modes-good/{name}");
        let source = Source::find(Some(Path::new(&folder)), &variable).unwrap();
        assert!(!source.mode_names().is_empty(), "{name}");
        assert_eq!(source.check_all(&variable).to_string(), "", "{name}");
    }
}

proptest::proptest! {
    /// Any text, and any text that is nearly a mode.
    #[test]
    fn no_text_panics(any in ".{0,200}", parts in proptest::collection::vec(pieces(), 0..40)) {
        for yaml in [any, parts.concat()] {
            let one = text("f", &yaml);
            let layers = Layers::Mode { defaults: Some(one.clone()), mode: one.clone() };
            let _ = load("f", &layers, &variable);
            let layers = Layers::OneOff { defaults: None, own: Some(one.clone()), like: Some(one) };
            let _ = load("f", &layers, &variable);
        }
    }
}

fn pieces() -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "command: ",
        "stop: ",
        "secrets: ",
        "env: ",
        "steps: ",
        "umask: ",
        "exit: ",
        "write: ",
        "vault: a",
        "signal: ",
        "wait: 1s",
        "preset: puma",
        "keys: ",
        "drain: ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\n",
        "  ",
        "- ",
        "&a ",
        "*a ",
        "<<: ",
        "${",
        "}",
        "${CANARY}",
        "${BINARY}",
        "'",
        "\"",
        "\\",
        "$",
        "é",
        "1",
        "\"0400\"",
        "~",
        "!x ",
        "# ",
        "---\n",
        "a",
        ": ",
        "\t",
        "|\n",
        "\u{feff}",
        "\0",
    ])
}
