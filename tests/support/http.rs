//! As much of an HTTP client as tells whether a request was answered.

use super::wait::DEADLINE;
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A port that nothing listens on, and that no other test of this run gets.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind(address(0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// Whether nothing listens there.
pub fn refused(port: u16) -> bool {
    TcpStream::connect_timeout(&address(port), DEADLINE)
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// A request that was sent.
pub struct Request(TcpStream);

impl Request {
    pub fn send(port: u16, path: &str) -> Result<Request> {
        let mut stream = TcpStream::connect_timeout(&address(port), DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        Ok(Request(stream))
    }

    /// No answer has begun, and the connection stands.
    pub fn pending(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// The status and the body, once they are there.
    pub fn answer(mut self) -> Result<(u16, String)> {
        let mut text = String::new();
        self.0.read_to_string(&mut text)?;
        let cut = || Error::new(ErrorKind::UnexpectedEof, format!("cut off: {text:?}"));
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            unchunked(body).ok_or_else(cut)?
        } else {
            body.to_owned()
        };
        Ok((status.ok_or_else(cut)?, body))
    }
}

fn unchunked(mut text: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (length, rest) = text.split_once("\r\n")?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body += rest.get(..length)?;
        text = rest.get(length..)?.strip_prefix("\r\n")?;
    }
}

/// Sends a request and waits for its answer.
pub fn get(port: u16, path: &str) -> Result<(u16, String)> {
    Request::send(port, path)?.answer()
}

/// Stores a body at a server of AWS's kind, which must take it.
#[track_caller]
pub fn put(server: SocketAddr, path: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(server).unwrap();
    let length = body.len();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: s3\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
