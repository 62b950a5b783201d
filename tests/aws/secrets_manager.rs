//! Secrets Manager: against moto, and each way that it can fail.

use super::probe::Probe;
use super::store::{ask, make, members, reply, tells_nothing};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::Moto;
use serde_json::{Value, json};

fn found(name: &str) -> Value {
    let arn = format!("arn:aws:secretsmanager:us-east-1:1:secret:{name}-AbCdEf");
    json!({"ARN": arn, "Name": name, "SecretString": format!("value of {name}")})
}

/// Gives every secret of a batch, but the reasons of these.
fn batch(request: &Request, refused: &[(&str, &str, &str)]) -> Reply {
    let asked = members(request)["SecretIdList"].as_array().unwrap().clone();
    assert!(asked.len() <= 20);
    let asked = asked.iter().map(|id| id.as_str().unwrap().to_owned());
    let (bad, good): (Vec<String>, Vec<String>) =
        asked.partition(|id| refused.iter().any(|(name, ..)| name == id));
    let error = |id: &String| {
        let (name, code, message) = refused.iter().find(|(name, ..)| name == id).unwrap();
        json!({"SecretId": name, "ErrorCode": code, "Message": message})
    };
    let values: Vec<Value> = good.iter().map(|name| found(name)).collect();
    let errors: Vec<Value> = bad.iter().map(error).collect();
    reply(&json!({"SecretValues": values, "Errors": errors}))
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("app/s{number:02}"))
        .collect()
}

#[test]
fn moto_gives_text_bytes_and_an_earlier_version() {
    let moto = Moto::start();
    let create = |body: Value| make(&moto.url(), "secretsmanager.CreateSecret", &body);
    let text = create(json!({"Name": "app/db", "SecretString": "old"}));
    create(json!({"Name": "app/key", "SecretBinary": "/wAB"}));
    let put = json!({"SecretId": "app/db", "SecretString": "new"});
    let put = make(&moto.url(), "secretsmanager.PutSecretValue", &put);
    let order = json!({"secrets": [
        text["ARN"], "app/key", "app/db", "app/key",
        {"id": "app/db", "stage": "AWSPREVIOUS"},
        {"id": "app/db", "stage": "AWSCURRENT"},
        {"id": "app/db", "version": put["VersionId"]},
    ]});
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", moto.url())
        .run(&order);
    let bytes = json!({"bytes": [255, 0, 1]});
    let expected = json!(["new", bytes, "new", bytes, "old", "new", "new"]);
    assert_eq!(found.value["secrets"], expected, "{}", found.value);
    assert_eq!(found.value["secrets_manager_calls"], 3);
}

#[test]
fn moto_names_what_is_missing() {
    let moto = Moto::start();
    make(
        &moto.url(),
        "secretsmanager.CreateSecret",
        &json!({"Name": "a", "SecretString": "v"}),
    );
    let ask = |secrets: Value| {
        let probe = Probe::keyed().env("AWS_ENDPOINT_URL", moto.url());
        probe.run(&json!({"secrets": secrets})).error()
    };
    for secrets in [json!(["none"]), json!(["a", "none"])] {
        let (kind, text) = ask(secrets);
        assert_eq!(kind, "NotFound", "{text}");
        assert!(
            text.starts_with("secretsmanager:GetSecretValue none: not found: "),
            "{text}"
        );
    }
}

#[test]
fn forty_five_secrets_are_three_calls() {
    let server = FakeHttp::start(|request, _| batch(request, &[]));
    let mut asked = names(45);
    asked.reverse();
    let found = ask(&server, &json!({"secrets": asked}));
    let expected: Vec<String> = asked
        .iter()
        .map(|name| format!("value of {name}"))
        .collect();
    assert_eq!(found.value["secrets"], json!(expected));
    assert_eq!(found.value["secrets_manager_calls"], 3);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let target = &request.headers["x-amz-target"];
        assert_eq!(target, "secretsmanager.BatchGetSecretValue");
        let signature = &request.headers["authorization"];
        assert!(
            signature.contains("/us-east-1/secretsmanager/aws4_request"),
            "{signature}"
        );
    }
}

#[test]
fn one_secret_needs_no_batch() {
    let server = FakeHttp::start(|request, _| {
        let target = &request.headers["x-amz-target"];
        assert_eq!(target, "secretsmanager.GetSecretValue");
        reply(&found("a"))
    });
    let found = ask(&server, &json!({"secrets": ["a"]}));
    assert_eq!(found.value["secrets"], json!(["value of a"]));
    assert_eq!(members(&server.requests()[0]), json!({"SecretId": "a"}));
}

