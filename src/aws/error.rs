//! What went wrong with a call, in words an operator can act on: the action, its object, AWS's own message
//! with the role it names, and what to do. No part of a request or reply gets in, but AWS's error message.

use std::fmt;

/// What kind of failure it is; callers and the retries branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The role may not do it.
    Denied,
    /// Too many calls; later it may work.
    Throttled,
    /// No such key, bucket, object or version.
    NotFound,
    /// The ciphertext is not of this key, account or region, or is damaged.
    InvalidCiphertext,
    /// The key exists but is disabled, being deleted or of another kind.
    KeyUnusable,
    /// The credentials are over.
    Expired,
    /// No credentials, or some that AWS does not know.
    Credentials,
    /// No region.
    Region,
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke: DNS, TCP, TLS.
    Connect,
    /// The service says that it is out of order.
    Unavailable,
    /// An answer that makes no sense.
    Reply,
    /// The object ended before its length.
    Incomplete,
    /// The object's bytes are not those of its checksum.
    Checksum,
    /// The object is larger than allowed.
    TooLarge,
    /// The bytes could not be written here.
    Write,
    /// Somebody else wrote the object meanwhile.
    Conflict,
    /// Not started or broken off, because another call's failure holds for this one too.
    NotTried,
    /// Something else, as the message says.
    Other,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Kind::Denied => "access denied",
            Kind::Throttled => "throttled",
            Kind::NotFound => "not found",
            Kind::InvalidCiphertext => "the ciphertext cannot be decrypted",
            Kind::KeyUnusable => "the key cannot be used",
            Kind::Expired => "the credentials have expired",
            Kind::Credentials => "no usable credentials",
            Kind::Region => "no region",
            Kind::Timeout => "no answer in time",
            Kind::Connect => "no connection",
            Kind::Unavailable => "the service is out of order",
            Kind::Reply => "an answer that makes no sense",
            Kind::Incomplete => "the object ended too early",
            Kind::Checksum => "wrong checksum",
            Kind::TooLarge => "too large",
            Kind::Write => "cannot be written",
            Kind::Conflict => "somebody else wrote it meanwhile",
            Kind::NotTried => "not tried",
            Kind::Other => "failed",
        }
    }

    /// Whether the next call may well succeed.
    pub fn passes(self) -> bool {
        matches!(
            self,
            Kind::Throttled | Kind::Timeout | Kind::Connect | Kind::Unavailable | Kind::Reply
        )
    }

    /// Whether the failure holds for every other call of the same boot, too; with `one_key`, all of them are
    /// for the same key.
    pub fn holds_for_all(self, one_key: bool) -> bool {
        match self {
            Kind::NotFound | Kind::KeyUnusable => one_key,
            Kind::InvalidCiphertext | Kind::TooLarge | Kind::Checksum | Kind::Incomplete => false,
            _ => true,
        }
    }

    fn remedy(self, action: &str) -> Option<String> {
        Some(match self {
            Kind::Denied if action.starts_with("cloudkms.") => {
                "grant a role with it on the key to the service account".into()
            }
            Kind::InvalidCiphertext if action.starts_with("cloudkms.") => {
                "name the key that encrypted the value, or encrypt it again with this one".into()
            }
            Kind::Credentials if action.starts_with("google") || action.starts_with("cloudkms.") => {
                "name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS, or run on Google Cloud"
                    .into()
            }
            Kind::Reply if action.starts_with("google") || action.starts_with("cloudkms.") => {
                "check that no proxy or portal answers in Google's place".into()
            }
            Kind::Denied if action.starts_with("kms:") => format!(
                "allow {action} on the key in the role's policy, and the role in the key's policy; a key \
                 that is gone or of another region is denied, too"
            ),
            Kind::Denied if action == "s3:GetObject" => format!(
                "allow {action} on it in the role's policy, and kms:Decrypt if a key of KMS encrypts it; one \
                 that does not exist is denied, too, where the role may not list the bucket"
            ),
            Kind::Denied if action.ends_with(":BatchGetSecretValue") => format!(
                "allow {action} on * in the role's policy, and secretsmanager:GetSecretValue on each secret"
            ),
            Kind::Denied if action.starts_with("ssm:") || action.starts_with("secretsmanager:") => {
                format!(
                    "allow {action} on it in the role's policy, and kms:Decrypt on the key that it is \
                     encrypted with"
                )
            }
            Kind::Denied => format!("allow {action} on it in the role's policy"),
            Kind::Throttled => "try again later, or have the account's quota raised".into(),
            Kind::InvalidCiphertext => {
                "encrypt the value again, with a key of this account and region".into()
            }
            Kind::KeyUnusable => "enable the key, or cancel its deletion".into(),
            Kind::Expired => "get new credentials, and check the clock".into(),
            Kind::Credentials => {
                "give the task a role (taskRoleArn), or set AWS_PROFILE or the AWS_ keys".into()
            }
            Kind::Region => "set AWS_REGION".into(),
            Kind::Timeout | Kind::Connect => {
                "check the route to it: subnet, security group, VPC endpoint, proxy".into()
            }
            Kind::Reply => "check that no proxy or portal answers in AWS's place".into(),
            Kind::Checksum | Kind::Incomplete => "upload the object again".into(),
            Kind::NotFound if action == "s3:GetObject" => {
                "upload it, or correct the bucket, key or version".into()
            }
            Kind::TooLarge => "raise max_size, or check what was uploaded".into(),
            Kind::NotFound
            | Kind::Unavailable
            | Kind::Write
            | Kind::Conflict
            | Kind::NotTried
            | Kind::Other => {
                return None;
            }
        })
    }
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    pub kind: Kind,
    /// The IAM action, `kms:Decrypt`, or what we were about otherwise.
    pub action: String,
    /// The key, or `s3://bucket/key`; empty where it is not known.
    pub resource: String,
    /// AWS's message, or the chain of causes.
    pub detail: String,
}

