//! New values over old scalars, and the proof that the result says what it should.
//!
//! The result is parsed again and compared event by event. Where the nicest way of writing a value
//! does not survive in its place, the next one is tried.

use super::problem::{Problem, Problems, Reason};
use super::render::{Edit, Meaning, Target};
use super::tree::NodeId;
use super::{Affixes, Document, Plaintext, tag};
use crate::vault::Secret;
use crate::yaml::{self, Event, Place};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A target with the ways left to write it, and which of them is in use.
struct Attempt {
    target: Target,
    event: usize,
    ways: Vec<Vec<Edit>>,
    way: usize,
    /// Where it begins in the latest result.
    start: usize,
}

impl Attempt {
    fn next_way(&mut self) -> bool {
        let more = self.way + 1 < self.ways.len();
        self.way += usize::from(more);
        more
    }
}

/// Each round parses the whole text; a document that needs more of them than this goes to the safest
/// ways at once.
const ROUNDS: usize = 32;

impl Document {
    /// The text with these scalars decrypted: type, tag and anchor restored, every other byte as it was.
    pub fn splice(&self, plaintexts: &[(NodeId, Plaintext)]) -> Result<Secret, Problems> {
        let targets = plaintexts
            .iter()
            .filter_map(|(id, plaintext)| self.decrypted(*id, plaintext));
        self.spliced(targets.collect()).map(Secret::new)
    }

    /// The text with these scalars encrypted, a message for each.
    pub fn splice_messages(
        &self,
        messages: &[(NodeId, String)],
        affixes: &Affixes,
    ) -> Result<String, Problems> {
        let targets = messages.iter().filter_map(|(id, message)| {
            Some(Target {
                id: *id,
                value: affixes.add(message),
                meaning: self.encrypted_meaning(*id)?,
                as_written: None,
                keeps_style: false,
            })
        });
        self.spliced(targets.collect())
    }

    fn decrypted(&self, id: NodeId, plaintext: &Plaintext) -> Option<Target> {
        let scalar = self.scalar(id)?;
        let (value, meaning) = match plaintext {
            Plaintext::Binary(bytes) => {
                let value = STANDARD.encode(bytes.as_slice());
                (value, Meaning::Tagged("!binary".to_owned()))
            }
            Plaintext::Text(text) => match tag::split(text.expose(), scalar.is_plain_like()) {
                (Some(tag), value) => (value.to_owned(), Meaning::Tagged(tag.to_owned())),
                (None, value) => {
                    let meaning = match scalar.tag {
                        _ if scalar.is_plain_like() => Meaning::Plain,
                        None => Meaning::Text,
                        // The gem never leaves a tag on what it encrypted; other writers may.
                        Some(tag) => Meaning::Tagged(tag.to_owned()),
                    };
                    (value.to_owned(), meaning)
                }
            },
        };
        Some(Target {
            id,
            value,
            meaning,
            as_written: None,
            keeps_style: false,
        })
    }

    pub(super) fn spliced(&self, targets: Vec<Target>) -> Result<String, Problems> {
        let mut attempts: Vec<Attempt> = targets
            .into_iter()
            .map(|target| Attempt {
                event: self.tree.get(target.id).event,
                ways: self.ways(&target),
                target,
                way: 0,
                start: 0,
            })
            .collect();
        attempts.sort_by_key(|attempt| attempt.event);
        attempts.dedup_by_key(|attempt| attempt.event);
        for round in 0.. {
            let text = self.apply(&mut attempts);
            let wrong = self.wrong(&text, &attempts);
            if wrong.is_empty() {
                return Ok(text);
            }
            let stuck = if round >= ROUNDS {
                let moved = attempts
                    .iter_mut()
                    .filter_map(|a| a.next_way().then_some(()))
                    .count();
                moved == 0
            } else {
                !improve(&mut attempts, &wrong)
            };
            if stuck {
                return Err(self.unwritable(&attempts, &wrong));
            }
        }
        Err(Problems(Vec::new()))
    }

    /// The text with all edits made.
    fn apply(&self, attempts: &mut [Attempt]) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut done = 0;
        for attempt in attempts {
            attempt.start = out.len();
            for edit in attempt.ways.get(attempt.way).into_iter().flatten() {
                out.push_str(self.text.get(done..edit.range.start).unwrap_or_default());
                out.push_str(&edit.with);
                done = done.max(edit.range.end);
            }
        }
        out.push_str(self.text.get(done..).unwrap_or_default());
        out
    }

    /// Indices of the attempts that the result does not bear out; of the likeliest one where the
    /// structure has changed.
    fn wrong(&self, text: &str, attempts: &[Attempt]) -> Vec<usize> {
        let before = |is_before: &dyn Fn(&Attempt) -> bool| {
            let found = attempts.iter().rposition(is_before);
            vec![found.unwrap_or(0)]
        };
        let events = match yaml::events(text) {
            Ok(events) => events,
            Err(error) => {
                let offset = offset_of(text, error.place);
                return before(&|attempt| attempt.start <= offset);
            }
        };
        let kind = |event: &Event| std::mem::discriminant(&event.raw);
        let shared = events.iter().zip(&self.events);
        if let Some(at) = shared.clone().position(|(new, old)| kind(new) != kind(old)) {
            return before(&|attempt| attempt.event <= at);
        }
        if events.len() != self.events.len() {
            return before(&|_| true);
        }
        let mut wrong = Vec::new();
        let mut next = 0;
        for (n, (new, old)) in shared.enumerate() {
            match attempts.get(next).filter(|attempt| attempt.event == n) {
                Some(attempt) => {
                    if attempt.ways.is_empty() || !attempt.target.is_met_by(&new.raw, &old.raw) {
                        wrong.push(next);
                    }
                    next += 1;
                }
                None if new.raw != old.raw => wrong.push(next.saturating_sub(1)),
                None => {}
            }
        }
        wrong.dedup();
        wrong
    }

    fn unwritable(&self, attempts: &[Attempt], wrong: &[usize]) -> Problems {
        let problem = |index: &usize| {
            let id = attempts.get(*index)?.target.id;
            Some(Problem {
                path: self.path(id),
                place: self.place(id),
                reason: Reason::Unwritable,
            })
        };
        Problems(wrong.iter().filter_map(problem).collect())
    }
}

/// Takes the next way for each of these, or for the nearest one before that has another way.
fn improve(attempts: &mut [Attempt], wrong: &[usize]) -> bool {
    let mut improved = false;
    for index in wrong {
        improved |= attempts.get_mut(*index).is_some_and(Attempt::next_way);
    }
    let last = wrong.last().copied().unwrap_or(0);
    improved || attempts.iter_mut().take(last).rev().any(Attempt::next_way)
}

fn offset_of(text: &str, place: Place) -> usize {
    let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let start = line_starts.take(place.line).last().unwrap_or(0);
    let line = text.get(start..).unwrap_or_default();
    let mut columns = line.char_indices().map(|(at, _)| at);
    start
        + columns
            .nth(place.column.saturating_sub(1))
            .unwrap_or(line.len())
}
