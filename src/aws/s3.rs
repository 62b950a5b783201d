//! S3: reading an object as a stream that is checked while it passes, and writing one.

use super::classify::classify;
use super::counters::Counters;
use super::error::{AwsError, Kind, causes, chain};
use super::{Pending, retry};
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_checksums::body::validate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";

/// The longest pause between two parts of a body.
const PAUSE: Duration = Duration::from_secs(10);

/// Bytes in a second that a body is sent with at least.
const SLOWEST: u64 = 128 * 1024;

/// Reads and writes whole objects.
pub trait S3 {
    /// Streams an object into `sink`. Length and, where the object has one, checksum are right on `Ok`; what
    /// the sink got before an error is worth nothing.
    fn get<'a>(
        &'a self,
        get: &'a Get,
        sink: &'a mut dyn Sink,
        deadline: Instant,
    ) -> Pending<'a, ObjectInfo>;

    /// Writes a whole object, and tells its `ETag`.
    fn put<'a>(&'a self, put: &'a Put, deadline: Instant) -> Pending<'a, Option<String>>;
}

/// Takes an object's bytes.
pub trait Sink {
    /// Called before the first byte of each attempt: forget what an earlier one brought.
    fn restart(&mut self) -> io::Result<()>;
    /// Called next: so many are to come.
    fn expect(&mut self, _bytes: u64) {}
    fn write(&mut self, part: &[u8]) -> io::Result<()>;
}

/// Into memory.
impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }

    /// Growing by doubling would leave as much again behind, for each of many at a time.
    fn expect(&mut self, bytes: u64) {
        let room = usize::try_from(bytes).map(|bytes| self.try_reserve_exact(bytes));
        // Without room the first byte too many says so.
        let _ = room;
    }

    fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.extend_from_slice(part);
        Ok(())
    }
}

/// The object to read.
#[derive(Clone, Debug)]
pub struct Get {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    /// For an object that was encrypted with a key of the customer's own (SSE-C).
    pub customer_key: Option<CustomerKey>,
    pub max_bytes: u64,
}

/// The object to write.
#[derive(Clone)]
pub struct Put {
    pub bucket: String,
    pub key: String,
    pub body: Vec<u8>,
    pub metadata: BTreeMap<String, String>,
    pub customer_key: Option<CustomerKey>,
    /// Otherwise nothing is written, and the error is `Kind::Conflict`. After a reply that was lost, that may
    /// be our own doing.
    pub only_if: Option<OnlyIf>,
}

/// What must be there for an object to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnlyIf {
    Absent,
    /// The object of this `ETag`.
    Unchanged(String),
}

impl Get {
    /// `s3://bucket/key`, with the version if one is asked for, as messages name it.
    pub fn url(&self) -> String {
        url(&self.bucket, &self.key, self.version_id.as_deref())
    }
}

/// The 256-bit key of SSE-C.
#[derive(Clone)]
pub struct CustomerKey(Zeroizing<[u8; 32]>);

/// What is known of an object that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    pub bytes: u64,
    pub version_id: Option<String>,
    pub etag: Option<String>,
    /// The checksum that was compared, `CRC64NVME`; `None` if the object has none for the whole of it.
    pub checksum: Option<&'static str>,
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

impl CustomerKey {
    /// `None` unless it has 32 bytes.
    pub fn new(key: &[u8]) -> Option<CustomerKey> {
        Some(CustomerKey(Zeroizing::new(key.try_into().ok()?)))
    }

    fn key(&self) -> String {
        STANDARD.encode(*self.0)
    }

    fn md5(&self) -> String {
        STANDARD.encode(Md5::digest(*self.0))
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Put({})", url(&self.bucket, &self.key, None))
    }
}

/// S3 itself.
pub(super) struct SdkS3 {
    client: Client,
    counters: Counters,
}

impl SdkS3 {
    pub fn new(config: &SdkConfig, path_style: bool, counters: Counters) -> SdkS3 {
        let config = Builder::from(config).force_path_style(path_style).build();
        SdkS3 {
            client: Client::from_conf(config),
            counters,
        }
    }

    async fn get_once(&self, get: &Get, sink: &mut dyn Sink) -> Result<ObjectInfo, AwsError> {
        let url = get.url();
        let mut call = self.client.get_object().bucket(&get.bucket).key(&get.key);
        call = call
            .checksum_mode(ChecksumMode::Enabled)
            .set_version_id(get.version_id.clone());
        if let Some(key) = &get.customer_key {
            call = call.sse_customer_algorithm("AES256");
            call = call
                .sse_customer_key(key.key())
                .sse_customer_key_md5(key.md5());
        }
        let mut object = call
            .send()
            .await
            .map_err(|error| classify(GET, &url, &error))?;
        let body = std::mem::take(&mut object.body);
        let length = object
            .content_length()
            .and_then(|length| u64::try_from(length).ok());
        let read = receive(body, length, get.max_bytes, sink).await;
        let bytes = read.map_err(|(kind, detail)| AwsError::new(kind, GET, &url, detail))?;
        self.counters.bytes(bytes);
        Ok(info(object, bytes))
    }

