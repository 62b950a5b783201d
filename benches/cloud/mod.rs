//! KMS and S3 as far as a boot needs them, with a wait before each answer as a network has it. A thread for
//! each connection, so that no exchange waits for another; connections themselves cost nothing more.

pub mod boot;

use aws_smithy_checksums::ChecksumAlgorithm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What stands before the plaintext in a ciphertext: as much as KMS's own has beside the plaintext's bytes.
pub const ENVELOPE: [u8; 120] = [0xe5; 120];

/// An object of S3.
#[derive(Default)]
pub struct Object {
    pub content: Vec<u8>,
    /// The user's, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// How long an answer takes.
#[derive(Clone, Copy)]
pub enum Pace {
    After(Duration),
    Never,
}

/// What was asked since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub decrypts: usize,
    pub objects: usize,
    pub connections: usize,
}

#[derive(Default)]
struct Counts {
    decrypts: AtomicUsize,
    objects: AtomicUsize,
    connections: AtomicUsize,
}

struct Shared {
    pace: Pace,
    /// The objects by path, each with its CRC64NVME.
    objects: HashMap<String, (Object, String)>,
    counts: Counts,
    arrivals: Mutex<Sender<()>>,
}

/// The stand-in; it lives as long as the bench.
pub struct Cloud {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// One `()` for each request, when it is there and before it is answered.
    pub arrivals: Receiver<()>,
}

/// What KMS would have made of a plaintext.
pub fn ciphertext(plaintext: &str) -> String {
    STANDARD.encode([&ENVELOPE, plaintext.as_bytes()].concat())
}

impl Cloud {
    pub fn start(pace: Pace, objects: impl IntoIterator<Item = (String, Object)>) -> Cloud {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, arrivals) = channel();
        let with_sum = |(path, object): (String, Object)| {
            let mut checksum = ChecksumAlgorithm::Crc64Nvme.into_impl();
            checksum.update(&object.content);
            (path, (object, STANDARD.encode(checksum.finalize())))
        };
        let shared = Arc::new(Shared {
            pace,
            objects: objects.into_iter().map(with_sum).collect(),
            counts: Counts::default(),
            arrivals: Mutex::new(sender),
        });
        let served = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let served = served.clone();
                served.counts.connections.fetch_add(1, Ordering::Relaxed);
                // Whoever hangs up in between is the program that is measured.
                std::thread::spawn(move || stream.and_then(|stream| serve(&served, &stream)));
            }
        });
        Cloud {
            address,
            shared,
            arrivals,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The counts since the last time.
    pub fn asked(&self) -> Asked {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        let counts = &self.shared.counts;
        Asked {
            decrypts: take(&counts.decrypts),
            objects: take(&counts.objects),
            connections: take(&counts.connections),
        }
    }

    /// The path's object over a connection that is open already, without any SDK: what no client can beat.
    pub fn exchanges(&self, path: &str, rounds: usize) -> Vec<Duration> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut exchange = || {
            let start = std::time::Instant::now();
            stream.write_all(request.as_bytes()).unwrap();
            let (_, headers) = head(&mut reader).unwrap().unwrap();
            let length = headers["content-length"].parse().unwrap();
            reader.read_exact(&mut vec![0; length]).unwrap();
            start.elapsed()
        };
        (0..rounds).map(|_| exchange()).collect()
    }
}

/// Answers one request after the other until the client hangs up.
fn serve(shared: &Shared, stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some((first, headers)) = head(&mut reader)? {
        let length = headers.get("content-length");
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body)?;
        let _ = shared.arrivals.lock().unwrap().send(());
        match shared.pace {
            Pace::After(wait) => std::thread::sleep(wait),
            Pace::Never => {
                std::io::copy(&mut reader, &mut std::io::sink())?;
                return Ok(());
            }
        }
        let answer = answer(shared, &first, &headers, &body);
        (&mut &*stream).write_all(&answer)?;
    }
    Ok(())
}

/// The first line and the headers, names in lower case; `None` at the end of the connection.
fn head(reader: &mut impl BufRead) -> std::io::Result<Option<(String, HashMap<String, String>)>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return Ok(Some((first, headers)));
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn answer(shared: &Shared, first: &str, asked: &HashMap<String, String>, body: &[u8]) -> Vec<u8> {
    let target = first.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    if first.starts_with("POST / ") {
        shared.counts.decrypts.fetch_add(1, Ordering::Relaxed);
        let headers = "x-amzn-RequestId: 0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d\r\n\
            Cache-Control: no-cache, no-store, must-revalidate, private\r\n\
            Content-Type: application/x-amz-json-1.1\r\n";
        return response(200, headers, by_kms(body).as_bytes());
    }
    shared.counts.objects.fetch_add(1, Ordering::Relaxed);
    let Some((object, sum)) = shared.objects.get(path) else {
        return response(404, "", b"");
    };
    let content = &object.content;
    let mut headers = "x-amz-id-2: aGVsbG8gZnJvbSB0aGUgYmVuY2g=\r\nx-amz-request-id: 79A1B2C3D4E5F607\r\n\
        Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\nETag: \"5f1d7a84c0b94f7f8f2ce0e6d2b1a3c4\"\r\n\
        x-amz-server-side-encryption: AES256\r\nAccept-Ranges: bytes\r\nServer: AmazonS3\r\n\
        Content-Type: application/octet-stream\r\n"
        .to_owned();
    for (name, value) in &object.metadata {
        let _ = write!(headers, "x-amz-meta-{name}: {value}\r\n");
    }
    // As the encryption clients ask for a tag.
    let last = asked
        .get("range")
        .map(|range| range.strip_prefix("bytes=-"));
    if let Some(last) = last {
        let last: usize = last.unwrap().parse().unwrap();
        let (from, length) = (content.len() - last, content.len());
        let _ = write!(
            headers,
            "Content-Range: bytes {from}-{}/{length}\r\n",
            length - 1
        );
        return response(206, &headers, &content[from..]);
    }
    let _ = write!(
        headers,
        "x-amz-checksum-crc64nvme: {sum}\r\nx-amz-checksum-type: FULL_OBJECT\r\n"
    );
    response(200, &headers, content)
}

/// Decrypt, or Encrypt where there is a plaintext.
fn by_kms(body: &[u8]) -> String {
    let request: serde_json::Value = serde_json::from_slice(body).unwrap();
    let bytes = |member: &str| Some(STANDARD.decode(request[member].as_str()?).unwrap());
    let mut answer = serde_json::json!({
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyId": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555",
    });
    if let Some(plaintext) = bytes("Plaintext") {
        answer["CiphertextBlob"] = STANDARD.encode([&ENVELOPE, &plaintext[..]].concat()).into();
    } else {
        let ciphertext = bytes("CiphertextBlob").unwrap();
        answer["Plaintext"] = STANDARD.encode(&ciphertext[ENVELOPE.len()..]).into();
    }
    answer.to_string()
}

fn response(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