impl AwsError {
    /// Whether it is AWS's error of this code, `ClientException`.
    pub fn is(&self, code: &str) -> bool {
        let rest = self.detail.strip_suffix(')');
        rest.and_then(|rest| rest.strip_suffix(code))
            .is_some_and(|rest| rest.ends_with('('))
    }

    pub fn new(kind: Kind, action: &str, resource: &str, detail: impl Into<String>) -> AwsError {
        AwsError {
            kind,
            action: action.into(),
            resource: resource.into(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.action)?;
        if !self.resource.is_empty() {
            write!(f, " {}", self.resource)?;
        }
        write!(f, ": {}", self.kind.words())?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        match self.kind.remedy(&self.action) {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AwsError {}

/// An error and its causes, the first the error itself.
pub(super) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error and all its causes in one line, by Display only: Debug would show requests and replies. A cause
/// that ends what is said already is left out.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    for said in causes(error).map(|cause| one_line(&cause.to_string())) {
        if said.is_empty() || text.ends_with(&said) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&said);
    }
    text
}

/// The first few of many names.
pub(super) fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN => {
            format!("{} and {} more", first.join(", "), names.len() - SHOWN)
        }
        _ => names.join(", "),
    }
}

/// A foreign message as part of a line of ours: without control characters, and not endless.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 1000;
    let clean = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    clean.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_action_object_cause_and_remedy() {
        let error = AwsError::new(
            Kind::Denied,
            "kms:Decrypt",
            "",
            "User: arn:aws:sts::1:assumed-role/web/x is not authorized",
        );
        assert_eq!(
            error.to_string(),
            "kms:Decrypt: access denied: User: arn:aws:sts::1:assumed-role/web/x is not authorized; allow \
             kms:Decrypt on the key in the role's policy, and the role in the key's policy; a key that \
             is gone or of another region is denied, too"
        );
        let error = AwsError::new(Kind::NotFound, "s3:GetObject", "s3://b/k", "");
        assert_eq!(
            error.to_string(),
            "s3:GetObject s3://b/k: not found; upload it, or correct the bucket, key or version"
        );
    }

    #[test]
    fn many_names_are_cut() {
        assert_eq!(some_of(&["a", "b", "c"]), "a, b, c");
        assert_eq!(some_of(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        #[derive(Debug)]
        struct Layer(&'static str, Option<Box<Layer>>);
        impl fmt::Display for Layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl std::error::Error for Layer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.1.as_deref().map(|layer| layer as _)
            }
        }
        let deep = Layer("refused", None);
        let error = Layer(
            "dispatch\nfailure",
            Some(Box::new(Layer("connect: refused", Some(Box::new(deep))))),
        );
        assert_eq!(chain(&error), "dispatch failure: connect: refused");
    }
}
