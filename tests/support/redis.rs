//! A Redis of the test's own, on a socket in its folder.

use super::guard::Guard;
use super::wait;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Redis {
    _process: Option<Guard>,
    socket: PathBuf,
}

impl Redis {
    pub fn start(folder: &Path) -> Redis {
        let socket = folder.join("redis.socket");
        let mut command = Command::new("redis-server");
        command
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null());
        let redis = Redis {
            _process: Some(Guard::spawn(&mut command)),
            socket,
        };
        wait::until("Redis answers", || UnixStream::connect(&redis.socket).ok());
        redis
    }

    /// One that somebody else runs.
    pub fn at(socket: &Path) -> Redis {
        Redis {
            _process: None,
            socket: socket.to_owned(),
        }
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The length of sidekiq's default queue.
    pub fn queued(&self) -> u32 {
        self.ask(&["LLEN", "queue:default"])
    }

    /// How many clients wait in a blocking command, as sidekiq's idle threads do.
    pub fn blocked_clients(&self) -> u32 {
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(&self.socket)
            .args(["info", "clients"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let count = text
            .lines()
            .find_map(|line| line.strip_prefix("blocked_clients:"));
        count.unwrap().trim().parse().unwrap()
    }

    /// Queues a `NapJob`.
    pub fn push_nap(&self, seconds: f64, marker: &str) {
        let job = serde_json::json!({
            "class": "NapJob", "args": [seconds, marker], "retry": true,
            "queue": "default", "jid": format!("{marker:0>24}"),
        });
        self.ask(&["LPUSH", "queue:default", &job.to_string()]);
    }

    /// Sends a command whose answer is a number.
    fn ask(&self, words: &[&str]) -> u32 {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
        write!(stream, "*{}\r\n", words.len()).unwrap();
        for word in words {
            write!(stream, "${}\r\n{word}\r\n", word.len()).unwrap();
        }
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        let number = answer.trim().strip_prefix(':');
        number.map_or_else(|| panic!("{words:?}: {answer}"), |n| n.parse().unwrap())
    }
}
