//! `stop`: a preset's name, or a map.

use super::scalar::LONGEST_STOP;
use super::{Decoder, Fields, Item};
use crate::config::node::Value;
use crate::config::schema;
use crate::stop::{Preset, Spec, Step, Target};
use crate::sys::signal::Sig;

/// Signals that cannot start a stop.
const NEVER_ON: [(Sig, &str); 3] = [
    (Sig::KILL, "no process can catch it"),
    (Sig::STOP, "no process can catch it"),
    (Sig::CHLD, "it comes whenever a child ends"),
];

/// Signals that are no step of a stop.
const NEVER_SENT: [(Sig, &str); 3] = [
    (Sig::KILL, "it follows the last step by itself"),
    (Sig::STOP, "a stopped process cannot end"),
    (Sig::CHLD, "it ends nothing"),
];

const TARGETS: [(&str, Target); 2] = [("main", Target::Main), ("group", Target::Group)];

impl Decoder<'_> {
    pub fn stop(&mut self, item: &Item) -> Spec {
        if matches!(item.node.value, Value::Scalar(_)) {
            let preset = self
                .choice(item, "preset", &Preset::ALL)
                .unwrap_or_default();
            return Spec {
                preset,
                ..Spec::default()
            };
        }
        let Some(fields) = self.table(item, &schema::STOP) else {
            return Spec::default();
        };
        let preset = fields
            .get("preset")
            .and_then(|item| self.choice(&item, "preset", &Preset::ALL));
        let mut duration = |name| {
            let item = fields.get(name)?;
            self.duration(&item, true, LONGEST_STOP)
        };
        let (drain, grace, defer) = (duration("drain"), duration("grace"), duration("defer"));
        Spec {
            preset: preset.unwrap_or_default(),
            drain,
            grace,
            defer,
            on: fields.get("on").map(|item| self.on(&item)),
            steps: fields.get("steps").map(|item| self.steps(&item, &fields)),
        }
    }

    fn on(&mut self, item: &Item) -> Vec<Sig> {
        let mut signals = Vec::new();
        for item in self.one_or_more(item, "a signal") {
            let Some(signal) = self.signal(&item, &NEVER_ON) else {
                continue;
            };
            if signals.contains(&signal) {
                self.problem(&item, format!("{signal} is named twice"), "");
            }
            signals.push(signal);
        }
        signals
    }

    fn steps(&mut self, item: &Item, stop: &Fields) -> Vec<Step> {
        for name in ["drain", "grace"] {
            if let Some(other) = stop.get(name) {
                let remedy = "write it as a step: {wait: …}";
                self.problem(&other, "cannot stand beside steps", remedy);
            }
        }
        let mut steps = Vec::new();
        let mut complete = true;
        for item in self.list(item, "a list of steps") {
            complete &= self.step(&item, &mut steps);
        }
        // A step that could not be read might be the missing one.
        if !complete {
            return steps;
        }
        if !steps.iter().any(|step| matches!(step, Step::Signal { .. })) {
            self.problem(
                item,
                "no step sends a signal",
                "write one, such as {signal: TERM, wait: 10s}",
            );
        } else if !matches!(steps.last(), Some(Step::Wait(_))) {
            let remedy = "add a wait after it, such as {wait: 10s}";
            self.problem(item, "KILL would follow the last signal at once", remedy);
        }
        steps
    }

    /// A signal, a wait, or both in that order; false if not all of it could be read.
    fn step(&mut self, item: &Item, steps: &mut Vec<Step>) -> bool {
        let Some(fields) = self.table(item, &schema::STEP) else {
            return false;
        };
        let signal = fields
            .get("signal")
            .map(|item| self.signal(&item, &NEVER_SENT));
        let to = fields
            .get("to")
            .map(|item| self.choice(&item, "target", &TARGETS));
        let wait = fields
            .get("wait")
            .map(|item| self.duration(&item, false, LONGEST_STOP));
        if signal.is_none() {
            if to.is_some() {
                self.problem(item, "to without a signal", "write signal beside it");
            } else if wait.is_none() {
                self.problem(item, "neither signal nor wait", "write one of them");
            }
        }
        let complete = signal != Some(None) && to != Some(None) && wait != Some(None);
        let to = to.flatten().unwrap_or_default();
        steps.extend(signal.flatten().map(|signal| Step::Signal { signal, to }));
        steps.extend(wait.flatten().map(Step::Wait));
        complete && (signal.is_some() || wait.is_some())
    }
}
