//! As much of an HTTP client as tells whether a request was answered.

use super::wait::DEADLINE;
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A port that nothing listens on, and that nobody else gets: no other test of this run by asking here, and no
/// listener on port 0 and no client by chance, for the kernel gives these the ports of `ip_local_port_range` (ip(7)).
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let by_chance = by_chance();
    let ports: Vec<u16> = (10_000..=u16::MAX)
        .filter(|port| !by_chance.contains(port))
        .collect();
    assert!(!ports.is_empty(), "ip_local_port_range leaves no port free");
    // Other runs on this machine begin elsewhere.
    let first = std::process::id() as usize * 509;
    loop {
        let next = first + usize::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = ports[next % ports.len()];
        // To bind it would leave it to a child that another test forks meanwhile.
        if refused(port) {
            return port;
        }
    }
}

/// The ports that the kernel chooses from.
fn by_chance() -> RangeInclusive<u16> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let mut ends = range.split_whitespace().map(|end| end.parse().unwrap());
    ends.next().unwrap()..=ends.next().unwrap()
}

#[test]
fn a_free_port_is_nobody_elses() {
    let ports: Vec<u16> = (0..100).map(|_| free_port()).collect();
    assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
    let by_chance = by_chance();
    let taken = ports.iter().find(|port| by_chance.contains(port));
    assert_eq!(taken, None, "the kernel gives {by_chance:?} away");
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
