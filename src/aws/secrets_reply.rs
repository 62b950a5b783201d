//! What Secrets Manager replies: values, and for each secret of a batch that it does not give the reason.

use super::classify::{of_service, said};
use super::error::{AwsError, Kind};
use super::secrets_manager::SecretValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    #[serde(rename = "ARN", default)]
    arn: String,
    #[serde(default)]
    name: String,
    secret_string: Option<Zeroizing<String>>,
    secret_binary: Option<Zeroizing<String>>,
}

impl Found {
    pub fn answers(&self, asked: &str) -> bool {
        // What AWS appends to a name to make the ARN: `-` and six letters.
        let without_end = self
            .arn
            .len()
            .checked_sub(7)
            .and_then(|end| self.arn.get(..end));
        asked == self.name || asked == self.arn || Some(asked) == without_end
    }

    /// `None` if there is no value, or one that is no base64.
    pub fn value(&self) -> Option<SecretValue> {
        match (&self.secret_string, &self.secret_binary) {
            (Some(text), None) => Some(SecretValue::Text(text.clone())),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text.as_bytes()).ok()?;
                Some(SecretValue::Binary(Zeroizing::new(bytes)))
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    #[serde(default)]
    pub secret_values: Vec<Found>,
    #[serde(default)]
    pub errors: Vec<Refused>,
    pub next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refused {
    pub secret_id: String,
    error_code: String,
    message: Option<String>,
}

impl Page {
    /// It as it is, unless another attempt could bring more.
    pub fn checked(self, action: &str, secrets: &str) -> Result<Page, AwsError> {
        if let Some(refused) = self.errors.iter().find(|refused| refused.passes()) {
            return Err(refused.error(action));
        }
        if self.secret_values.is_empty() && self.errors.is_empty() && self.next_token.is_none() {
            let detail = "neither values nor errors in it";
            return Err(AwsError::new(Kind::Reply, action, secrets, detail));
        }
        Ok(self)
    }
}

impl Refused {
    fn kind(&self) -> Kind {
        // The status of an error that says nothing more.
        of_service(Some(&self.error_code), 400)
    }

    /// Whether another attempt could bring it.
    fn passes(&self) -> bool {
        matches!(self.kind(), Kind::Throttled | Kind::Unavailable)
    }

    pub fn error(&self, action: &str) -> AwsError {
        let detail = said(Some(&self.error_code), self.message.as_deref(), 400);
        AwsError::new(self.kind(), action, &self.secret_id, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_answers_by_name_arn_and_arn_without_its_end() {
        let found = Found {
            arn: "arn:aws:secretsmanager:eu-west-1:1:secret:app/db-AbCdEf".into(),
            name: "app/db".into(),
            secret_string: None,
            secret_binary: None,
        };
        let table = [
            ("app/db", true),
            (
                "arn:aws:secretsmanager:eu-west-1:1:secret:app/db-AbCdEf",
                true,
            ),
            ("arn:aws:secretsmanager:eu-west-1:1:secret:app/db", true),
            ("arn:aws:secretsmanager:eu-west-1:1:secret:app", false),
            ("app", false),
            ("", false),
        ];
        for (asked, answers) in table {
            assert_eq!(found.answers(asked), answers, "{asked}");
        }
    }

    #[test]
    fn a_value_is_text_or_bytes() {
        let value = |text: Option<&str>, binary: Option<&str>| {
            let own = |text: &str| Zeroizing::new(text.to_owned());
            let found = Found {
                arn: String::new(),
                name: String::new(),
                secret_string: text.map(own),
                secret_binary: binary.map(own),
            };
            found.value()
        };
        let text = SecretValue::Text("canary".to_owned().into());
        assert_eq!(format!("{text:?}"), "***");
        assert_eq!(value(Some("canary"), None), Some(text));
        let bytes = SecretValue::Binary(vec![0xff, 0].into());
        assert_eq!(value(None, Some("/wA=")), Some(bytes));
        assert_eq!(value(None, Some("no base64!")), None);
        assert_eq!(value(None, None), None);
    }
}
