//! Secrets of every source: sops, Parameter Store, Secrets Manager and Google's KMS.

use super::{refused_for, with_kms};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::Moto;
use crate::support::{Entry, repository};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A mode of `env` and these items, with an account.
fn mode(endpoint: &str, secrets: &str) -> Entry {
    let text = format!("command: [env]\naws: {{timeout: 20s}}\n{secrets}");
    with_kms(Entry::new(), endpoint).mode("web", &text)
}

fn sops(name: &str) -> String {
    std::fs::read_to_string(repository("tests/vectors/sops").join(name)).unwrap()
}

#[track_caller]
fn has(stdout: &str, line: &str) {
    assert!(
        stdout.lines().any(|one| one == line),
        "{line:?} in\n{stdout}"
    );
}

#[test]
fn a_sops_file_is_one_call_and_its_mac_is_verified() {
    let moto = Moto::start();
    let upstream = moto.address();
    let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
    let entry = || {
        let entry = with_kms(Entry::new(), &proxy.url());
        let out = entry.folder().join("out/s.yml").display().to_string();
        let text =
            format!("command: [cat, \"{out}\"]\nsecrets: [{{sops: s.yaml, write: \"{out}\"}}]\n");
        entry.mode("web", &text)
    };
    let sealed = sops("01_kms_yaml.enc.yaml");
    let done = entry().file("s.yaml", &sealed).run().expect(0);
    assert_eq!(done.stdout(), sops("01_kms_yaml.dec.yaml"));
    assert_eq!(done.line("start")["kms_calls"], 1);
    assert_eq!(proxy.requests().len(), 1);
    let changed = sealed.replacen(
        "str: ENC[AES256_GCM,data:",
        "str: ENC[AES256_GCM,data:AA",
        1,
    );
    refused_for(
        entry().file("s.yaml", changed).run(),
        &["modes/web.yml:2: s.yaml: "],
    );
}

#[test]
fn age_needs_no_network_and_its_identity_does_not_reach_the_app() {
    let keys = sops("age_keys.txt");
    let secrets = "secrets: [{sops: s.env, env: {\"*\": $}}]\n";
    let done = mode("http://127.0.0.1:1", secrets)
        .file("s.env", sops("08_age_dotenv.enc.env"))
        .env("SOPS_AGE_KEY", &keys)
        .run()
        .expect(0);
    assert!(done.line("start")["credentials"].is_null());
    let plain = sops("08_age_dotenv.dec.env");
    let line = plain
        .lines()
        .find(|line| !line.starts_with('#') && line.contains('='))
        .unwrap();
    has(&done.stdout(), line);
    assert!(
        !done.stdout().contains("AGE-SECRET-KEY"),
        "the identity reached the app"
    );
    let secrets = "secrets: [{sops: s.env, age_key_file: keys.txt, env: {\"*\": $}}]\n";
    mode("http://127.0.0.1:1", secrets)
        .file("s.env", sops("08_age_dotenv.enc.env"))
        .file("keys.txt", &keys)
        .run()
        .expect(0);
    refused_for(
        mode("http://127.0.0.1:1", secrets)
            .file("s.env", sops("08_age_dotenv.enc.env"))
            .run(),
        &["s.env: the age key file keys.txt: no such file"],
    );
}

/// Both stores as AWS answers.
fn stores(request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let parameter = |name: &str| json!({"Name": name, "Value": format!("value of {name}"), "Type": "SecureString"});
    let answer = match request.headers["x-amz-target"].as_str() {
        "AmazonSSM.GetParameters" => {
            let names = body["Names"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap());
            let (bad, good): (Vec<&str>, Vec<&str>) =
                names.partition(|name| name.contains("missing"));
            let good: Vec<Value> = good.into_iter().map(parameter).collect();
            json!({"Parameters": good, "InvalidParameters": bad})
        }
        "AmazonSSM.GetParametersByPath" => {
            json!({"Parameters": [parameter("/app/db/url"), parameter("/app/api-key")]})
        }
        "secretsmanager.GetSecretValue" => {
            let text = r#"{"database": {"host": "h", "port": 5432}, "on": true}"#;
            json!({"Name": body["SecretId"], "ARN": body["SecretId"], "SecretString": text, "VersionId": "v"})
        }
        "secretsmanager.BatchGetSecretValue" => {
            let ids = body["SecretIdList"].as_array().unwrap().iter();
            let values: Vec<Value> = ids
                .map(|id| json!({"Name": id, "ARN": id, "SecretString": "a: plain [text]", "VersionId": "v"}))
                .collect();
            json!({"SecretValues": values, "Errors": []})
        }
        other => panic!("{other}"),
    };
    Reply::json(200, answer.to_string())
}

