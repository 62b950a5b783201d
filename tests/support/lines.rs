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
        let end = Instant::now() + DEADLINE;
        let (lock, changed) = &*self.0;
        let mut seen = lock.lock().unwrap();
        loop {
            let all = String::from_utf8_lossy(&seen.bytes).into_owned();
            let whole = all.rfind('\n').map_or("", |at| &all[..at]);
            if let Some(line) = whole
                .lines()
                .filter(|line| line.contains(text))
                .nth(count - 1)
            {
                return line.to_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !seen.ended,
                "no line {count} with {text:?} in:\n{all}"
            );
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
