//! AWS in this process: answers of a function, or of moto, and a list of what was asked.

use crate::aws::store::send;
use crate::support::moto::Moto;
use entry::aws::{Api, AwsError, Call, Kind, Pending, runtime};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

/// Runs a future on the runtime that commands have.
pub fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    runtime().unwrap().block_on(work)
}

pub fn deadline() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

/// What was asked: `ecs:DescribeServices`, and the members.
type Asked = RefCell<Vec<(String, Value)>>;

fn counted(asked: &Asked) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for (action, _) in asked.borrow().iter() {
        *all.entry(action.clone()).or_default() += 1;
    }
    all
}

/// Numbers of calls, as `counts` has them.
pub fn calls<const N: usize>(all: [(&str, usize); N]) -> BTreeMap<String, usize> {
    all.map(|(action, count)| (action.to_owned(), count)).into()
}

/// Answers by a function of action and members.
pub struct Answers<F> {
    answer: F,
    asked: Asked,
}

impl<F: Fn(&str, &Value) -> Result<Value, AwsError>> Answers<F> {
    pub fn new(answer: F) -> Answers<F> {
        Answers {
            answer,
            asked: Asked::default(),
        }
    }

    pub fn counts(&self) -> BTreeMap<String, usize> {
        counted(&self.asked)
    }
}

impl<F: Fn(&str, &Value) -> Result<Value, AwsError>> Call for Answers<F> {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        _resource: &'a str,
        input: Value,
        _deadline: Instant,
    ) -> Pending<'a, Value> {
        let action = format!("{}:{operation}", api.name());
        let answer = (self.answer)(&action, &input);
        self.asked.borrow_mut().push((action, input));
        Box::pin(async move { answer })
    }
}

/// An error as AWS gives it.
pub fn error(kind: Kind, action: &str, code: &str) -> AwsError {
    AwsError::new(kind, action, "x", format!("no ({code})"))
}

/// Moto, with a cluster `main`.
pub struct OverMoto {
    pub moto: Moto,
    asked: Asked,
}

impl OverMoto {
    pub fn start() -> OverMoto {
        let all = OverMoto {
            moto: Moto::start(),
            asked: Asked::default(),
        };
        all.make("ecs:CreateCluster", &json!({"clusterName": "main"}));
        all
    }

    /// Makes something there, which is not counted.
    pub fn make(&self, action: &str, body: &Value) -> Value {
        let (status, answer) = send(&self.moto.url(), &target(action), body);
        assert_eq!(status, 200, "{action}: {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// The calls since this was asked last.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let counts = counted(&self.asked);
        self.asked.borrow_mut().clear();
        counts
    }
}

fn target(action: &str) -> String {
    let (service, operation) = action.split_once(':').unwrap();
    let service = match service {
        "ecs" => "AmazonEC2ContainerServiceV20141113",
        "events" => "AWSEvents",
        "application-autoscaling" => "AnyScaleFrontendService",
        other => panic!("{other}"),
    };
    format!("{service}.{operation}")
}

impl Call for OverMoto {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        _deadline: Instant,
    ) -> Pending<'a, Value> {
        let action = format!("{}:{operation}", api.name());
        let (status, body) = send(&self.moto.url(), &target(&action), &input);
        self.asked.borrow_mut().push((action.clone(), input));
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let answer = match status {
            200 => Ok(body),
            500 => Err(AwsError::new(
                Kind::Unavailable,
                &action,
                resource,
                "status 500",
            )),
            _ => {
                let code = body["__type"].as_str().unwrap_or_default();
                let code = code.rsplit('#').next().unwrap_or_default();
                let detail = format!("{} ({code})", body["message"].as_str().unwrap_or_default());
                Err(AwsError::new(Kind::Other, &action, resource, detail))
            }
        };
        Box::pin(async move { answer })
    }
}
