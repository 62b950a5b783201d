//! The part of a boot that needs AWS: all kinds of secrets and objects from S3, side by side, under one
//! deadline.

use super::Failure;
use super::orders::{Order, Refused};
use super::secrets::{Came, Secrets};
use super::staging::Staged;
use super::stores;
use super::vaults::Plaintexts;
use crate::aws::{self, AwsError, Clients, Counts, CustomerKey, Encrypted, Kind, Settings};
use crate::config::{Mode, Origin, ParameterSet, S3Origin};
use crate::fetch::sops::AwsKeys;
use crate::gcp::{CloudKms, GoogleKms};
use crate::supervise::message::AwsPhases;
use crate::sys::environment;
use crate::vault::document::Reason;
use crate::vault::{Plaintext, kms};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{self, Either};
use futures_util::stream::{self, StreamExt};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// How long the others may go on after the first failure, so that one boot tells all that is wrong.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Variables of the mode that say how AWS is reached, beside those that begin with `AWS_`.
const REACHES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// What AWS was asked, and how long each part took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Who gave the credentials.
    pub credentials: &'static str,
    pub credentials_took: Duration,
    pub counts: Counts,
    pub kms_took: Duration,
    pub s3_took: Duration,
}

impl Cost {
    /// For the start line.
    pub fn told(&self) -> AwsPhases {
        let Counts {
            kms_calls,
            s3_calls,
            retries,
            bytes,
            ssm_calls,
            secrets_manager_calls,
            ..
        } = self.counts;
        AwsPhases {
            credentials: self.credentials.to_owned(),
            credentials_took: self.credentials_took,
            kms_calls,
            kms_took: self.kms_took,
            objects: s3_calls,
            bytes,
            s3_took: self.s3_took,
            store_calls: ssm_calls + secrets_manager_calls,
            retries,
        }
    }
}

/// Asks, and stages what comes; or tells everything that failed.
pub fn ask<'j>(
    mode: &Mode,
    secrets: &mut Secrets<'_>,
    orders: Vec<Order<'_, 'j>>,
) -> Result<(Vec<Staged<'j>>, Option<Cost>), Failure> {
    let begun = Instant::now();
    let reaches =
        |name: &str| name.starts_with("AWS_") || REACHES.contains(&name) || name == "SSL_CERT_FILE";
    for one in mode.env.iter().filter(|one| reaches(&one.name)) {
        environment::set(&one.name, &one.value);
    }
    let runtime = aws::runtime().map_err(|error| Failure::one(format!("event loop: {error}")))?;
    let answer = runtime.block_on(async {
        let deadline = begun + mode.aws.timeout;
        let settings = Settings {
            region: mode.aws.region.clone(),
            ..Settings::default()
        };
        // Google's KMS alone needs no account at AWS.
        let clients = if orders.is_empty() && !secrets.need_aws() {
            None
        } else {
            let clients = Clients::load(&settings, deadline).await;
            Some(Rc::new(clients.map_err(Failure::one)?))
        };
        let credentials_took = begun.elapsed();
        let visit = Visit {
            mode,
            clients: clients.clone(),
            begun: Instant::now(),
            deadline,
            s3_took: Cell::default(),
            troubles: RefCell::default(),
            failed: Notify::new(),
        };
        let done = visit.all(secrets, orders).await;
        Failure::all(visit.troubles.into_inner())?;
        let (staged, kms_took, s3_took) = done.unwrap_or_default();
        let cost = clients.map(|clients| Cost {
            credentials: clients.credentials(),
            credentials_took,
            counts: clients.counters().counts(),
            kms_took,
            s3_took,
        });
        Ok::<_, Failure>((staged, cost))
    });
    // Nothing of it may go on behind the app's back.
    runtime.shutdown_background();
    answer
}

struct Visit<'v> {
    mode: &'v Mode,
    /// `None` where nothing is asked of AWS.
    clients: Option<Rc<Clients>>,
    begun: Instant,
    deadline: Instant,
    /// Until the last object so far was here.
    s3_took: Cell<Duration>,
    troubles: RefCell<Vec<String>>,
    failed: Notify,
}

