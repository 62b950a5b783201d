//! The cryptors `aws-kms` and `gcp-kms`: calls under one deadline, with progress for whoever watches.

use super::account::{Account, Service};
use super::cryptor::Opened;
use crate::aws::{self, AwsError, Ciphertext, Kind, Kms, Pending};
use crate::cli::Failure;
use crate::gcp::CloudKms;
use crate::vault::document::{Chosen, Reason};
use crate::vault::kms;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// As many calls as a boot has under way.
const IN_FLIGHT: usize = 32;

/// Fewer calls are over before a bar could be read.
const WORTH_A_BAR: usize = 8;

/// A KMS, asked when there is something to ask.
pub(super) struct KmsCryptor {
    account: Account,
    timeout: Duration,
    runtime: Runtime,
    service: Option<Service>,
}

impl KmsCryptor {
    pub fn new(account: Account, timeout: Duration) -> Result<KmsCryptor, Failure> {
        let runtime = aws::runtime();
        Ok(KmsCryptor {
            account,
            timeout,
            runtime: runtime.map_err(|error| Failure::line(format!("event loop: {error}")))?,
            service: None,
        })
    }

    pub fn has_key(&self) -> bool {
        self.account.key().is_some()
    }

    /// Runs calls to KMS, of which there are `count`, under one deadline.
    fn ask<T>(
        &mut self,
        doing: &'static str,
        count: usize,
        calls: impl AsyncFnOnce(&dyn Kms, Instant) -> T,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.timeout;
        let KmsCryptor {
            account, service, ..
        } = self;
        self.runtime.block_on(async {
            let service = if let Some(service) = service {
                service
            } else {
                let reached = account.reach(deadline).await;
                service.insert(reached.map_err(|error| Failure::new(&error))?)
            };
            let watched = Watched {
                service,
                bar: bar(doing, count),
            };
            let done = calls(&watched, deadline).await;
            watched.bar.finish_and_clear();
            Ok(done)
        })
    }

    pub fn open<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m str>,
    ) -> Result<Opened, Failure> {
        let mut opened = Opened::new();
        let mut asked = Vec::new();
        let mut ciphertexts = Vec::new();
        for message in messages {
            match kms::ciphertext(message) {
                Ok(ciphertext) => {
                    asked.push(message.to_owned());
                    ciphertexts.push(self.account.encrypted(ciphertext));
                }
                Err(error) => {
                    opened.insert(message.to_owned(), Err(error.into()));
                }
            }
        }
        // What is no message fails the whole, so KMS need not be asked.
        if asked.is_empty() || !opened.is_empty() {
            let not_tried = |message| (message, Err(Reason::NotTried));
            opened.extend(asked.into_iter().map(not_tried));
            return Ok(opened);
        }
        let count = ciphertexts.len();
        let results = self.ask("decrypting", count, async |kms, deadline| {
            aws::decrypt_all(kms, ciphertexts, IN_FLIGHT, deadline).await
        })?;
        for (message, result) in asked.into_iter().zip(results) {
            let plaintext = result.map_err(|error| reason(&error)).and_then(|dump| {
                let read = kms::plaintext(&dump);
                read.map_err(|error| Reason::Cryptor(format!("KMS decrypted it, but {error}")))
            });
            opened.insert(message, plaintext);
        }
        Ok(opened)
    }

    pub fn seal(&mut self, scalars: &[Chosen]) -> Result<Vec<Result<String, Reason>>, Failure> {
        let most = self.account.most();
        let dump = |chosen: &Chosen| kms::dump(&chosen.plaintext, most);
        let dumps: Result<Vec<_>, _> = scalars.iter().map(dump).collect();
        let Ok(dumps) = dumps else {
            // What is too long fails the whole, so KMS need not be asked.
            let told = scalars.iter().map(|chosen| {
                let dump = dump(chosen).err();
                Err(dump.map_or(Reason::NotTried, |error| Reason::Cryptor(error.to_string())))
            });
            return Ok(told.collect());
        };
        let key = self.account.key().map(str::to_owned);
        let Some(key) = key.filter(|_| !dumps.is_empty()) else {
            return Ok(scalars.iter().map(|_| Err(Reason::NotTried)).collect());
        };
        let results = self.ask("encrypting", dumps.len(), async |kms, deadline| {
            aws::encrypt_all(kms, &key, &dumps, IN_FLIGHT, deadline).await
        })?;
        let messages = results.into_iter().map(|result| {
            let message = result.map(|ciphertext| kms::message(&ciphertext));
            message.map_err(|error| reason(&error))
        });
        Ok(messages.collect())
    }
}

fn reason(error: &AwsError) -> Reason {
    match error.kind {
        Kind::NotTried => Reason::NotTried,
        _ => Reason::Cryptor(error.to_string()),
    }
}

/// On a terminal only: elsewhere a bar is noise in a log.
fn bar(doing: &'static str, count: usize) -> ProgressBar {
    if count < WORTH_A_BAR || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let length = u64::try_from(count).unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_message(doing)
}

/// A KMS, with each answer counted.
struct Watched<'a> {
    service: &'a Service,
    bar: ProgressBar,
}

impl Watched<'_> {
    fn counted<'a, T: 'a>(&'a self, call: Pending<'a, T>) -> Pending<'a, T> {
        Box::pin(async move {
            let done = call.await;
            self.bar.inc(1);
            done
        })
    }
}

/// Values have no context, so Google's need none.
impl Kms for Watched<'_> {
    fn decrypt<'a>(
        &'a self,
        key_id: Option<&'a str>,
        ciphertext: &'a [u8],
        context: &'a [(String, String)],
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>> {
        self.counted(match self.service {
            Service::Aws(clients) => clients.kms().decrypt(key_id, ciphertext, context, deadline),
            Service::Google(kms) => kms.decrypt(key_id.unwrap_or_default(), ciphertext, deadline),
        })
    }

    fn encrypt<'a>(
        &'a self,
        key_id: &'a str,
        plaintext: &'a [u8],
        context: &'a [(String, String)],
        deadline: Instant,
    ) -> Pending<'a, Ciphertext> {
        self.counted(match self.service {
            Service::Aws(clients) => clients.kms().encrypt(key_id, plaintext, context, deadline),
            Service::Google(kms) => kms.encrypt(key_id, plaintext, deadline),
        })
    }
}
