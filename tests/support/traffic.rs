//! Clients that send one request after the other, without a pause and without a second try.

use super::http;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the clients got.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// How often each page came.
    pub pages: BTreeMap<String, usize>,
    /// Each answer that was none, or not 200.
    pub failed: Vec<String>,
}

/// They go on until `stop`.
pub struct Traffic {
    over: Arc<AtomicBool>,
    answers: Arc<Mutex<Answers>>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub fn start(port: u16, clients: usize) -> Traffic {
        let over = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(Mutex::new(Answers::default()));
        let client = || {
            let (over, answers) = (Arc::clone(&over), Arc::clone(&answers));
            std::thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let answer = http::get(port, "/");
                    let mut answers = answers.lock().unwrap();
                    match answer {
                        Ok((200, page)) => *answers.pages.entry(page).or_default() += 1,
                        other => answers.failed.push(format!("{other:?}")),
                    }
                }
            })
        };
        let clients = (0..clients).map(|_| client()).collect();
        Traffic {
            over,
            answers,
            clients,
        }
    }

    pub fn so_far(&self) -> Answers {
        self.answers.lock().unwrap().clone()
    }

    /// The last requests are waited for.
    pub fn stop(mut self) -> Answers {
        self.over.store(true, Ordering::SeqCst);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        self.so_far()
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}
