//! Parameter Store: against moto, and each way that it can fail.

use super::probe::Probe;
use super::store::{ask, make, members, reply, tells_nothing};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::Moto;
use crate::support::wait;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// Gives every parameter its own name as its value.
fn echo(request: &Request) -> Reply {
    let names = members(request)["Names"].as_array().unwrap().clone();
    assert!(names.len() <= 10);
    let found: Vec<Value> = names
        .iter()
        .map(|name| json!({"Name": name, "Value": format!("value of {}", name.as_str().unwrap())}))
        .collect();
    reply(&json!({"Parameters": found, "InvalidParameters": []}))
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("/app/p{number:02}"))
        .collect()
}

#[test]
fn moto_gives_parameters_by_name_and_path() {
    let moto = Moto::start();
    let put = |name: &str, kind: &str, value: &str| {
        let body = json!({"Name": name, "Type": kind, "Value": value, "Overwrite": true});
        make(&moto.url(), "AmazonSSM.PutParameter", &body);
    };
    put("/app/db-url", "SecureString", "secret text");
    put("/app/hosts", "StringList", "a,b");
    put("/app/deep/er", "String", "below");
    for number in 0..23 {
        put(
            &format!("/many/p{number:02}"),
            "SecureString",
            &number.to_string(),
        );
    }
    let run = |order: Value| {
        let found = Probe::keyed()
            .env("AWS_ENDPOINT_URL", moto.url())
            .run(&order);
        (
            found.value["parameters"].clone(),
            found.value["ssm_calls"].clone(),
        )
    };

    let (found, _) = run(json!({"parameters": ["/app/hosts", "/app/db-url", "/app/hosts"]}));
    let hosts = json!(["/app/hosts", "a,b"]);
    assert_eq!(found, json!([hosts, ["/app/db-url", "secret text"], hosts]));
    let (found, _) = run(json!({"path": "/app"}));
    assert_eq!(found, json!([["/app/db-url", "secret text"], hosts]));
    let (found, _) = run(json!({"path": "/app", "recursive": true}));
    let all = json!([
        ["/app/db-url", "secret text"],
        ["/app/deep/er", "below"],
        hosts
    ]);
    assert_eq!(found, all);
    let (found, calls) = run(json!({"path": "/many"}));
    assert_eq!(found.as_array().unwrap().len(), 23);
    assert_eq!(found[22], json!(["/many/p22", "22"]));
    assert_eq!(calls, 3);
}

#[test]
fn moto_gives_a_version() {
    let moto = Moto::start();
    for value in ["old", "new"] {
        let body = json!({"Name": "/app/key", "Type": "String", "Value": value, "Overwrite": true});
        make(&moto.url(), "AmazonSSM.PutParameter", &body);
    }
    for (name, value) in [("/app/key", "new"), ("/app/key:1", "old")] {
        let found = Probe::keyed()
            .env("AWS_ENDPOINT_URL", moto.url())
            .run(&json!({"parameters": [name]}));
        assert_eq!(
            found.value["parameters"],
            json!([["/app/key", value]]),
            "{name}"
        );
    }
}

#[test]
fn twenty_five_names_are_three_calls() {
    let server = FakeHttp::start(|request, _| echo(request));
    let mut asked = names(25);
    asked.reverse();
    // Each twice.
    let twice = [asked.clone(), asked].concat();
    let found = ask(&server, &json!({"parameters": twice}));
    let expected: Vec<Value> = twice
        .iter()
        .map(|name| json!([name, format!("value of {name}")]))
        .collect();
    assert_eq!(found.value["parameters"], json!(expected));
    assert_eq!(found.value["ssm_calls"], 3);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.method, "POST");
        assert_eq!(request.headers["x-amz-target"], "AmazonSSM.GetParameters");
        assert_eq!(
            request.headers["content-type"],
            "application/x-amz-json-1.1"
        );
        assert_eq!(
            request.headers["x-amz-security-token"],
            "canary-session-token"
        );
        assert!(request.headers["user-agent"].starts_with("entry/"));
        let signature = &request.headers["authorization"];
        assert!(
            signature.contains("/us-east-1/ssm/aws4_request"),
            "{signature}"
        );
        assert!(signature.contains("x-amz-target"), "{signature}");
        assert_eq!(members(&request)["WithDecryption"], true);
    }
}