    async fn put_once(&self, put: &Put) -> Result<Option<String>, AwsError> {
        let mut call = self.client.put_object().bucket(&put.bucket).key(&put.key);
        call = call.body(ByteStream::from(put.body.clone()));
        for (name, value) in &put.metadata {
            call = call.metadata(name, value);
        }
        if let Some(key) = &put.customer_key {
            call = call.sse_customer_algorithm("AES256");
            call = call
                .sse_customer_key(key.key())
                .sse_customer_key_md5(key.md5());
        }
        call = match &put.only_if {
            Some(OnlyIf::Absent) => call.if_none_match("*"),
            Some(OnlyIf::Unchanged(etag)) => call.if_match(etag),
            None => call,
        };
        let url = url(&put.bucket, &put.key, None);
        let timeout = TimeoutConfig::builder().operation_attempt_timeout(sending(put.body.len()));
        let own = Builder::default().timeout_config(timeout.build());
        let sent = call.customize().config_override(own).send().await;
        let output = sent.map_err(|error| classify(PUT, &url, &error))?;
        self.counters.bytes(put.body.len() as u64);
        Ok(output.e_tag)
    }
}

impl S3 for SdkS3 {
    fn get<'a>(
        &'a self,
        get: &'a Get,
        sink: &'a mut dyn Sink,
        deadline: Instant,
    ) -> Pending<'a, ObjectInfo> {
        self.counters.s3_call();
        Box::pin(retry::call(
            &self.counters,
            deadline,
            || unanswered(GET, &get.url()),
            async || self.get_once(get, sink).await,
        ))
    }

    fn put<'a>(&'a self, put: &'a Put, deadline: Instant) -> Pending<'a, Option<String>> {
        self.counters.s3_call();
        Box::pin(retry::call(
            &self.counters,
            deadline,
            || unanswered(PUT, &url(&put.bucket, &put.key, None)),
            async || self.put_once(put).await,
        ))
    }
}

/// How long one attempt may take, which ends with the reply: a large body is not sent within the ten seconds
/// of other calls.
fn sending(bytes: usize) -> Duration {
    let seconds = bytes as u64 / SLOWEST;
    Duration::from_secs(10 + seconds)
}

/// Passes the body on and counts it. The SDK compares the checksum when the last part is read.
async fn receive(
    mut body: ByteStream,
    length: Option<u64>,
    max: u64,
    sink: &mut dyn Sink,
) -> Result<u64, (Kind, String)> {
    let Some(length) = length else {
        return Err((Kind::Reply, "no Content-Length in it".into()));
    };
    if length > max {
        return Err((
            Kind::TooLarge,
            format!("{length} bytes, at most {max} allowed"),
        ));
    }
    let write = |error: io::Error| (Kind::Write, error.to_string());
    sink.restart().map_err(write)?;
    sink.expect(length);
    let mut bytes = 0;
    loop {
        let part = tokio::time::timeout(PAUSE, body.next()).await;
        let part = part.map_err(|_| {
            (
                Kind::Timeout,
                format!(
                    "nothing came for {} s after {bytes} of {length} bytes",
                    PAUSE.as_secs()
                ),
            )
        })?;
        match part {
            Some(Ok(part)) => {
                bytes += part.len() as u64;
                if bytes > length {
                    break;
                }
                sink.write(&part).map_err(write)?;
            }
            Some(Err(error)) => return Err(broken(&error, bytes, length)),
            None => break,
        }
    }
    if bytes != length {
        return Err((
            Kind::Incomplete,
            format!("{bytes} bytes came, {length} were announced"),
        ));
    }
    Ok(bytes)
}

fn broken(error: &(dyn Error + 'static), bytes: u64, length: u64) -> (Kind, String) {
    if causes(error).any(<dyn Error>::is::<validate::Error>) {
        (Kind::Checksum, chain(error))
    } else {
        (
            Kind::Incomplete,
            format!("{bytes} of {length} bytes came: {}", chain(error)),
        )
    }
}

fn info(object: GetObjectOutput, bytes: u64) -> ObjectInfo {
    ObjectInfo {
        bytes,
        checksum: checksum(&object),
        etag: object.e_tag,
        version_id: object.version_id,
        metadata: object.metadata.unwrap_or_default().into_iter().collect(),
    }
}

/// Those that the SDK compares. One with `-N` at its end is made of the checksums of N parts, and is not.
fn checksum(object: &GetObjectOutput) -> Option<&'static str> {
    let all = [
        ("CRC32", object.checksum_crc32()),
        ("CRC32C", object.checksum_crc32_c()),
        ("CRC64NVME", object.checksum_crc64_nvme()),
        ("SHA1", object.checksum_sha1()),
        ("SHA256", object.checksum_sha256()),
    ];
    let whole = all
        .into_iter()
        .find(|(_, value)| value.is_some_and(|value| !value.contains('-')));
    whole.map(|(name, _)| name)
}

fn url(bucket: &str, key: &str, version: Option<&str>) -> String {
    let version = version
        .map(|version| format!(" version {version}"))
        .unwrap_or_default();
    format!("s3://{bucket}/{key}{version}")
}

fn unanswered(action: &str, url: &str) -> AwsError {
    AwsError::new(Kind::Timeout, action, url, "until the deadline")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_key_has_32_bytes_and_does_not_show() {
        assert!(CustomerKey::new(b"short").is_none());
        let key = CustomerKey::new(&[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.md5().len(), 24);
    }

    #[test]
    fn only_a_checksum_of_the_whole_object_counts() {
        let with = |value: &str| GetObjectOutput::builder().checksum_crc32(value).build();
        assert_eq!(checksum(&with("AAAAAA==")), Some("CRC32"));
        assert_eq!(checksum(&with("AAAAAA==-3")), None);
        assert_eq!(checksum(&GetObjectOutput::builder().build()), None);
    }
}
