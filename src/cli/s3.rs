//! `entryctl s3 get` and `entryctl s3 put`: client-side encrypted objects.

use super::output::Privacy;
use super::{Failure, input, output};
use crate::aws::{Clients, Get, Put, Settings};
use crate::envelope::{Format, INSTRUCTION_SUFFIX, Place, Policy, Sealer};
use crate::fetch::object;
use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueEnum};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// For everything together; a large object on a slow line takes its time.
const DEADLINE: Duration = Duration::from_mins(10);

const GET_EXAMPLES: &str = "\
Reads what the AWS encryption clients V2 and V3 wrote (and V1 with --legacy), with a data
key wrapped by KMS. Needs s3:GetObject on the object (and on KEY.instruction, if the
envelope is there) and kms:Decrypt on the key. The object is decrypted in memory; nothing
of it is written before its tag, and in V3 its key commitment, is verified.

Exit codes: 0 done, 1 failed (nothing is written), 2 wrong usage.

Examples:
  entryctl s3 get s3://myapp-production/master.key -o config/master.key
  entryctl s3 get s3://myapp/ca.pem --context app=myapp --kms-key-id alias/myapp
  entryctl s3 get s3://myapp/old.yml --legacy | less";

const PUT_EXAMPLES: &str = "\
The object is encrypted here, under a data key that KMS makes, as the AWS encryption
clients do it: V2 is read by every client since 2020, V3 by those since 2025. Needs
kms:GenerateDataKey on the key and s3:PutObject. Whoever reads the object must give the
same --context, which KMS logs.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl s3 put config/master.key s3://myapp-production/master.key --kms-key-id alias/myapp
  entryctl s3 put ca.pem s3://myapp/ca.pem --kms-key-id alias/myapp --context app=myapp
  pg_dump app | entryctl s3 put - s3://myapp/dump.sql --kms-key-id alias/myapp --format v3";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Read an object and decrypt it
    #[command(after_help = GET_EXAMPLES)]
    Get(GetArguments),
    /// Encrypt a file and write it as an object
    #[command(after_help = PUT_EXAMPLES)]
    Put(PutArguments),
}

#[derive(Args)]
pub(super) struct GetArguments {
    /// The object
    #[arg(value_name = "s3://BUCKET/KEY")]
    from: Location,
    /// Write here, whole or not at all; a new file is the owner's alone (0600) [default: standard
    /// output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Read objects of V1 clients, too; nothing protects those against changes
    #[arg(long)]
    legacy: bool,
    /// This version of the object [default: the newest]
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Refuse objects that another key encrypted: an id, an ARN or alias/NAME
    #[arg(long, value_name = "KEY")]
    kms_key_id: Option<String>,
    /// Refuse larger objects
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    max_size: ByteSize,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
pub(super) struct PutArguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// The object
    #[arg(value_name = "s3://BUCKET/KEY")]
    to: Location,
    /// The KMS key: an id, an ARN or alias/NAME
    #[arg(long, value_name = "KEY")]
    kms_key_id: String,
    /// The clients' format
    #[arg(long, value_enum, default_value_t = FormatName::V2)]
    format: FormatName,
    /// Write the envelope as an object KEY.instruction, not as metadata
    #[arg(long)]
    instruction_file: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// A member of the encryption context; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
    /// The region [default: `$AWS_REGION`, the task's, the profile's]
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// The profile of ~/.aws/config
    #[arg(long, value_name = "PROFILE")]
    aws_profile: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    V2,
    V3,
}

/// An object's place; its key is as it is, without escapes.
#[derive(Clone)]
struct Location {
    bucket: String,
    key: String,
}

impl FromStr for Location {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Location, &'static str> {
        let parts = text.strip_prefix("s3://");
        match parts.and_then(|rest| rest.split_once('/')) {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() && !key.ends_with('/') => {
                Ok(Location {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                })
            }
            _ => Err("write s3://BUCKET/KEY"),
        }
    }
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give NAME=VALUE"),
    }
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Get(arguments) => arguments.get(),
            Command::Put(arguments) => arguments.put(),
        }
    }
}