#[test]
fn a_path_is_read_page_by_page() {
    let server = FakeHttp::start(|request, before| {
        let asked = members(request);
        let token = (before > 0).then(|| format!("page {before}"));
        assert_eq!(asked["NextToken"].as_str(), token.as_deref());
        assert_eq!(
            (&asked["MaxResults"], &asked["Recursive"]),
            (&json!(10), &json!(false))
        );
        let name = format!("/app/p{}", 9 - before);
        let found = [json!({"Name": name, "Value": "v"})];
        // A page may be empty and still not be the last.
        match before {
            1 => reply(&json!({"Parameters": [], "NextToken": "page 2"})),
            3 => reply(&json!({"Parameters": found})),
            _ => reply(&json!({"Parameters": found, "NextToken": format!("page {}", before + 1)})),
        }
    });
    let found = ask(&server, &json!({"path": "/app"}));
    let expected = json!([["/app/p6", "v"], ["/app/p7", "v"], ["/app/p9", "v"]]);
    assert_eq!(found.value["parameters"], expected);
    assert_eq!(found.value["ssm_calls"], 4);
}

#[test]
fn pages_without_end_and_none_at_all_are_errors() {
    let server = FakeHttp::start(|_, _| {
        reply(&json!({"Parameters": [{"Name": "/a/b", "Value": "canary"}], "NextToken": "same"}))
    });
    let found = ask(&server, &json!({"path": "/a"}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Reply", "{text}");
    assert!(text.starts_with("ssm:GetParametersByPath /a: "), "{text}");
    assert_eq!(server.requests().len(), 2);
    tells_nothing(&found);

    let server = FakeHttp::start(|_, _| reply(&json!({"Parameters": []})));
    let (kind, text) = ask(&server, &json!({"path": "/a"})).error();
    assert_eq!(kind, "NotFound");
    assert_eq!(
        text,
        "ssm:GetParametersByPath /a: not found: no parameter below it in this region"
    );
}

#[test]
fn every_missing_parameter_is_named() {
    let missing = ["/app/p03", "/app/p07", "/app/p21"];
    let server = FakeHttp::start(move |request, _| {
        let asked = members(request);
        let (bad, good): (Vec<&str>, Vec<&str>) = asked["Names"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .partition(|name| missing.contains(name));
        let good: Vec<Value> = good
            .iter()
            .map(|name| json!({"Name": name, "Value": "canary"}))
            .collect();
        reply(&json!({"Parameters": good, "InvalidParameters": bad}))
    });
    let found = ask(&server, &json!({"parameters": names(25)}));
    let (kind, text) = found.error();
    assert_eq!(kind, "NotFound");
    assert_eq!(
        text,
        "ssm:GetParameters /app/p03, /app/p07, /app/p21: not found: no such parameter in this region"
    );
    tells_nothing(&found);
}

#[test]
fn a_throttle_is_waited_out() {
    let server = FakeHttp::start(|request, before| match before {
        0..4 => Reply::error(400, "ThrottlingException", "Rate exceeded"),
        _ => echo(request),
    });
    let found = ask(&server, &json!({"parameters": names(15)}));
    assert_eq!(found.value["parameters"].as_array().unwrap().len(), 15);
    assert_eq!(
        (&found.value["ssm_calls"], &found.value["retries"]),
        (&json!(2), &json!(4))
    );
}

#[test]
fn a_denial_ends_it_and_names_action_resource_and_remedy() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/web-task/abc is not authorized to perform: \
                   ssm:GetParameters on resource: arn:aws:ssm:us-east-1:123456789012:parameter/app/p00 because \
                   no identity-based policy allows the ssm:GetParameters action";
    let server = FakeHttp::start(move |_, _| {
        Reply::error(
            400,
            "com.amazon.coral.service#AccessDeniedException",
            message,
        )
    });
    let found = ask(&server, &json!({"parameters": names(10)}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Denied");
    assert_eq!(
        text,
        format!(
            "ssm:GetParameters /app/p00, /app/p01, /app/p02 and 7 more: access denied: {message} \
             (AccessDeniedException); allow ssm:GetParameters on it in the role's policy, and kms:Decrypt on \
             the key that it is encrypted with"
        )
    );
    assert_eq!(server.requests().len(), 1);
    tells_nothing(&found);
}

/// Replies with a secret in them, each broken in another way: the error must not quote any.
#[test]
fn garbage_is_tried_again_and_not_quoted() {
    let other = json!({"Parameters": [{"Name": "/other", "Value": "canary"}]});
    let number = json!({"Parameters": [{"Name": "/app/p00", "Value": 5, "x": "canary"}]});
    let raw = |text: &str| Reply::Raw(text.as_bytes().to_vec());
    let kind = "a body of another kind than expected";
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"Parameters\": [\"canary";
    let replies = [
        ("Reply", kind, Reply::json(200, "<html>canary</html>")),
        (
            "Reply",
            kind,
            Reply::json(200, r#"{"Parameters": ["canary"#),
        ),
        ("Reply", kind, reply(&number)),
        (
            "Reply",
            "/app/p00: an answer that makes no sense: after 4 attempts: nothing about it",
            reply(&other),
        ),
        (
            "Reply",
            "nothing about it in the reply",
            Reply::json(200, "{}"),
        ),
        ("Reply", "the rest of it did not come", raw(cut)),
        (
            "Unavailable",
            "status 502",
            Reply::json(502, "<html>canary</html>"),
        ),
        (
            "Unavailable",
            "InternalServerError",
            Reply::error(500, "InternalServerError", ""),
        ),
        ("Connect", "connection closed", raw("")),
    ];
    for (expected, words, reply) in replies {
        let shown = format!("{reply:?}");
        let server = FakeHttp::start(move |_, _| reply.clone());
        let found = ask(&server, &json!({"parameters": ["/app/p00"]}));
        let (kind, text) = found.error();
        assert_eq!(kind, expected, "{shown}: {text}");
        assert!(
            text.contains(words) && text.contains("after 4 attempts"),
            "{shown}: {text}"
        );
        assert_eq!(server.requests().len(), 4, "{shown}");
        tells_nothing(&found);
    }
}

#[test]
fn a_black_hole_ends_at_the_deadline() {
    let server = FakeHttp::start(|_, _| Reply::Hang);
    let found = ask(&server, &json!({"parameters": ["/a"], "deadline_ms": 700}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Timeout");
    assert!(
        text.starts_with("ssm:GetParameters /a: no answer in time: until the deadline"),
        "{text}"
    );
}

#[test]
fn no_more_calls_are_under_way_than_allowed() {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let server = FakeHttp::start(move |request, _| {
        seen.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        wait::until("five are under way", || {
            (seen.load(SeqCst) >= 5).then_some(())
        });
        // Whatever else may be under way has the time to come.
        std::thread::park_timeout(Duration::from_millis(300));
        now.fetch_sub(1, SeqCst);
        echo(request)
    });
    let found = ask(&server, &json!({"parameters": names(99)}));
    assert_eq!(found.value["parameters"].as_array().map(Vec::len), Some(99));
    let requests = server.requests();
    let asked: BTreeSet<String> = requests
        .iter()
        .map(|one| members(one).to_string())
        .collect();
    assert_eq!((requests.len(), asked.len()), (10, 10));
    assert_eq!(most.load(SeqCst), 5);
}

#[test]
fn credentials_are_asked_for_once() {
    let server = FakeHttp::start(|request, _| match request.method.as_str() {
        "GET" => Reply::json(
            200,
            json!({
                "AccessKeyId": "AKID", "SecretAccessKey": "canary", "Token": "canary",
                "Expiration": "2099-01-01T00:00:00Z",
            })
            .to_string(),
        ),
        _ if request.headers["x-amz-target"].starts_with("secrets") => {
            reply(&json!({"Name": "s", "SecretString": "v"}))
        }
        _ => echo(request),
    });
    let found = Probe::new()
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", server.url())
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/role", server.url()),
        )
        .run(&json!({"parameters": names(25), "secrets": ["s"]}));
    assert_eq!(found.value["secrets"], json!(["v"]));
    let gets = server
        .requests()
        .into_iter()
        .filter(|one| one.method == "GET");
    assert_eq!(gets.count(), 1);
}
