//! Pages of several feeds put together by time: pure.

use crate::aws::LogEvent;
use std::collections::VecDeque;

/// Events of one feed that are read and not told yet, in the order of their times.
#[derive(Debug, Default)]
pub struct Feed {
    pub events: VecDeque<LogEvent>,
    /// Nothing is behind them.
    pub is_whole: bool,
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The oldest event, and which feed it is of.
    Event(usize, LogEvent),
    /// This feed must be read on first: what it has next may be older than all that is here.
    Read(usize),
    Nothing,
}

/// The oldest event of all feeds; of two of the same time, that of the first feed.
pub fn next(feeds: &mut [Feed]) -> Next {
    let starved = |feed: &Feed| feed.events.is_empty() && !feed.is_whole;
    if let Some(feed) = feeds.iter().position(starved) {
        return Next::Read(feed);
    }
    let heads = feeds.iter().enumerate();
    let heads = heads.filter_map(|(feed, one)| Some((one.events.front()?.timestamp, feed)));
    let Some((_, feed)) = heads.min() else {
        return Next::Nothing;
    };
    match feeds[feed].events.pop_front() {
        Some(event) => Next::Event(feed, event),
        None => Next::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(times: &[i64], is_whole: bool) -> Feed {
        let events = times.iter().map(|&timestamp| LogEvent {
            timestamp,
            ..LogEvent::default()
        });
        Feed {
            events: events.collect(),
            is_whole,
        }
    }

    #[test]
    fn events_come_by_time_and_not_before_all_older_ones_are_known() {
        let mut feeds = [feed(&[1, 4], true), feed(&[2, 4], false), feed(&[], true)];
        let mut told = Vec::new();
        let waits = loop {
            match next(&mut feeds) {
                Next::Event(feed, event) => told.push((feed, event.timestamp)),
                other => break other,
            }
        };
        assert_eq!(told, [(0, 1), (1, 2), (0, 4), (1, 4)]);
        assert_eq!(waits, Next::Read(1));
        feeds[1] = feed(&[], true);
        assert_eq!(next(&mut feeds), Next::Nothing);
    }
}
