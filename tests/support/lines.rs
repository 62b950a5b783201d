//! A stream that is read all the time, so that nobody waits for us, and searched with a deadline.

use super::wait::DEADLINE;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    ended: bool,
}

/// What a stream has said so far.
#[derive(Clone)]
pub struct Lines(Arc<(Mutex<Seen>, Condvar)>);

impl Lines {
    pub fn of(mut stream: impl Read + Send + 'static) -> Lines {
        let shared = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let writer = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut chunk = vec![0; 65536];
            loop {
                let read = stream.read(&mut chunk).unwrap_or(0);
                let mut seen = writer.0.lock().unwrap();
                seen.bytes.extend(&chunk[..read]);
                seen.ended = read == 0;
                writer.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Lines(shared)
    }

    /// Waits until a line has `text` in it, and returns that line.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_for_nth(text, 1)
    }

    /// Waits until `text` has come up in `count` lines, and returns the last of them.
    #[track_caller]
    pub fn wait_for_nth(&self, text: &str, count: usize) -> String {
        self.wait_until(&format!("line {count} with {text:?}"), |all| {
            let whole = all.rfind('\n').map_or("", |at| &all[..at]);
            let mut found = whole.lines().filter(|line| line.contains(text));
            found.nth(count - 1).map(str::to_owned)
        })
    }

    /// Waits until `text` has come up `count` times, in whole lines or not.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str, count: usize) {
        self.wait_until(&format!("{count} times {text:?}"), |all| {
            (all.matches(text).count() >= count).then_some(())
        });
    }

    #[track_caller]
    fn wait_until<T>(&self, what: &str, condition: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        let (lock, changed) = &*self.0;
        let mut seen = lock.lock().unwrap();
        loop {
            let all = String::from_utf8_lossy(&seen.bytes).into_owned();
            if let Some(found) = condition(&all) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.ended {
                drop(seen);
                panic!("no {what} in:\n{all}");
            }
            seen = changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Everything so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }

    /// Everything to the end of the stream.
    #[track_caller]
    pub fn rest(&self) -> Vec<u8> {
        let end = Instant::now() + DEADLINE;
        let (lock, changed) = &*self.0;
        let mut seen = lock.lock().unwrap();
        while !seen.ended {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "somebody still holds the stream open");
            seen = changed.wait_timeout(seen, left).unwrap().0;
        }
        seen.bytes.clone()
    }
}
