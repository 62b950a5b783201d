use super::*;
use serde_json::json;

#[test]
fn wildcards() {
    let table = [
        ("a", "a", true),
        ("*", "", true),
        ("*", "anything/at:all", true),
        ("a*c", "abbbc", true),
        ("a*c", "ab", false),
        ("a*b*c", "aXbXbXc", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("", "a", false),
        ("s3:Get*", "s3:GetObject", true),
        ("*:*", "s3:GetObject", true),
        ("a**", "a", true),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

fn need(action: &str, resource: &str) -> Permission {
    Permission {
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: [("kms:EncryptionContext:app".to_owned(), "x".to_owned())].into(),
    }
}

#[test]
fn documents_are_evaluated() {
    let allow = |action: Value, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let deny = |resource: &str| json!({"Effect": "Deny", "Action": "*", "Resource": resource});
    let with = |condition: Value| {
        let mut one = allow(json!("kms:Decrypt"), json!("*"));
        one["Condition"] = condition;
        one
    };
    let key = "arn:aws:kms:eu-west-1:1:key/5";
    let any = "arn:aws:kms:eu-west-1:1:key/*";
    let decrypt = || json!("kms:Decrypt");
    let context = |value: &str| json!({"StringEquals": {"kms:encryptioncontext:app": value}});
    let table = [
        (json!([]), key, Verdict::NotAllowed),
        (json!([allow(decrypt(), json!(key))]), key, Verdict::Allowed),
        (json!(allow(decrypt(), json!(key))), key, Verdict::Allowed),
        (
            json!([allow(json!(["s3:*", "KMS:de*"]), json!(["x", any]))]),
            key,
            Verdict::Allowed,
        ),
        (
            json!([allow(json!("kms:Encrypt"), json!("*"))]),
            key,
            Verdict::NotAllowed,
        ),
        (
            json!([allow(decrypt(), json!("*")), deny(any)]),
            key,
            Verdict::Denied,
        ),
        (
            json!([deny("arn:aws:s3:::*"), allow(decrypt(), json!("*"))]),
            key,
            Verdict::Allowed,
        ),
        (json!([with(context("x"))]), key, Verdict::Allowed),
        (json!([with(context("y"))]), key, Verdict::NotAllowed),
        (
            json!([with(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))]),
            key,
            Verdict::Open,
        ),
        // The need stands for any key, and the policy has one.
        (json!([allow(decrypt(), json!(key))]), any, Verdict::Open),
        (
            json!([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]),
            key,
            Verdict::Allowed,
        ),
        (
            json!([{"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}]),
            key,
            Verdict::NotAllowed,
        ),
        (
            json!([{"Effect": "Deny", "Action": "*", "NotResource": any}, allow(decrypt(), json!("*"))]),
            key,
            Verdict::Allowed,
        ),
        (
            json!([{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::*"}, allow(decrypt(), json!("*"))]),
            key,
            Verdict::Denied,
        ),
    ];
    for (statements, resource, expected) in table {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        let found = evaluate(
            std::slice::from_ref(&document),
            &need("kms:Decrypt", resource),
        );
        assert_eq!(found, expected, "{document} {resource}");
    }
}
