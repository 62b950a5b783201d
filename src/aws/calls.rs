//! Services that operators call and a boot does not: an operation's members go in and come out as AWS's own
//! JSON, so that a field that AWS adds tomorrow passes through, and tests answer in AWS's place.

use super::Pending;
use super::counters::Counters;
use super::error::{AwsError, Kind};
use super::protocol::{Api, Client, Protocol};
use aws_config::SdkConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

/// Calls an operation until it succeeds, fails for good, or the deadline comes.
pub trait Call {
    /// `resource` is what an error names.
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        deadline: Instant,
    ) -> Pending<'a, Value>;
}

impl dyn Call + '_ {
    /// As `call`, for a reply that is read at once.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        api: &'static Api,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        let reply = self.call(api, operation, resource, input, deadline).await?;
        // The parser's own message would quote the reply.
        serde_json::from_value(reply).map_err(|_| odd(api, operation, resource))
    }

    /// All pages of a list, or the first `most` of them.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        api: &'static Api,
        operation: &str,
        resource: &str,
        mut input: Value,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<T>, AwsError> {
        let mut pages = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            let page = self.call(api, operation, resource, input.clone(), deadline);
            let mut page = page.await?;
            let next = next(api, &mut page);
            pages.push(serde_json::from_value(page).map_err(|_| odd(api, operation, resource))?);
            match next.filter(|_| pages.len() < most) {
                Some((member, token)) if seen.insert(token.clone()) => input[member] = token.into(),
                Some(_) => {
                    let action = format!("{}:{operation}", api.name());
                    let detail = "the same page again";
                    return Err(AwsError::new(Kind::Reply, &action, resource, detail));
                }
                None => return Ok(pages),
            }
        }
    }
}

/// The member of the next request that asks for the next page, and its value, if there is one.
fn next(api: &Api, page: &mut Value) -> Option<(&'static str, String)> {
    ["NextToken", "nextToken"].into_iter().find_map(|member| {
        let Value::String(token) = page.get_mut(member)?.take() else {
            return None;
        };
        // EC2 has it in lower case in replies only.
        let asks = match api.protocol {
            Protocol::Ec2 { .. } => "NextToken",
            _ => member,
        };
        (!token.is_empty()).then_some((asks, token))
    })
}

/// The items of a list that a reply has, or none.
pub(super) fn items(mut reply: Value, list: &str) -> Vec<Value> {
    match reply.get_mut(list).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// A reply that is not what was asked for.
pub(super) fn odd(api: &Api, operation: &str, resource: &str) -> AwsError {
    let detail = "a body of another kind than expected";
    let action = format!("{}:{operation}", api.name());
    AwsError::new(Kind::Reply, &action, resource, detail)
}

/// AWS itself, in one region. A service's client is made by its first call.
pub struct Calls {
    config: SdkConfig,
    counters: Counters,
    made: RefCell<BTreeMap<&'static str, Rc<Client>>>,
}

impl Calls {
    pub(super) fn new(config: SdkConfig, counters: Counters) -> Calls {
        Calls {
            config,
            counters,
            made: RefCell::default(),
        }
    }

    fn client(&self, api: &'static Api) -> Result<Rc<Client>, AwsError> {
        let known = self.made.borrow().get(api.name()).cloned();
        if let Some(client) = known {
            return Ok(client);
        }
        let client = Rc::new(Client::new(api, &self.config, self.counters.clone())?);
        self.made.borrow_mut().insert(api.name(), client.clone());
        Ok(client)
    }
}

impl Call for Calls {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        deadline: Instant,
    ) -> Pending<'a, Value> {
        Box::pin(async move {
            let client = self.client(api)?;
            client.call(operation, resource, &input, deadline).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::endpoint::Service;
    use serde_json::json;

    const fn api(protocol: Protocol) -> Api {
        Api {
            service: Service {
                id: "It",
                name: "it",
                signed_as: "it",
                plain_in_gov: true,
            },
            protocol,
        }
    }

    static JSON: Api = api(Protocol::Json {
        version: "1.1",
        target: "It",
    });
    static EC2: Api = api(Protocol::Ec2 { version: "1" });

    /// Pages by the token that asks for them; the first one has none.
    struct Book {
        asks: &'static str,
        pages: Vec<(Option<&'static str>, Value)>,
    }

    impl Call for Book {
        fn call<'a>(
            &'a self,
            _: &'static Api,
            _: &'a str,
            _: &'a str,
            input: Value,
            _: Instant,
        ) -> Pending<'a, Value> {
            let token = input.get(self.asks).and_then(Value::as_str);
            let mut pages = self.pages.iter();
            let page = pages.find(|(named, _)| *named == token);
            let page = page.map(|(_, page)| page.clone());
            Box::pin(async move { Ok(page.unwrap()) })
        }
    }

    /// The page numbers that came.
    fn read(api: &'static Api, book: &Book, most: usize) -> Result<Vec<u64>, String> {
        let call: &dyn Call = book;
        let pages = call.pages(api, "List", "x", json!({}), most, Instant::now());
        let pages = futures_util::FutureExt::now_or_never(pages).unwrap();
        let pages: Vec<Value> = pages.map_err(|error| error.to_string())?;
        Ok(pages
            .iter()
            .map(|page| page["page"].as_u64().unwrap())
            .collect())
    }

    #[test]
    fn a_list_is_read_to_its_last_page() {
        for (api, asks, names) in [
            (&JSON, "nextToken", "nextToken"),
            (&JSON, "NextToken", "NextToken"),
            (&EC2, "NextToken", "nextToken"),
        ] {
            let book = |last: Value| Book {
                asks,
                pages: vec![
                    (None, json!({"page": 1, names: "a"})),
                    (Some("a"), json!({"page": 2, names: "b"})),
                    (Some("b"), json!({"page": 3, names: last})),
                ],
            };
            for end in [Value::Null, "".into()] {
                let book = book(end);
                assert_eq!(read(api, &book, usize::MAX), Ok(vec![1, 2, 3]), "{names}");
                assert_eq!(read(api, &book, 2), Ok(vec![1, 2]), "{names}");
            }
            // What it leaves out would be taken for gone.
            let circle = read(api, &book("a".into()), usize::MAX).unwrap_err();
            assert!(
                circle.starts_with("it:List x: ") && circle.contains("the same page again"),
                "{circle}"
            );
        }
    }
}
