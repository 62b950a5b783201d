//! The cryptor `aws-kms`: calls under one deadline, with progress for whoever watches.

use super::cryptor::Opened;
use crate::aws::{self, AwsError, Ciphertext, Clients, Kind, Pending, Settings, StaticKeys};
use crate::cli::Failure;
use crate::vault::document::{Chosen, Reason};
use crate::vault::kms;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// As many calls as a boot has under way.
const IN_FLIGHT: usize = 32;

/// Fewer calls are over before a bar could be read.
const WORTH_A_BAR: usize = 8;

/// The options of the cryptor `aws-kms`.
#[derive(Args)]
pub(super) struct KmsOptions {
    /// The KMS key to encrypt with: its id, ARN or `alias/NAME`
    #[arg(long, value_name = "KEY")]
    pub aws_kms_key_id: Option<String>,
    /// The region [default: as every AWS tool finds it]
    #[arg(long, value_name = "REGION")]
    pub aws_region: Option<String>,
    /// A profile of `~/.aws/config`
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Option<String>,
    /// An access key; others can see it in the process list, unlike `AWS_ACCESS_KEY_ID`
    #[arg(long, value_name = "ID", requires = "aws_secret_access_key")]
    pub aws_access_key_id: Option<String>,
    /// Its secret, which others can see, too
    #[arg(long, value_name = "KEY", requires = "aws_access_key_id")]
    pub aws_secret_access_key: Option<String>,
    /// How long all calls to AWS may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
}

impl KmsOptions {
    /// An error if there is anything for AWS, which another cryptor would not look at.
    pub fn is_unused(&self) -> Result<(), Failure> {
        let given = [
            ("--aws-kms-key-id", &self.aws_kms_key_id),
            ("--aws-region", &self.aws_region),
            ("--aws-profile", &self.aws_profile),
            ("--aws-access-key-id", &self.aws_access_key_id),
        ];
        match given.iter().find(|(_, value)| value.is_some()) {
            Some((option, _)) => Err(Failure::line(format!(
                "{option} is for another cryptor: add --cryptor aws-kms"
            ))),
            None => Ok(()),
        }
    }

    fn settings(&self) -> Settings {
        let keys = self.aws_access_key_id.as_ref();
        let keys = keys.zip(self.aws_secret_access_key.as_ref());
        Settings {
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            keys: keys.map(|(id, secret)| StaticKeys {
                access_key_id: id.clone(),
                secret_access_key: Zeroizing::new(secret.clone()),
                session_token: None,
            }),
        }
    }
}

/// KMS, asked when there is something to ask.
pub(super) struct KmsCryptor {
    settings: Settings,
    key_id: Option<String>,
    timeout: Duration,
    runtime: Runtime,
    clients: Option<Clients>,
}

impl KmsCryptor {
    pub fn new(options: &KmsOptions) -> Result<KmsCryptor, Failure> {
        let runtime = aws::runtime();
        Ok(KmsCryptor {
            settings: options.settings(),
            key_id: options.aws_kms_key_id.clone(),
            timeout: options.timeout,
            runtime: runtime.map_err(|error| Failure::line(format!("event loop: {error}")))?,
            clients: None,
        })
    }

    pub fn has_key(&self) -> bool {
        self.key_id.is_some()
    }

    /// Runs calls to KMS, of which there are `count`, under one deadline.
    fn ask<T>(
        &mut self,
        doing: &'static str,
        count: usize,
        calls: impl AsyncFnOnce(&dyn aws::Kms, Instant) -> T,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.timeout;
        let KmsCryptor {
            settings, clients, ..
        } = self;
        self.runtime.block_on(async {
            let clients = match clients {
                Some(clients) => clients,
                None => {
                    let loaded = Clients::load(settings, deadline).await;
                    clients.insert(loaded.map_err(|error| Failure::new(&error))?)
                }
            };
            let watched = Watched {
                kms: clients.kms(),
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
        let mut ciphertexts: Vec<aws::Encrypted> = Vec::new();
        for message in messages {
            match kms::ciphertext(message) {
                Ok(ciphertext) => {
                    asked.push(message.to_owned());
                    ciphertexts.push(ciphertext.into());
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
        let dumps: Result<Vec<_>, _> = scalars
            .iter()
            .map(|chosen| kms::dump(&chosen.plaintext))
            .collect();
        let Ok(dumps) = dumps else {
            // What is too long fails the whole, so KMS need not be asked.
            let told = scalars.iter().map(|chosen| {
                let dump = kms::dump(&chosen.plaintext).err();
                Err(dump.map_or(Reason::NotTried, |error| Reason::Cryptor(error.to_string())))
            });
            return Ok(told.collect());
        };
        let Some(key_id) = self.key_id.clone().filter(|_| !dumps.is_empty()) else {
            return Ok(scalars.iter().map(|_| Err(Reason::NotTried)).collect());
        };
        let results = self.ask("encrypting", dumps.len(), async |kms, deadline| {
            aws::encrypt_all(kms, &key_id, &dumps, IN_FLIGHT, deadline).await
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

/// KMS, with each answer counted.
struct Watched<'a> {
    kms: &'a dyn aws::Kms,
    bar: ProgressBar,
}

impl aws::Kms for Watched<'_> {
    fn decrypt<'a>(
        &'a self,
        key_id: Option<&'a str>,
        ciphertext: &'a [u8],
        context: &'a [(String, String)],
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>> {
        Box::pin(async move {
            let done = self
                .kms
                .decrypt(key_id, ciphertext, context, deadline)
                .await;
            self.bar.inc(1);
            done
        })
    }

    fn encrypt<'a>(
        &'a self,
        key_id: &'a str,
        plaintext: &'a [u8],
        context: &'a [(String, String)],
        deadline: Instant,
    ) -> Pending<'a, Ciphertext> {
        Box::pin(async move {
            let done = self.kms.encrypt(key_id, plaintext, context, deadline).await;
            self.bar.inc(1);
            done
        })
    }
}
