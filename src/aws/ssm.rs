//! SSM Parameter Store: parameters by their names or below a path, always decrypted.

use super::counters::Counters;
use super::endpoint::Service;
use super::error::{AwsError, Kind, some_of};
use super::protocol::{Api, Client, Protocol};
use super::{IN_FLIGHT, Pending};
use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Instant;
use zeroize::Zeroizing;

const API: Api = Api {
    service: Service {
        id: "SSM",
        name: "ssm",
        signed_as: "ssm",
        plain_in_gov: true,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "AmazonSSM",
    },
};

const BY_NAME: &str = "GetParameters";
const BY_PATH: &str = "GetParametersByPath";

/// The most that either call gives at once.
const BATCH: usize = 10;

/// Reads parameters.
pub trait Ssm {
    /// In the order of `names`, which may be ARNs or end in `:VERSION` or `:LABEL`; ten names are one call. The
    /// error of missing ones names them all.
    fn get<'a>(&'a self, names: &'a [String], deadline: Instant) -> Pending<'a, Vec<Parameter>>;

    /// All that stand directly below `path`, or at any depth, by name; that there is none is an error.
    fn by_path<'a>(
        &'a self,
        path: &'a str,
        recursive: bool,
        deadline: Instant,
    ) -> Pending<'a, Vec<Parameter>>;
}

/// A parameter; that of a `StringList` has commas in its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The whole of it, `/app/production/db-url`.
    pub name: String,
    pub value: Zeroizing<String>,
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameter({}, ***)", self.name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    name: String,
    value: Zeroizing<String>,
    #[serde(default)]
    selector: String,
    #[serde(rename = "ARN", default)]
    arn: String,
    version: Option<u64>,
}

impl Found {
    /// Whether it is what this name asked for. The selector comes with its colon or without, and an emulator
    /// gives only the version.
    fn answers(&self, asked: &str) -> bool {
        let version = self.version.map(|version| version.to_string());
        let selector = match self.selector.trim_start_matches(':') {
            "" => version.as_deref(),
            selector => Some(selector),
        };
        let named = |name: &str| match asked.strip_prefix(name) {
            Some("") => self.selector.is_empty(),
            Some(rest) => rest
                .strip_prefix(':')
                .is_some_and(|rest| Some(rest) == selector),
            None => false,
        };
        named(&self.name) || (!self.arn.is_empty() && named(&self.arn))
    }

