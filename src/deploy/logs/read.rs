//! Lines of many tasks, to the end for now or on and on.

use super::CallsIn;
use super::book::{Book, Label};
use super::follow::{Follow, scopes};
use crate::aws::{AwsError, Ecs, LogEvent};
use crate::deploy::tasks::Which;
use std::time::Duration;
use tokio::time::Instant as Clock;

/// How often new tasks are looked for whose lines come elsewhere than those of the tasks that are known.
const TASKS: Duration = Duration::from_secs(30);

/// Between two looks, the longest after so many without a line.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST: u32 = 5;

/// So long calls may fail in a way that passes.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Milliseconds of the epoch.
    pub since: i64,
    pub follow: bool,
}

/// Tells each line by time, until nothing is left or, with `follow`, until `each` says no.
pub async fn read(
    mut book: Book,
    what: &Read,
    ecs: &Ecs<'_>,
    calls_in: CallsIn<'_>,
    each: &mut dyn FnMut(&Label, &LogEvent) -> bool,
) -> Result<(), AwsError> {
    let grows = what.follow && book.grows();
    let mut follow = Follow::new(what.since, calls_in);
    follow.add(&scopes(&book.streams(), grows));
    let mut looked = Clock::now();
    let mut well = Clock::now();
    let mut quiet = 0;
    loop {
        quiet += 1;
        match look(&mut book, &mut follow, grows, ecs, each).await {
            Ok(Look::Left) => return Ok(()),
            Ok(Look::Lines(lines)) => {
                well = Clock::now();
                if !what.follow {
                    return Ok(());
                }
                if lines > 0 {
                    quiet = 1;
                }
                follow.again();
            }
            // It goes on where it was.
            Err(error) if what.follow && error.kind.passes() && well.elapsed() < PATIENCE => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOK * quiet.min(LONGEST)).await;
        if grows && looked.elapsed() >= TASKS {
            looked = Clock::now();
            match book.look(Which::Running, ecs).await {
                Ok(()) => follow.add(&scopes(&book.streams(), grows)),
                Err(error) if error.kind.passes() => {}
                Err(error) => return Err(error),
            }
        }
    }
}

enum Look {
    Lines(usize),
    /// Nobody wants more.
    Left,
}

async fn look(
    book: &mut Book,
    follow: &mut Follow<'_>,
    grows: bool,
    ecs: &Ecs<'_>,
    each: &mut dyn FnMut(&Label, &LogEvent) -> bool,
) -> Result<Look, AwsError> {
    let mut lines = 0;
    while let Some(event) = follow.find().await? {
        if grows && let Err(error) = book.meet(&event.log_stream_name, ecs).await {
            follow.hold(event);
            return Err(error);
        }
        let Some(label) = book.label(&event.log_stream_name) else {
            continue;
        };
        lines += 1;
        if !each(label, &event) {
            return Ok(Look::Left);
        }
    }
    Ok(Look::Lines(lines))
}
