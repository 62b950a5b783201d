//! One question to a server: does it accept, does it answer.

use super::{Address, HttpTarget};
use httparse::{EMPTY_HEADER, Response, Status};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A server whose headers are longer is not asked for its health.
const LONGEST_HEAD: usize = 16 * 1024;

/// Why a server does not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    #[error("{0}: no connection: {1}")]
    Connect(String, io::Error),
    #[error("{0}: no answer within {1:?}")]
    Silent(String, Duration),
    #[error("{0}: the connection broke: {1}")]
    Broken(String, io::Error),
    #[error("{0}: closed without an answer")]
    Closed(String),
    #[error("{0}: the answer is no HTTP")]
    NotHttp(String),
    #[error("{0}: answers {1}")]
    Status(String, u16),
}

impl Unwell {
    /// What a failed read or write means, where `within` was the limit.
    pub(super) fn broken(name: &str, within: Duration, cause: io::Error) -> Unwell {
        match cause.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Unwell::Silent(name.to_owned(), within)
            }
            _ => Unwell::Broken(name.to_owned(), cause),
        }
    }
}

pub(super) enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Whether the server accepts a connection.
pub fn accepts(address: &Address, within: Duration) -> Result<(), Unwell> {
    connection(address, within)
        .map(|_| ())
        .map_err(|cause| Unwell::Connect(address.to_string(), cause))
}

/// Whether the server answers, with no error (a code below 400).
pub fn answers(page: &HttpTarget, within: Duration) -> Result<(), Unwell> {
    let deadline = Instant::now() + within;
    let name = page.to_string();
    let mut connection =
        connection(&page.address, within).map_err(|cause| Unwell::Connect(name.clone(), cause))?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: entry\r\nConnection: close\r\n\r\n",
        page.path,
        page.host()
    );
    let failed = |cause| Unwell::broken(&name, within, cause);
    connection.limit(deadline).map_err(failed)?;
    connection.write_all(request.as_bytes()).map_err(failed)?;
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        connection.limit(deadline).map_err(failed)?;
        let length = connection.read(&mut chunk).map_err(failed)?;
        head.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let mut answer = status(&head);
        // Before the final one there may be others, such as 103 Early Hints (RFC 9110, 15.2).
        while let Ok(Some((100..200, length))) = answer {
            head.drain(..length);
            answer = status(&head);
        }
        match answer {
            Ok(Some((200..400, _))) => return Ok(()),
            Ok(Some((code, _))) => return Err(Unwell::Status(name, code)),
            Ok(None) if length == 0 => return Err(Unwell::Closed(name)),
            Ok(None) if head.len() < LONGEST_HEAD => {}
            Ok(None) | Err(_) => return Err(Unwell::NotHttp(name)),
        }
    }
}

/// The code and the length of a whole head.
fn status(head: &[u8]) -> Result<Option<(u16, usize)>, httparse::Error> {
    let mut headers = [EMPTY_HEADER; 128];
    let mut response = Response::new(&mut headers);
    match response.parse(head)? {
        Status::Complete(length) => Ok(response.code.map(|code| (code, length))),
        Status::Partial => Ok(None),
    }
}

pub(super) fn connection(address: &Address, within: Duration) -> io::Result<Connection> {
    match address {
        Address::Tcp(address) => TcpStream::connect_timeout(address, within).map(Connection::Tcp),
        Address::Unix(path) => unix(path).map(Connection::Unix),
    }
}

/// Never waits: a server whose queue is full is refused at once (EAGAIN of a socket that does not block).
fn unix(path: &Path) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(std::os::fd::AsRawFd::as_raw_fd(&fd), &UnixAddr::new(path)?)?;
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

impl Connection {
    /// Reads and writes end with the deadline.
    pub(super) fn limit(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match self {
            Connection::Tcp(stream) => stream
                .set_read_timeout(Some(left))
                .and_then(|()| stream.set_write_timeout(Some(left))),
            Connection::Unix(stream) => stream
                .set_read_timeout(Some(left))
                .and_then(|()| stream.set_write_timeout(Some(left))),
        }
    }
}

impl Read for Connection {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Connection::Tcp(stream) => stream.read(bytes),
            Connection::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Connection::Tcp(stream) => stream.write(bytes),
            Connection::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const WITHIN: Duration = Duration::from_secs(10);

    /// Answers one connection with these bytes and closes it.
    fn served(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let page =
            HttpTarget::parse(&format!("http://{}/up", listener.local_addr().unwrap())).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /up HTTP/1.1\r\n"));
            stream.write_all(answer).unwrap();
        });
        let asked = answers(&page, WITHIN);
        server.join().unwrap();
        asked.map_err(|unwell| unwell.to_string())
    }

    #[test]
    fn answers_are_judged_by_their_code() {
        let hints = "103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK";
        for ok in ["200 OK", "204 No Content", "301 Moved", "399 x", hints] {
            let answer = format!("HTTP/1.1 {ok}\r\n\r\n").leak().as_bytes();
            assert_eq!(served(answer), Ok(()), "{ok}");
        }
        for (bad, why) in [
            ("HTTP/1.1 503 Busy\r\nA: b\r\n\r\n", "answers 503"),
            ("HTTP/1.0 404\r\n\r\n", "answers 404"),
            (
                "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 No\r\n\r\n",
                "answers 500",
            ),
            ("HTTP/1.1 200 OK\r\n", "closed without an answer"),
            ("", "closed without an answer"),
            ("SSH-2.0-x\r\n\r\n", "no HTTP"),
        ] {
            let said = served(bad.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn a_hung_server_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let page = HttpTarget::parse(&format!("http://unix:{}:/", path.display())).unwrap();
        let said = answers(&page, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(said, Unwell::Silent(..)), "{said}");
        assert!(accepts(&page.address, WITHIN).is_ok());
    }

    #[test]
    fn nobody_listens() {
        let nobody = Address::Unix("/nowhere/s".into());
        let said = accepts(&nobody, WITHIN).unwrap_err();
        assert!(matches!(said, Unwell::Connect(..)), "{said}");
    }
}