    fn parameter(&self) -> Parameter {
        Parameter {
            name: self.name.clone(),
            value: self.value.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    #[serde(default)]
    parameters: Vec<Found>,
    #[serde(default)]
    invalid_parameters: Vec<String>,
}

impl Batch {
    /// The parameter that was asked for, `None` if there is none; an error if the reply does not say.
    fn answer(
        &self,
        asked: &str,
        unknown: impl FnOnce() -> AwsError,
    ) -> Result<Option<Parameter>, AwsError> {
        if let Some(found) = self.parameters.iter().find(|found| found.answers(asked)) {
            return Ok(Some(found.parameter()));
        }
        let invalid = |name: &String| {
            let rest = asked.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        if self.invalid_parameters.iter().any(invalid) {
            return Ok(None);
        }
        Err(unknown())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    parameters: Vec<Found>,
    next_token: Option<String>,
}

/// What came of each name, `None` where there is no such parameter.
type Answers = HashMap<String, Option<Parameter>>;

/// Parameter Store itself.
pub(super) struct JsonSsm {
    json: Client,
    counters: Counters,
}

impl JsonSsm {
    pub fn new(config: &SdkConfig, counters: Counters) -> Result<JsonSsm, AwsError> {
        Ok(JsonSsm {
            json: Client::new(&API, config, counters.clone())?,
            counters,
        })
    }

    async fn get_all(
        &self,
        names: &[String],
        deadline: Instant,
    ) -> Result<Vec<Parameter>, AwsError> {
        // A call that names one twice is refused.
        let distinct: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let calls = distinct
            .chunks(BATCH)
            .map(|names| self.batch(names, deadline));
        let batches: Vec<Answers> = stream::iter(calls)
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await?;
        let answers: Answers = batches.into_iter().flatten().collect();
        let mut missing: Vec<&str> = answers
            .iter()
            .filter(|(_, parameter)| parameter.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            let detail = "no such parameter in this region";
            return Err(self.error(Kind::NotFound, BY_NAME, &missing.join(", "), detail));
        }
        Ok(names
            .iter()
            .filter_map(|name| answers.get(name)?.clone())
            .collect())
    }

    async fn batch(&self, names: &[&str], deadline: Instant) -> Result<Answers, AwsError> {
        self.counters.ssm_call();
        let input = json!({"Names": names, "WithDecryption": true});
        let check = |batch: Batch| {
            let answer = |name: &&str| {
                let answer = batch.answer(name, || {
                    let detail = "nothing about it in the reply";
                    self.error(Kind::Reply, BY_NAME, name, detail)
                })?;
                Ok(((*name).to_owned(), answer))
            };
            names.iter().map(answer).collect()
        };
        self.json
            .call_checked(BY_NAME, &some_of(names), &input, deadline, check)
            .await
    }

    /// The pages come one after the other, since each names the next.
    async fn pages(
        &self,
        path: &str,
        recursive: bool,
        deadline: Instant,
    ) -> Result<Vec<Parameter>, AwsError> {
        let mut input = json!({
            "Path": path, "Recursive": recursive, "WithDecryption": true, "MaxResults": BATCH,
        });
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            self.counters.ssm_call();
            let page: Page = self.json.call(BY_PATH, path, &input, deadline).await?;
            all.extend(page.parameters.iter().map(Found::parameter));
            let Some(token) = page.next_token.filter(|token| !token.is_empty()) else {
                break;
            };
            input["NextToken"] = token.clone().into();
            if !seen.insert(token) {
                let detail = "the same page again";
                return Err(self.error(Kind::Reply, BY_PATH, path, detail));
            }
        }
        if all.is_empty() {
            let detail = "no parameter below it in this region";
            return Err(self.error(Kind::NotFound, BY_PATH, path, detail));
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    fn error(&self, kind: Kind, operation: &str, resource: &str, detail: &str) -> AwsError {
        AwsError::new(kind, &self.json.action(operation), resource, detail)
    }
}

impl Ssm for JsonSsm {
    fn get<'a>(&'a self, names: &'a [String], deadline: Instant) -> Pending<'a, Vec<Parameter>> {
        Box::pin(self.get_all(names, deadline))
    }

    fn by_path<'a>(
        &'a self,
        path: &'a str,
        recursive: bool,
        deadline: Instant,
    ) -> Pending<'a, Vec<Parameter>> {
        Box::pin(self.pages(path, recursive, deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_answers_by_name_arn_and_selector() {
        let arn = "arn:aws:ssm:eu-west-1:1:parameter/a/b";
        let found = |selector: &str| Found {
            name: "/a/b".into(),
            value: "canary".to_owned().into(),
            selector: selector.into(),
            arn: arn.into(),
            version: Some(4),
        };
        let with_version = format!("{arn}:3");
        let table = [
            ("", "/a/b", true),
            ("", arn, true),
            ("", "/a/b:3", false),
            ("", "/a/b:4", true),
            (":prior", "/a/b:4", false),
            ("", "/a/bc", false),
            ("", "/a", false),
            (":3", "/a/b:3", true),
            ("3", "/a/b:3", true),
            (":3", &with_version, true),
            (":3", "/a/b", false),
            (":3", "/a/b:33", false),
        ];
        for (selector, asked, answers) in table {
            assert_eq!(
                found(selector).answers(asked),
                answers,
                "{selector} {asked}"
            );
        }
        assert_eq!(
            format!("{:?}", found("").parameter()),
            "Parameter(/a/b, ***)"
        );
    }
}