impl GetArguments {
    fn get(self) -> Result<(), Failure> {
        let policy = Policy {
            legacy: self.legacy,
            context: self.common.context()?,
        };
        let get = Get {
            bucket: self.from.bucket,
            key: self.from.key,
            version_id: self.version_id,
            customer_key: None,
            max_bytes: self.max_size.as_u64(),
        };
        let sealed = object::Sealed {
            get: &get,
            policy: &policy,
            key_id: self.kms_key_id.as_deref(),
        };
        let plain = self.common.with_clients(async |clients, deadline| {
            let plain = object::open(clients.s3(), clients.kms(), &sealed, deadline);
            plain.await.map_err(|error| Failure::new(&error))
        })?;
        output::write(self.output.as_deref(), &*plain, Privacy::Secret)
    }
}

impl PutArguments {
    fn put(self) -> Result<(), Failure> {
        let place = if self.instruction_file {
            Place::InstructionFile
        } else {
            Place::Metadata
        };
        let format = match self.format {
            FormatName::V2 => Format::V2,
            FormatName::V3 => Format::V3,
        };
        let sealer = Sealer::new(format, place, &self.common.context()?);
        let sealer = sealer.map_err(|error| Failure::new(&error))?;
        let plain = input::bytes(&self.file)?;
        self.common.with_clients(async |clients, deadline| {
            self.write(&sealer, &plain, clients, deadline).await
        })
    }

    async fn write(
        &self,
        sealer: &Sealer,
        plain: &Zeroizing<Vec<u8>>,
        clients: &Clients,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let Location { bucket, key } = &self.to;
        let (keys, context) = (clients.data_keys(), sealer.context());
        let data_key = keys.generate_data_key(&self.kms_key_id, context, deadline);
        let data_key = data_key.await.map_err(|error| Failure::new(&error))?;
        let mut random = vec![0; sealer.random_len()];
        getrandom::fill(&mut random).map_err(|error| {
            Failure::Lines(vec![format!("the kernel gives no random bytes: {error}")])
        })?;
        let sealed = sealer.seal(
            data_key.plaintext.as_slice(),
            &data_key.ciphertext,
            &random,
            plain,
        );
        let sealed = sealed.map_err(|error| {
            Failure::Lines(vec![format!("s3://{bucket}/{key} is not written: {error}")])
        })?;
        let put = |key: String, body, metadata| Put {
            bucket: bucket.clone(),
            key,
            body,
            metadata,
            customer_key: None,
            only_if: None,
        };
        // First, so that the new object is never without its envelope.
        let first = sealed.instruction_file.map(|file| {
            let key = format!("{key}{INSTRUCTION_SUFFIX}");
            put(key, file, BTreeMap::new())
        });
        let and_file = first.is_some();
        if let Some(first) = first {
            let written = clients.s3().put(&first, deadline).await;
            written.map_err(|error| Failure::new(&error))?;
        }
        let object = put(key.clone(), sealed.body, sealed.metadata);
        let written = clients.s3().put(&object, deadline).await;
        written.map(drop).map_err(|error| {
            let file = if and_file {
                "; its instruction file is written already: run this again"
            } else {
                ""
            };
            Failure::Lines(vec![format!("{error}{file}")])
        })
    }
}

impl Common {
    fn context(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut context = BTreeMap::new();
        for (name, value) in &self.context {
            if context.insert(name.clone(), value.clone()).is_some() {
                let line = format!("--context {name} is given twice: leave one of them out");
                return Err(Failure::Lines(vec![line]));
            }
        }
        Ok(context)
    }

    fn with_clients<T>(
        &self,
        work: impl AsyncFnOnce(&Clients, Instant) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let settings = Settings {
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            keys: None,
        };
        super::online::with_clients(&settings, DEADLINE, work)
    }
}
