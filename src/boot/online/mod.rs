//! The part of a boot that needs AWS: all kinds of secrets and objects from S3, side by side, under one
//! deadline.

mod kms;
mod objects;
mod stores;

use super::Failure;
use super::orders::Order;
use super::secrets::Secrets;
use super::staging::Staged;
use crate::aws::{self, AwsError, Clients, Counts, Settings};
use crate::config::Mode;
use crate::supervise::message::AwsPhases;
use crate::sys::environment;
use futures_util::future::{self, Either};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long the others may go on after the first failure, so that one boot tells all that is wrong.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

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
    for one in mode.env.iter().filter(|one| aws::reaches(&one.name)) {
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