#[test]
fn parameters_and_secrets_are_found_by_key_paths() {
    let server = FakeHttp::start(|request, _| stores(request));
    let secrets = "secrets:\n\
        - {ssm: /app, recursive: true, env: {\"*\": $}}\n\
        - {ssm: [/shared/token], env: {TOKEN: $.shared.token}}\n\
        - {ssm: [/shared/other], env: {OTHER: $.shared.other}}\n\
        - {secrets_manager: app/json, version_id: v, env: {DB_*: $.database}}\n\
        - {secrets_manager: app/one, env: {ONE: $}}\n\
        - {secrets_manager: app/two, env: {TWO: $}}\n";
    let done = mode(&server.url(), secrets).run().expect(0);
    for line in [
        "DB_URL=value of /app/db/url",
        "API_KEY=value of /app/api-key",
        "TOKEN=value of /shared/token",
        "OTHER=value of /shared/other",
        "DB_HOST=h",
        "DB_PORT=5432",
        "ONE=a: plain [text]",
        "TWO=a: plain [text]",
    ] {
        has(&done.stdout(), line);
    }
    // Names of all items together, and secrets of the current version together.
    assert_eq!(server.requests().len(), 4);
    assert_eq!(done.line("start")["store_calls"], 4);
}

/// Names of several items are asked for together: ten parameters or twenty secrets a call.
#[test]
fn stores_are_asked_in_batches() {
    let server = FakeHttp::start(|request, _| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let list = |member: &str| body[member].as_array().unwrap().clone();
        let answer = if request.headers["x-amz-target"] == "AmazonSSM.GetParameters" {
            let found = list("Names").into_iter();
            let found = found.map(|name| json!({"Name": name, "Value": "v", "Type": "String"}));
            json!({"Parameters": found.collect::<Vec<_>>(), "InvalidParameters": []})
        } else {
            let found = list("SecretIdList").into_iter();
            let found = found
                .map(|id| json!({"Name": id, "ARN": id, "SecretString": "s", "VersionId": "v"}));
            json!({"SecretValues": found.collect::<Vec<_>>(), "Errors": []})
        };
        Reply::json(200, answer.to_string())
    });
    let names = |from: usize, to: usize| {
        let names: Vec<String> = (from..to).map(|n| format!("/app/p{n}")).collect();
        names.join(", ")
    };
    // 25 names in two items, three of them in both; 45 secrets.
    let mut secrets = format!(
        "secrets:\n- {{ssm: [{}], env: {{P: $.app.p0}}}}\n- {{ssm: [{}], env: {{Q: $.app.p24}}}}\n",
        names(0, 14),
        names(11, 25)
    );
    for n in 0..45 {
        let _ = writeln!(secrets, "- {{secrets_manager: app/s{n}, env: {{S{n}: $}}}}");
    }
    let done = mode(&server.url(), &secrets).run().expect(0);
    let stdout = done.stdout();
    assert!(
        ["P=v\n", "Q=v\n", "S44=s\n"]
            .iter()
            .all(|line| stdout.contains(line))
    );
    let mut sizes: Vec<(&str, usize)> = Vec::new();
    let requests = server.requests();
    for request in &requests {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let member = ["Names", "SecretIdList"]
            .into_iter()
            .find(|member| body[member].is_array())
            .unwrap();
        sizes.push((member, body[member].as_array().unwrap().len()));
    }
    sizes.sort_unstable();
    let want = [
        ("Names", 5),
        ("Names", 10),
        ("Names", 10),
        ("SecretIdList", 5),
        ("SecretIdList", 20),
        ("SecretIdList", 20),
    ];
    assert_eq!(sizes, want);
    assert_eq!(done.line("start")["store_calls"], 6);
}

