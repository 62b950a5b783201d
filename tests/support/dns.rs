//! A DNS server for names that only a test knows.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread::JoinHandle;

/// Resolves every name to 127.0.0.1, `none.test` to nothing; ends when dropped.
pub struct DnsServer {
    address: Ipv4Addr,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl DnsServer {
    /// At port 53 of a loopback address that no other test has.
    pub fn start(address: [u8; 4]) -> DnsServer {
        let address = Ipv4Addr::from(address);
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let thread = std::thread::spawn(move || {
            let mut asked = Vec::new();
            loop {
                let mut query = [0; 512];
                let (length, client) = socket.recv_from(&mut query).unwrap();
                if length == 0 {
                    return asked;
                }
                let (name, answer) = answer(&query[..length]);
                asked.push(name);
                socket.send_to(&answer, client).unwrap();
            }
        });
        DnsServer {
            address,
            thread: Some(thread),
        }
    }

    /// The line that names it in `/etc/resolv.conf`.
    pub fn resolv_conf(&self) -> String {
        format!("nameserver {}\n", self.address)
    }

    /// Ends it, and says which names it was asked for.
    pub fn asked(mut self) -> Vec<String> {
        self.stop();
        self.thread.take().unwrap().join().unwrap()
    }

    /// An empty packet.
    fn stop(&self) {
        let socket = UdpSocket::bind("127.77.0.2:0").unwrap();
        socket.send_to(&[], (self.address, 53)).unwrap();
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop();
            let _ = thread.join();
        }
    }
}

/// The question's name, and the reply: the question again, with an address where one of IPv4 is asked for.
fn answer(query: &[u8]) -> (String, Vec<u8>) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..=at + length].to_vec()).unwrap());
        at += length + 1;
    }
    let name = labels.join(".").to_lowercase();
    let question = &query[12..at + 5];
    let is_a = question[question.len() - 4..] == [0, 1, 0, 1];
    let known = name != "none.test";
    let mut reply = query[..2].to_vec();
    // A reply; no such name, or none of this type.
    reply.extend([
        0x81,
        if known { 0x80 } else { 0x83 },
        0,
        1,
        0,
        u8::from(known && is_a),
        0,
        0,
        0,
        0,
    ]);
    reply.extend(question);
    if known && is_a {
        // The name of the question, A, IN, 60 seconds, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    (name, reply)
}