#[test]
fn a_batch_that_is_too_large_comes_in_pages() {
    let server = FakeHttp::start(|request, before| {
        let asked = members(request);
        match before {
            0 => reply(&json!({"SecretValues": [found("a")], "Errors": [], "NextToken": "more"})),
            _ => {
                assert_eq!(asked["NextToken"], "more");
                reply(&json!({"SecretValues": [found("b")], "Errors": []}))
            }
        }
    });
    let found = ask(&server, &json!({"secrets": ["b", "a"]}));
    assert_eq!(found.value["secrets"], json!(["value of b", "value of a"]));
    assert_eq!(found.value["secrets_manager_calls"], 2);
}

#[test]
fn each_refused_secret_is_named_with_its_reason() {
    let gone = "Secrets Manager can't find the specified secret.";
    let server = FakeHttp::start(move |request, _| {
        let code = "ResourceNotFoundException";
        batch(request, &[("app/s03", code, gone), ("app/s30", code, gone)])
    });
    let found = ask(&server, &json!({"secrets": names(45)}));
    let (kind, text) = found.error();
    assert_eq!(kind, "NotFound");
    assert_eq!(
        text,
        format!(
            "secretsmanager:GetSecretValue app/s03, app/s30: not found: {gone} (ResourceNotFoundException)"
        )
    );

    let denied = "User: arn:aws:sts::1:assumed-role/web-task/abc is not authorized to perform: \
                  secretsmanager:GetSecretValue on resource: app/s01";
    let server = FakeHttp::start(move |request, _| {
        let missing = ("app/s00", "ResourceNotFoundException", gone);
        batch(
            request,
            &[missing, ("app/s01", "AccessDeniedException", denied)],
        )
    });
    let found = ask(&server, &json!({"secrets": names(3)}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Denied");
    assert_eq!(
        text,
        format!(
            "secretsmanager:GetSecretValue app/s01, app/s00: access denied: app/s01: {denied} \
             (AccessDeniedException); app/s00: {gone} (ResourceNotFoundException); allow \
             secretsmanager:GetSecretValue on it in the role's policy, and kms:Decrypt on the key that it is \
             encrypted with"
        )
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_denied_batch_says_what_a_batch_needs() {
    let server = FakeHttp::start(|_, _| Reply::error(400, "AccessDeniedException", "no"));
    let found = ask(&server, &json!({"secrets": names(2)}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Denied");
    assert_eq!(
        text,
        "secretsmanager:BatchGetSecretValue app/s00, app/s01: access denied: no (AccessDeniedException); allow \
         secretsmanager:BatchGetSecretValue on * in the role's policy, and secretsmanager:GetSecretValue on \
         each secret"
    );
}

/// The whole call, or only one secret of it.
#[test]
fn a_throttle_is_waited_out() {
    let server = FakeHttp::start(|request, before| match before {
        0 => Reply::error(400, "ThrottlingException", "Rate exceeded"),
        1 => batch(request, &[("app/s01", "InternalServiceError", "later")]),
        _ => batch(request, &[]),
    });
    let found = ask(&server, &json!({"secrets": names(3)}));
    assert_eq!(
        found.value["secrets"].as_array().unwrap().len(),
        3,
        "{}",
        found.value
    );
    let (calls, retries) = (
        &found.value["secrets_manager_calls"],
        &found.value["retries"],
    );
    assert_eq!((calls, retries), (&json!(1), &json!(2)));
}

/// Replies with a secret in them, each broken in another way: the error must not quote any.
#[test]
fn garbage_is_tried_again_and_not_quoted() {
    let kind = "a body of another kind than expected";
    let (alone, both) = (json!(["a"]), json!(["a", "b"]));
    let table = [
        (&alone, kind, Reply::json(200, "<html>canary</html>")),
        (
            &alone,
            kind,
            Reply::json(200, r#"{"SecretString": canary}"#),
        ),
        (
            &alone,
            "no SecretString",
            Reply::json(200, r#"{"Name": "a"}"#),
        ),
        (
            &alone,
            "no SecretString",
            Reply::json(200, r#"{"SecretBinary": "canary!"}"#),
        ),
        (
            &both,
            kind,
            Reply::json(200, r#"{"SecretValues": "canary"}"#),
        ),
        (
            &both,
            "neither values nor errors in it",
            Reply::json(200, "{}"),
        ),
    ];
    for (secrets, words, reply) in table {
        let shown = format!("{reply:?}");
        let server = FakeHttp::start(move |_, _| reply.clone());
        let found = ask(&server, &json!({"secrets": secrets}));
        let (kind, text) = found.error();
        assert_eq!(kind, "Reply", "{shown}: {text}");
        assert!(
            text.contains(words) && text.contains("after 4 attempts"),
            "{shown}: {text}"
        );
        tells_nothing(&found);
    }
    let server = FakeHttp::start(|_, _| reply(&json!({"SecretValues": [found("other")]})));
    let (kind, text) = ask(&server, &json!({"secrets": both})).error();
    assert_eq!(kind, "Reply");
    assert!(
        text.contains(" a, b: ") && text.contains("nothing about it in the reply"),
        "{text}"
    );
}
