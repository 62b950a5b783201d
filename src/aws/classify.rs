//! What the SDK's errors mean. Its Display says only `service error`, and its Debug prints whole replies, so
//! neither is used: AWS's code and message, or the chain of causes.

use super::error::{AwsError, Kind, causes, chain, one_line};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// The failed call in our words.
pub(super) fn classify<E>(
    action: &str,
    resource: &str,
    error: &SdkError<E, HttpResponse>,
) -> AwsError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let (kind, detail) = match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let (code, message) = (service.err().code(), service.err().message());
            let kind = if message.is_some_and(is_contention) {
                Kind::Throttled
            } else {
                of_service(code, status)
            };
            (kind, said(code, message, status))
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error();
            (
                of_connector(cause),
                cause.map(|cause| sources(cause)).unwrap_or_default(),
            )
        }
        SdkError::TimeoutError(_) => (Kind::Timeout, String::new()),
        SdkError::ResponseError(reply) => {
            let status = reply.raw().status().as_u16();
            (
                Kind::Reply,
                format!("status {status}, but the rest of it did not come"),
            )
        }
        other => (of_construction(other), sources(other)),
    };
    AwsError::new(kind, action, resource, detail)
}

/// AWS's words for it: `message (Code)`.
pub(super) fn said(code: Option<&str>, message: Option<&str>, status: u16) -> String {
    match (code, message) {
        (Some(code), Some(message)) => format!("{} ({})", one_line(message), one_line(code)),
        (Some(code), None) => one_line(code),
        (None, Some(message)) => format!("{} (status {status})", one_line(message)),
        // The parser's own message could quote the reply, which here holds plaintext.
        (None, None) if status < 300 => format!("status {status}, but with a body of another kind"),
        (None, None) => format!("status {status}"),
    }
}

/// `RegisterTaskDefinition` answers with a `ClientException`, as for what is wrong with a definition, while another
/// registers the same family: "Too many concurrent attempts to create a new revision of the specified family."
fn is_contention(message: &str) -> bool {
    message.starts_with("Too many concurrent attempts")
}

/// The code says what it is; where there is none, as in a reply to HEAD or from a proxy, the status does.
pub(super) fn of_service(code: Option<&str>, status: u16) -> Kind {
    match code.unwrap_or_default() {
        "AccessDeniedException"
        | "AccessDenied"
        | "AllAccessDisabled"
        | "UnauthorizedAccess"
        | "UnauthorizedOperation" => Kind::Denied,
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "LimitExceededException"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "ProvisionedThroughputExceededException" => Kind::Throttled,
        "NotFoundException"
        | "ResourceNotFoundException"
        | "ParameterNotFound"
        | "NoSuchKey"
        | "NoSuchBucket"
        | "NoSuchVersion"
        | "NotFound"
        | "NoSuchEntity"
        | "RepositoryNotFoundException"
        | "ImageNotFoundException"
        | "TargetGroupNotFound"
        | "LoadBalancerNotFound" => Kind::NotFound,
        "PreconditionFailed" | "ConditionalRequestConflict" => Kind::Conflict,
        "InvalidCiphertextException" | "IncorrectKeyException" => Kind::InvalidCiphertext,
        "DisabledException"
        | "KMSInvalidStateException"
        | "DecryptionFailure"
        | "InvalidKeyId"
        | "InvalidKeyUsageException"
        | "InvalidObjectState" => Kind::KeyUnusable,
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" | "TokenRefreshRequired" => {
            Kind::Expired
        }
        "UnrecognizedClientException"
        | "AuthFailure"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Kind::Credentials,
        "KMSInternalException"
        | "KeyUnavailableException"
        | "DependencyTimeoutException"
        | "InternalError"
        | "InternalServerError"
        | "InternalServiceError"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException" => Kind::Unavailable,
        // EC2's: `InvalidInstanceID.NotFound`.
        code if code.ends_with(".NotFound") => Kind::NotFound,
        _ => match status {
            401 | 403 => Kind::Denied,
            404 => Kind::NotFound,
            407 => Kind::Connect,
            429 => Kind::Throttled,
            500..=599 => Kind::Unavailable,
            200..=299 => Kind::Reply,
            _ => Kind::Other,
        },
    }
}

pub(super) fn of_connector(error: Option<&ConnectorError>) -> Kind {
    match error {
        Some(error) if error.is_timeout() => Kind::Timeout,
        Some(error) if error.is_user() => Kind::Other,
        Some(error) if holds::<CredentialsError>(error) => Kind::Credentials,
        _ => Kind::Connect,
    }
}

/// Nothing was sent; mostly because later credentials could not be had.
fn of_construction(error: &(dyn Error + 'static)) -> Kind {
    if holds::<CredentialsError>(error) {
        Kind::Credentials
    } else {
        Kind::Other
    }
}

fn holds<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<T>)
}

/// The chain below an error whose own Display says nothing.
fn sources(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| chain(error), chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_before_the_status() {
        let table = [
            (Some("AccessDeniedException"), 400, Kind::Denied),
            (Some("ThrottlingException"), 400, Kind::Throttled),
            (Some("SlowDown"), 503, Kind::Throttled),
            (Some("NoSuchKey"), 404, Kind::NotFound),
            (
                Some("InvalidCiphertextException"),
                400,
                Kind::InvalidCiphertext,
            ),
            (Some("ExpiredTokenException"), 400, Kind::Expired),
            (Some("ExpiredToken"), 403, Kind::Expired),
            (Some("UnrecognizedClientException"), 400, Kind::Credentials),
            (Some("ValidationException"), 400, Kind::Other),
            (Some("UnauthorizedOperation"), 403, Kind::Denied),
            (Some("InvalidInstanceID.NotFound"), 400, Kind::NotFound),
            (None, 403, Kind::Denied),
            (None, 404, Kind::NotFound),
            (None, 429, Kind::Throttled),
            (None, 502, Kind::Unavailable),
        ];
        for (code, status, kind) in table {
            assert_eq!(of_service(code, status), kind, "{code:?} {status}");
        }
    }

    #[test]
    fn only_the_message_tells_contention() {
        let busy = "Too many concurrent attempts to create a new revision of the specified family.";
        assert!(is_contention(busy));
        assert!(!is_contention("Too many containers."));
    }
}
