//! One stream from its head: each event once, in its order, whatever fails in between.

use super::CALL;
use super::stream::Stream;
use crate::aws::{AwsError, LogEvent, Logs};
use std::time::Instant;

/// Pages at a time, so that whoever watches a task that never stops writing sees it end.
const PAGES: usize = 20;

/// Where a stream was read to.
pub struct Tail<'c> {
    logs: Logs<'c>,
    stream: Stream,
    /// Behind it nothing was read yet. It changes only with a page that came whole, so that a call that is made
    /// again, or a new one after an error, loses and doubles nothing.
    token: Option<String>,
}

impl<'c> Tail<'c> {
    pub fn new(logs: Logs<'c>, stream: Stream) -> Tail<'c> {
        Tail {
            logs,
            stream,
            token: None,
        }
    }

    /// Reads on to what is the end for now; whether there was anything. Only a token that comes back says that
    /// it is the end: pages in between may be empty, and later there may be more behind the same token.
    pub async fn read(&mut self, mut each: impl FnMut(&LogEvent)) -> Result<bool, AwsError> {
        let mut news = false;
        for _ in 0..PAGES {
            let (group, name) = (&self.stream.group, &self.stream.name);
            let token = self.token.as_deref();
            let page = self.logs.page(group, name, token, Instant::now() + CALL);
            let Some(page) = page.await? else {
                return Ok(news);
            };
            news |= !page.events.is_empty();
            page.events.iter().for_each(&mut each);
            let is_end = page.next_forward_token == self.token;
            if page.next_forward_token.is_some() {
                self.token = page.next_forward_token;
            }
            if is_end {
                return Ok(news);
            }
        }
        Ok(true)
    }
}

/// The last lines of a stream, for whoever wants to know what a container died of.
pub async fn last_lines(
    logs: &Logs<'_>,
    stream: &Stream,
    most: usize,
) -> Result<Vec<String>, AwsError> {
    let page = logs.last(&stream.group, &stream.name, most, Instant::now() + CALL);
    let events = page.await?.map(|page| page.events).unwrap_or_default();
    Ok(events.into_iter().map(|event| event.message).collect())
}
