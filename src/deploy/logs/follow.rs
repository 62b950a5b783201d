//! Many tasks by time. One call reads all streams of a group that begin with the same prefix, new tasks' too, so
//! that it is known of itself that there are some.

use super::merge::{Feed, Next, next};
use super::stream::Stream;
use super::{CALL, CallsIn};
use crate::aws::{AwsError, LogEvent, Logs};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How far each look goes back behind the newest event: streams come later than their times say.
const BACK: i64 = 15_000;

/// Streams that one call reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub region: String,
    pub group: String,
    pub prefix: String,
}

/// The fewest scopes that hold all streams, and those of tasks that come if there may be some.
pub fn scopes(streams: &[Stream], grows: bool) -> Vec<Scope> {
    let mut names: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for one in streams {
        // Without a prefix each stream is on its own.
        let own = if one.prefix.is_empty() {
            &one.name
        } else {
            &one.prefix
        };
        let key = (one.region.as_str(), one.group.as_str(), own.as_str());
        names.entry(key).or_default().insert(&one.name);
    }
    let scope = |((region, group, prefix), names): ((&str, &str, &str), BTreeSet<&str>)| {
        let only = names.iter().next().filter(|_| names.len() == 1 && !grows);
        Scope {
            region: region.to_owned(),
            group: group.to_owned(),
            prefix: only.copied().unwrap_or(prefix).to_owned(),
        }
    };
    names.into_iter().map(scope).collect()
}

struct Source<'c> {
    logs: Logs<'c>,
    scope: Scope,
    /// From where the next look begins.
    since: i64,
    token: Option<String>,
    /// Events that were told and that the next look may see again, with their times.
    told: BTreeMap<String, i64>,
}

/// Reads scopes again and again.
pub struct Follow<'c> {
    calls_in: CallsIn<'c>,
    since: i64,
    sources: Vec<Source<'c>>,
    /// One for each source.
    feeds: Vec<Feed>,
    /// It is found again.
    held: Option<LogEvent>,
}

impl<'c> Follow<'c> {
    /// `since`: milliseconds of the epoch.
    pub fn new(since: i64, calls_in: CallsIn<'c>) -> Follow<'c> {
        Follow {
            calls_in,
            since,
            sources: Vec::new(),
            feeds: Vec::new(),
            held: None,
        }
    }

    /// Reads these, too.
    pub fn add(&mut self, scopes: &[Scope]) {
        for scope in scopes {
            if self.sources.iter().any(|source| source.scope == *scope) {
                continue;
            }
            self.sources.push(Source {
                logs: Logs::new((self.calls_in)(&scope.region)),
                scope: scope.clone(),
                since: self.since,
                token: None,
                told: BTreeMap::new(),
            });
            self.feeds.push(Feed::default());
        }
    }

    /// Gives back an event that was found, for whoever could not deal with it yet.
    pub fn hold(&mut self, event: LogEvent) {
        self.held = Some(event);
    }

    /// Begins the next look. Each event is found by one look only.
    pub fn again(&mut self) {
        for source in &mut self.sources {
            let newest = source.told.values().max().copied();
            let newest = newest.unwrap_or(source.since.saturating_add(BACK));
            source.since = source.since.max(newest.saturating_sub(BACK));
            source.token = None;
        }
        for feed in &mut self.feeds {
            feed.is_whole = false;
        }
    }

    /// The next event of this look by time; `None` at its end. After an error it goes on where it was.
    pub async fn find(&mut self) -> Result<Option<LogEvent>, AwsError> {
        if let Some(event) = self.held.take() {
            return Ok(Some(event));
        }
        loop {
            match next(&mut self.feeds) {
                Next::Event(_, event) => return Ok(Some(event)),
                Next::Nothing => return Ok(None),
                Next::Read(number) => self.sources[number].read(&mut self.feeds[number]).await?,
            }
        }
    }
}

impl Source<'_> {
    async fn read(&mut self, feed: &mut Feed) -> Result<(), AwsError> {
        let Scope { group, prefix, .. } = &self.scope;
        let token = self.token.as_deref();
        let deadline = Instant::now() + CALL;
        let page = self
            .logs
            .by_time(group, prefix, self.since, token, deadline);
        let page = match page.await {
            Ok(page) => page,
            // Nothing was written yet.
            Err(error) if error.is("ResourceNotFoundException") => {
                feed.is_whole = true;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for event in page.events {
            let is_new = event.event_id.is_empty()
                || self
                    .told
                    .insert(event.event_id.clone(), event.timestamp)
                    .is_none();
            // An emulator gives other streams, too.
            if is_new && event.log_stream_name.starts_with(prefix.as_str()) {
                feed.events.push_back(event);
            }
        }
        feed.is_whole = page.next_token.is_none();
        self.token = page.next_token;
        if let Some(newest) = self.told.values().max() {
            let oldest = newest.saturating_sub(BACK);
            self.told.retain(|_, at| *at >= oldest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(group: &str, prefix: &str, name: &str) -> Stream {
        Stream {
            region: String::new(),
            group: group.to_owned(),
            prefix: prefix.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_group_and_its_prefix_are_one_call() {
        let streams = [
            stream("/a", "web/", "web/app/1"),
            stream("/a", "web/", "web/app/2"),
            stream("/a", "web/", "web/nginx/1"),
            stream("/a", "job/", "job/app/1"),
            stream("/b", "", "f00"),
            stream("/b", "", "f01"),
        ];
        let found: Vec<(String, String)> = scopes(&streams, false)
            .into_iter()
            .map(|scope| (scope.group, scope.prefix))
            .collect();
        let expected = [
            ("/a", "job/app/1"),
            ("/a", "web/"),
            ("/b", "f00"),
            ("/b", "f01"),
        ];
        assert_eq!(
            found,
            expected.map(|(group, prefix)| (group.to_owned(), prefix.to_owned()))
        );
        // More may come beside a single one.
        assert_eq!(scopes(&streams[3..4], true)[0].prefix, "job/");
    }
}
