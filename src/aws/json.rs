//! AWS's JSON protocols, 1.0 and 1.1: the operation stands in a header, the members in a JSON body, and an
//! error names its code in `x-amzn-errortype` or `__type`.

use super::call::Request;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;
use serde_json::Value;

pub(super) fn request(version: &str, target: &str, operation: &str, input: &Value) -> Request {
    Request {
        headers: vec![
            ("content-type", format!("application/x-amz-json-{version}")),
            ("x-amz-target", format!("{target}.{operation}")),
        ],
        body: input.to_string().into_bytes(),
    }
}

pub(super) fn read_error(reply: &HttpResponse) -> ErrorMetadata {
    let header = reply.headers().get("x-amzn-errortype");
    metadata(header, reply.body().bytes().unwrap_or_default())
}

fn metadata(header: Option<&str>, body: &[u8]) -> ErrorMetadata {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
    let mut builder = ErrorMetadata::builder();
    if let Some(code) = header.or_else(|| member(&["__type", "code"])) {
        builder = builder.code(bare(code));
    }
    if let Some(message) = member(&["message", "Message", "errorMessage"]) {
        builder = builder.message(message);
    }
    builder.build()
}

/// A code comes as `Code`, `namespace#Code` or `Code:http://…`.
fn bare(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    code.rsplit_once('#').map_or(code, |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_code_in_many_ways() {
        let table = [
            (
                None,
                r#"{"__type":"A","message":"m"}"#,
                Some("A"),
                Some("m"),
            ),
            (
                None,
                r#"{"__type":"com.amazon#A","Message":"m"}"#,
                Some("A"),
                Some("m"),
            ),
            (Some("A:http://x/#y"), r#"{"__type":"B"}"#, Some("A"), None),
            (
                None,
                r#"{"code":"A","errorMessage":"m"}"#,
                Some("A"),
                Some("m"),
            ),
            (None, r#"{"__type":5,"message":[]}"#, None, None),
            (None, "<html>canary</html>", None, None),
            (None, "[]", None, None),
            (None, "", None, None),
        ];
        for (header, body, code, message) in table {
            let found = metadata(header, body.as_bytes());
            assert_eq!((found.code(), found.message()), (code, message), "{body}");
        }
    }
}
