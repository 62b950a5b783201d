//! A question and its whole answer, apart from each other in time: something else may go on in between.

use super::ask::{Connection, Unwell, connection};
use super::{Address, HttpTarget};
use httparse::{EMPTY_HEADER, Response, Status};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// A task's metadata with ten containers has some 20 KiB.
const LONGEST: usize = 1 << 20;

/// A question that has been asked.
pub struct Exchange {
    name: String,
    connection: Connection,
}

/// A code and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: u16,
    pub body: Vec<u8>,
}

impl Exchange {
    /// Asks. By HTTP/1.0: the answer ends with the connection, and comes in one piece.
    pub fn send(
        method: &str,
        page: &HttpTarget,
        body: Option<&str>,
        within: Duration,
    ) -> Result<Exchange, Unwell> {
        let name = page.to_string();
        let deadline = Instant::now() + within;
        let mut connection = connection(&page.address, within)
            .map_err(|cause| Unwell::Connect(name.clone(), cause))?;
        let content = body.map_or_else(String::new, |body| {
            let length = body.len();
            format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        });
        let end = if body.is_none() { "\r\n" } else { "" };
        let request = format!(
            "{method} {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: entry\r\n{content}{end}",
            page.path,
            page.host()
        );
        connection
            .limit(deadline)
            .and_then(|()| connection.write_all(request.as_bytes()))
            .map_err(|cause| Unwell::broken(&name, within, cause))?;
        Ok(Exchange { name, connection })
    }

    /// Waits for the answer.
    pub fn answer(mut self, within: Duration) -> Result<Answer, Unwell> {
        let deadline = Instant::now() + within;
        let mut bytes = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let read = self
                .connection
                .limit(deadline)
                .and_then(|()| self.connection.read(&mut chunk));
            match read {
                Ok(0) => break,
                Ok(length) => bytes.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Unwell::broken(&self.name, within, cause)),
            }
            if bytes.len() > LONGEST {
                return Err(Unwell::NotHttp(self.name));
            }
        }
        if bytes.is_empty() {
            return Err(Unwell::Closed(self.name));
        }
        whole(&bytes).ok_or(Unwell::NotHttp(self.name))
    }
}

fn whole(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [EMPTY_HEADER; 128];
    let mut response = Response::new(&mut headers);
    let Ok(Status::Complete(length)) = response.parse(bytes) else {
        return None;
    };
    Some(Answer {
        code: response.code?,
        body: bytes.get(length..)?.to_vec(),
    })
}

/// The page of this address with more behind it, as the variables of the ECS agent are used.
pub fn page_of(base: &str, path: &str) -> Option<HttpTarget> {
    HttpTarget::parse(&format!("{}{path}", base.trim_end_matches('/')))
        .ok()
        .filter(|page| matches!(page.address, Address::Tcp(_)))
}
