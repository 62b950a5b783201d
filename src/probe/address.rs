//! Where a server of this container listens: a port, an address or a Unix socket, and a page of it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where to connect to. Names are not resolved: a server that is asked here runs in this container.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A page to ask for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HttpTarget {
    pub address: Address,
    /// With its query; begins with a slash.
    pub path: String,
}

impl Address {
    /// Reads `3000`, `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000` or `unix:/PATH`.
    ///
    /// # Errors
    /// Where it is none of these, with the cause.
    pub fn parse(text: &str) -> Result<Address, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        if let Ok(port) = text.parse() {
            return tcp(SocketAddr::new(loopback, port));
        }
        if let Some(port) = text.strip_prefix("localhost:") {
            let port = port
                .parse()
                .map_err(|_| "its port is no number up to 65535")?;
            return tcp(SocketAddr::new(loopback, port));
        }
        let address = text
            .parse()
            .map_err(|_| "names are not resolved: write 3000, 127.0.0.1:3000 or unix:/PATH")?;
        tcp(address)
    }
}

fn tcp(address: SocketAddr) -> Result<Address, &'static str> {
    if address.port() == 0 {
        return Err("port 0 cannot be connected to");
    }
    Ok(Address::Tcp(address))
}

fn unix(path: &str) -> Result<Address, &'static str> {
    if !path.starts_with('/') {
        return Err("the socket's path is not absolute");
    }
    Ok(Address::Unix(PathBuf::from(path)))
}

impl HttpTarget {
    /// Reads `http://127.0.0.1:3000/up`, or `http://unix:/run/app.sock:/up` as nginx writes it.
    ///
    /// # Errors
    /// Where it is neither, with the cause.
    pub fn parse(text: &str) -> Result<HttpTarget, &'static str> {
        if text.starts_with("https://") {
            return Err("TLS is not spoken here: ask the server's plain port");
        }
        let rest = text
            .strip_prefix("http://")
            .ok_or("write it like http://127.0.0.1:3000/up")?;
        if rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
            return Err("it holds a character that no such address has");
        }
        if let Some(socket) = rest.strip_prefix("unix:") {
            let (socket, path) = socket.split_once(':').unwrap_or((socket, "/"));
            return target(unix(socket)?, path);
        }
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.ends_with(']'));
        let host = if has_port {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        target(Address::parse(&host)?, path)
    }

    /// For the `Host` header.
    pub fn host(&self) -> String {
        match &self.address {
            Address::Tcp(address) => address.to_string(),
            Address::Unix(_) => "localhost".to_owned(),
        }
    }
}

fn target(address: Address, path: &str) -> Result<HttpTarget, &'static str> {
    if !path.starts_with('/') {
        return Err("the page begins with a slash");
    }
    Ok(HttpTarget {
        address,
        path: path.to_owned(),
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Tcp(address) => write!(f, "http://{address}{}", self.path),
            Address::Unix(path) => write!(f, "http://unix:{}:{}", path.display(), self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("3000", "127.0.0.1:3000"),
            ("localhost:80", "127.0.0.1:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "0",
            "65536",
            "redis:6379",
            "127.0.0.1",
            "unix:app.sock",
            "localhost:x",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pages() {
        for (text, shown) in [
            (
                "http://127.0.0.1:3000/up?x=1",
                "http://127.0.0.1:3000/up?x=1",
            ),
            ("http://localhost:3000", "http://127.0.0.1:3000/"),
            ("http://127.0.0.1/up", "http://127.0.0.1:80/up"),
            ("http://[::1]/up", "http://[::1]:80/up"),
            ("http://[::1]:81/up", "http://[::1]:81/up"),
            ("http://unix:/run/a.sock:/up", "http://unix:/run/a.sock:/up"),
            ("http://unix:/run/a.sock", "http://unix:/run/a.sock:/"),
        ] {
            assert_eq!(
                HttpTarget::parse(text).unwrap().to_string(),
                shown,
                "{text}"
            );
        }
        for text in [
            "https://127.0.0.1/",
            "127.0.0.1:3000/up",
            "http://example.com/",
            "http://127.0.0.1:3000/a b",
            "http://unix:a.sock:/up",
            "http://unix:/a.sock:up",
            "http://127.0.0.1:3000/up\r\nX: y",
        ] {
            assert!(HttpTarget::parse(text).is_err(), "{text}");
        }
    }
}