#[test]
fn what_a_store_lacks_is_named() {
    let server = FakeHttp::start(|request, _| stores(request));
    let secrets = "secrets: [{ssm: [/a/missing, /b/there, /c/missing], env: {\"*\": $}}]\n";
    refused_for(
        mode(&server.url(), secrets).run(),
        &["/a/missing", "/c/missing", "ssm:GetParameters"],
    );
    let secrets = "secrets: [{secrets_manager: app/one, env: {ONE: $.key}}]\n";
    refused_for(
        mode(&server.url(), secrets).run(),
        &["modes/web.yml:3: secrets_manager app/one: "],
    );
}

#[test]
fn the_stand_ins_stores() {
    let moto = Moto::start();
    let make = |target: &str, body: &Value| crate::aws::store::make(&moto.url(), target, body);
    let parameter = json!({"Name": "/app/db/url", "Value": "postgres://x", "Type": "SecureString"});
    make("AmazonSSM.PutParameter", &parameter);
    let secret = json!({"Name": "app/json", "SecretString": r#"{"key": "from the manager"}"#});
    make("secretsmanager.CreateSecret", &secret);
    let secrets = "secrets:\n- {ssm: /app/, recursive: true, env: {DB_URL: $.db.url}}\n\
        - {secrets_manager: app/json, env: {KEY: $.key}}\n";
    let done = mode(&moto.url(), secrets).run().expect(0);
    has(&done.stdout(), "DB_URL=postgres://x");
    has(&done.stdout(), "KEY=from the manager");
}

/// The later item wins where it says so, whichever of them needs the network.
#[test]
fn the_order_of_the_items_counts_and_not_who_answers_first() {
    let server = FakeHttp::start(|request, _| stores(request));
    let vault = crate::support::sealed::seal("one: from the vault\n", &["$"]);
    let item = "{vault: v.yml, OVERRIDEenv: {ONE: $.one}}";
    let store = "{secrets_manager: app/one, OVERRIDEenv: {ONE: $.database.host}}";
    let run = |first: &str, second: &str| {
        let first = first.replace("OVERRIDE", "");
        let second = second.replace("OVERRIDE", "override: true, ");
        mode(&server.url(), &format!("secrets: [{first}, {second}]\n"))
            .file("v.yml", &vault)
            .env("YAML_VAULT_PASSPHRASE", crate::support::sealed::PASSPHRASE)
            .run()
            .expect(0)
            .stdout()
    };
    has(&run(item, store), "ONE=h");
    has(&run(store, item), "ONE=from the vault");
}

#[test]
fn googles_kms() {
    let dump = STANDARD.encode("--- from google\n");
    let google = FakeHttp::start(move |request, _| match request.target.as_str() {
        target if target.contains("/token") => Reply::json(
            200,
            r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#,
        ),
        _ => Reply::json(200, json!({"plaintext": dump}).to_string()),
    });
    let message = STANDARD.encode([7; 80]);
    let secrets = "secrets: [{vault: s.yml, cryptor: gcp-kms, env: {KEY: $.key},\n  \
        gcp_kms_resource_id: projects/p/locations/l/keyRings/r/cryptoKeys/k}]\n";
    let done = mode("http://127.0.0.1:1", secrets)
        .file("s.yml", format!("key: {message}\n"))
        .env("GOOGLE_KMS_ENDPOINT", google.url())
        .env(
            "GCE_METADATA_HOST",
            google.url().trim_start_matches("http://"),
        )
        .run()
        .expect(0);
    has(&done.stdout(), "KEY=from google");
    // Nothing of AWS is asked for.
    assert!(
        done.line("start")["credentials"].is_null(),
        "{}",
        done.line("start")
    );
}