impl Visit<'_> {
    /// Both kinds side by side; an object whose key is a secret follows the secrets.
    async fn all<'j>(
        &self,
        secrets: &mut Secrets<'_>,
        orders: Vec<Order<'_, 'j>>,
    ) -> Option<(Vec<Staged<'j>>, Duration, Duration)> {
        let (later, now): (Vec<_>, Vec<_>) = orders.into_iter().partition(Order::waits_for_secrets);
        let after_secrets = async {
            let took = self.secrets(secrets).await?;
            let staged = self.objects(later, Some(secrets)).await;
            Some((staged, took))
        };
        let work = future::join(after_secrets, self.objects(now, None));
        let cut = pin!(async {
            self.failed.notified().await;
            tokio::time::sleep(AFTER_FAILURE).await;
        });
        match future::select(pin!(work), cut).await {
            Either::Left(((Some((later, kms_took)), mut staged), _)) => {
                staged.extend(later);
                Some((staged, kms_took, self.s3_took.get()))
            }
            _ => None,
        }
    }

    /// Every item that waits; `None` where any failed. Says how long KMS took.
    async fn secrets(&self, secrets: &mut Secrets<'_>) -> Option<Duration> {
        let messages = secrets.messages();
        let kms = async {
            let needed = !messages.is_empty() || secrets.sealed().next().is_some();
            let (plaintexts, sealed) =
                future::join(self.plaintexts(messages), self.sops(secrets)).await;
            let took = if needed {
                self.begun.elapsed()
            } else {
                Duration::ZERO
            };
            (plaintexts, sealed, took)
        };
        let stores = future::join(self.parameters(secrets), self.managed(secrets));
        let google = self.google(secrets);
        let ((mut plaintexts, sealed, took), (parameters, managed), google) =
            future::join3(kms, stores, google).await;
        plaintexts.extend(google);
        let came = sealed
            .into_iter()
            .chain(parameters)
            .chain(managed)
            .collect();
        let mut problems = secrets.decrypt(&plaintexts);
        problems.extend(secrets.take(came));
        self.trouble(problems)?;
        (!secrets.wait()).then_some(took)
    }

    async fn explain(&self, error: AwsError) -> AwsError {
        match &self.clients {
            Some(clients) => clients.explain(error).await,
            None => error,
        }
    }

    /// What KMS says of each message.
    async fn plaintexts(&self, messages: Vec<(String, Encrypted)>) -> Plaintexts {
        let (messages, encrypted): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        let in_flight = self.mode.aws.in_flight;
        let Some(clients) = &self.clients else {
            return Plaintexts::new();
        };
        let kms = clients.kms();
        let results = aws::decrypt_all(kms, encrypted, in_flight, self.deadline).await;
        let mut plaintexts = Plaintexts::new();
        for (message, result) in messages.into_iter().zip(results) {
            let result = match result {
                Err(error) => Err(self.explain(error).await),
                result => result,
            };
            plaintexts.insert(message, opened(result));
        }
        plaintexts
    }

    /// What Google's KMS says of each message.
    async fn google(&self, secrets: &Secrets<'_>) -> Plaintexts {
        let messages = secrets.google();
        let mut loaded: HashMap<Option<&Path>, Result<GoogleKms, AwsError>> = HashMap::new();
        for one in &messages {
            let name = one.credential_file.map(|file| file.display().to_string());
            let load = || GoogleKms::load(name.as_deref());
            loaded.entry(one.credential_file).or_insert_with(load);
        }
        let loaded = &loaded;
        let mut known = HashSet::new();
        let distinct = messages
            .iter()
            .filter(|one| known.insert(one.message.as_str()));
        let calls = distinct.map(|one| async move {
            let answer = match loaded.get(&one.credential_file) {
                Some(Ok(kms)) => {
                    kms.decrypt(one.resource_id, &one.ciphertext, self.deadline)
                        .await
                }
                Some(Err(error)) => Err(error.clone()),
                None => Err(AwsError::new(Kind::NotTried, "", "", "")),
            };
            (one.message.clone(), answer)
        });
        let calls: Vec<_> = calls.collect();
        let mut running = stream::iter(calls).buffer_unordered(self.mode.aws.in_flight);
        let mut plaintexts = Plaintexts::new();
        let one_key = messages
            .windows(2)
            .all(|pair| pair[0].resource_id == pair[1].resource_id);
        // As with AWS: what is denied once is denied to all.
        while let Some((message, answer)) = running.next().await {
            let over = matches!(&answer, Err(error) if error.kind.holds_for_all(one_key));
            plaintexts.insert(message, opened(answer));
            if over {
                break;
            }
        }
        drop(running);
        for one in &messages {
            let rest = plaintexts.entry(one.message.clone());
            rest.or_insert(Err(Reason::NotTried));
        }
        plaintexts
    }

    /// Files of sops whose data keys KMS has, one call a file.
    async fn sops<'m>(&self, secrets: &Secrets<'m>) -> Came<'m> {
        let Some(clients) = &self.clients else {
            return Came::new();
        };
        let service = AwsKeys::with(Rc::clone(clients));
        let service = &service;
        let calls = secrets.sealed().map(|(index, sealed)| async move {
            let given = sealed.decrypt(service, self.deadline).await;
            (index, sealed.item, given)
        });
        let calls: Vec<_> = calls.collect();
        stream::iter(calls)
            .buffer_unordered(self.mode.aws.in_flight)
            .collect()
            .await
    }

    /// All parameters that are named, ten a call; and those below each path.
    async fn parameters<'m>(&self, secrets: &Secrets<'m>) -> Came<'m> {
        let Some(clients) = &self.clients else {
            return Came::new();
        };
        let ssm = clients.ssm();
        let mut names: Vec<String> = Vec::new();
        for (_, _, set) in secrets.parameters() {
            if let ParameterSet::Named(some) = set {
                names.extend(
                    some.iter()
                        .filter(|name| !names.contains(name))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
            }
        }
        let named = async {
            if names.is_empty() {
                return Ok(Vec::new());
            }
            ssm.get(&names, self.deadline).await
        };
        let below = secrets
            .parameters()
            .filter_map(|(index, _, set)| match set {
                ParameterSet::Below { path, recursive } => {
                    Some(async move { (index, ssm.by_path(path, *recursive, self.deadline).await) })
                }
                ParameterSet::Named(_) => None,
            });
        let (named, below) = future::join(named, future::join_all(below)).await;
        let named = match named {
            Ok(parameters) => Ok(parameters),
            Err(error) => Err(self.explain(error).await),
        };
        let mut below: HashMap<usize, _> = below.into_iter().collect();
        let mut told = false;
        let mut came = Vec::new();
        for (index, item, set) in secrets.parameters() {
            let answer = match (set, &named) {
                (ParameterSet::Below { .. }, _) => match below.remove(&index) {
                    Some(Ok(parameters)) => Ok(parameters),
                    Some(Err(error)) => Err(self.explain(error).await.to_string()),
                    None => continue,
                },
                (ParameterSet::Named(some), Ok(all)) => {
                    let pairs = names
                        .iter()
                        .zip(all)
                        .filter(|(name, _)| some.contains(name));
                    Ok(pairs.map(|(_, parameter)| parameter.clone()).collect())
                }
                // One call for all items, so one line.
                (ParameterSet::Named(_), Err(_)) if std::mem::replace(&mut told, true) => continue,
                (ParameterSet::Named(_), Err(error)) => Err(error.to_string()),
            };
            let given = answer.and_then(|parameters| stores::parameters(item, set, &parameters));
            came.push((index, item, given));
        }
        came
    }

    /// All secrets of Secrets Manager, twenty a call.
    async fn managed<'m>(&self, secrets: &Secrets<'m>) -> Came<'m> {
        let items: Vec<_> = secrets.managed().collect();
        let Some(clients) = self.clients.as_ref().filter(|_| !items.is_empty()) else {
            return Came::new();
        };
        let ids: Vec<_> = items
            .iter()
            .map(|(_, _, secret)| stores::secret_id(secret))
            .collect();
        match clients.secrets_manager().get(&ids, self.deadline).await {
            Ok(values) => {
                let pairs = items.into_iter().zip(&values);
                pairs
                    .map(|((index, item, _), value)| (index, item, stores::secret(item, value)))
                    .collect()
            }
            Err(error) => {
                let error = self.explain(error).await;
                // One call for all items, so one line.
                let first = items.into_iter().take(1);
                first
                    .map(|(index, item, _)| (index, item, Err(error.to_string())))
                    .collect()
            }
        }
    }

    /// Brings objects here, many at a time.
    async fn objects<'j>(
        &self,
        orders: Vec<Order<'_, 'j>>,
        secrets: Option<&Secrets<'_>>,
    ) -> Vec<Staged<'j>> {
        let calls = orders.into_iter().map(|order| self.object(order, secrets));
        let calls: Vec<_> = calls.collect();
        let mut running = stream::iter(calls).buffer_unordered(self.mode.aws.in_flight);
        let mut staged = Vec::new();
        while let Some(done) = running.next().await {
            staged.extend(done);
        }
        staged
    }

    async fn object<'j>(
        &self,
        order: Order<'_, 'j>,
        secrets: Option<&Secrets<'_>>,
    ) -> Option<Staged<'j>> {
        let declared_at = order.file.declared_at.clone();
        let key = match customer_key(&order, secrets) {
            Ok(key) => key,
            Err(problem) => {
                self.trouble(vec![format!("{declared_at}: customer_key: {problem}")]);
                return None;
            }
        };
        let clients = self.clients.as_ref()?;
        let problem = match order.download(clients, key, self.deadline).await {
            Ok(staged) => {
                self.s3_took.set(self.begun.elapsed());
                return Some(staged);
            }
            Err(Refused::Line(line)) => line,
            Err(Refused::Call(mut error)) => {
                if let Some(aws) = error.aws() {
                    *aws = self.explain(aws.clone()).await;
                }
                format!("{declared_at}: {error}")
            }
        };
        self.trouble(vec![problem]);
        None
    }

    /// Notes what is wrong; `None` if anything is.
    fn trouble(&self, problems: Vec<String>) -> Option<()> {
        if problems.is_empty() {
            return Some(());
        }
        self.troubles.borrow_mut().extend(problems);
        self.failed.notify_one();
        None
    }
}

/// What a KMS gave for a message.
fn opened(answer: Result<Zeroizing<Vec<u8>>, AwsError>) -> Result<Plaintext, Reason> {
    match answer {
        Ok(dump) => kms::plaintext(&dump)
            .map_err(|error| Reason::Cryptor(format!("KMS decrypted it, but {error}"))),
        Err(error) if error.kind == Kind::NotTried => Err(Reason::NotTried),
        Err(error) => Err(Reason::Cryptor(error.to_string())),
    }
}

/// The key of an object that was encrypted with one of the customer's: base64 of 32 bytes.
fn customer_key(order: &Order, secrets: Option<&Secrets>) -> Result<Option<CustomerKey>, String> {
    let Origin::S3(S3Origin {
        customer_key: Some(place),
        ..
    }) = &order.file.from
    else {
        return Ok(None);
    };
    let value = match secrets {
        Some(secrets) => secrets.value(place)?,
        None => return Ok(None),
    };
    let bytes = STANDARD.decode(value.trim()).map(Zeroizing::new);
    let key = bytes.ok().and_then(|bytes| CustomerKey::new(&bytes));
    let wrong = || format!("{} is no key: write the base64 of its 32 bytes", place.key);
    key.map(Some).ok_or_else(wrong)
}
