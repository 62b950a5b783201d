//! `before`, `after`, `processes` and `health`.

use super::scalar::{LONGEST_RUN, LONGEST_STOP};
use super::{Decoder, Fields, Item};
use crate::config::folder::is_mode_name;
use crate::config::node::Value;
use crate::config::processes::{
    AfterHook, BeforeHook, Command, Health, HealthCheck, Process, Ready, Restart, Sign,
};
use crate::config::schema;
use crate::probe::{Address, HttpTarget};
use std::time::Duration;

/// What a Rails server needs to boot on a small task, twice over.
const READY_TIMEOUT: Duration = Duration::from_mins(1);
/// ECS's own default for a health check (`timeout` of `HealthCheck`).
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

impl Decoder<'_> {
    pub fn before(&mut self, item: &Item) -> Vec<BeforeHook> {
        let items = self.list(item, "a list of maps");
        items
            .iter()
            .filter_map(|item| self.before_hook(item))
            .collect()
    }

    fn before_hook(&mut self, item: &Item) -> Option<BeforeHook> {
        let fields = self.table(item, &schema::BEFORE)?;
        let command = self.needed_command(item, &fields);
        let mut duration = |name, zero, default| match fields.get(name) {
            Some(item) => self.duration(&item, zero, LONGEST_RUN),
            None => default,
        };
        let timeout = duration("timeout", false, None);
        let wait = duration("wait", true, Some(Duration::from_secs(1)));
        let grace = duration("grace", true, Some(Duration::from_secs(10)));
        let retry = match fields.get("retry") {
            Some(item) => self.number(&item, 0..=1000),
            None => Some(0),
        };
        let user = fields.get("user").map(|item| self.account(&item));
        let group = fields.get("group").map(|item| self.account(&item));
        Some(BeforeHook {
            declared_at: item.declared_at(),
            command: command?,
            timeout,
            retry: retry?,
            wait: wait?,
            grace: grace?,
            user: user.flatten(),
            group: group.flatten(),
            gives_code: false,
        })
    }

    pub fn after(&mut self, item: &Item) -> Vec<AfterHook> {
        let items = self.list(item, "a list of maps");
        items
            .iter()
            .filter_map(|item| self.after_hook(item))
            .collect()
    }

    fn after_hook(&mut self, item: &Item) -> Option<AfterHook> {
        let fields = self.table(item, &schema::AFTER)?;
        let command = self.needed_command(item, &fields);
        let timeout = match fields.get("timeout") {
            Some(item) => self.duration(&item, false, LONGEST_STOP),
            None => Some(Duration::from_secs(5)),
        };
        Some(AfterHook {
            declared_at: item.declared_at(),
            command: command?,
            timeout: timeout?,
        })
    }

    fn needed_command(&mut self, item: &Item, fields: &Fields) -> Option<Command> {
        let Some(command) = fields.get("command") else {
            self.problem(
                item,
                "command is missing",
                "write command: PROGRAM and its words",
            );
            return None;
        };
        self.written_command(&command)
    }

    pub fn processes(&mut self, item: &Item) -> Vec<Process> {
        let entries = self.map(item, "a map of names to processes");
        if entries.is_empty() && matches!(item.node.value, Value::Map(_)) {
            self.problem(item, "names no process", "write NAME: {command: …}");
        }
        for (key, entry) in &entries {
            if !is_mode_name(&key.text) {
                let remedy = "names consist of a-z, 0-9, - and _ and begin with a letter or digit";
                self.problem_at(&key.at, &entry.path, "no name for a process", remedy);
            }
        }
        let names: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
        let read = entries
            .iter()
            .map(|(key, entry)| self.process(&key.text, entry, &names));
        // Places in `after` are those of the whole list: with a gap in it they would be others.
        let Some(processes) = read
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Option<Vec<_>>>()
        else {
            return Vec::new();
        };
        if let Some(circle) = circle(&processes) {
            let names: Vec<&str> = circle.iter().map(|&at| names[at]).collect();
            let message = format!("wait for each other: {}", names.join(" after "));
            self.problem(item, message, "let one of them start first");
        }
        processes
    }

    fn process(&mut self, name: &str, item: &Item, names: &[&str]) -> Option<Process> {
        let fields = self.table(item, &schema::PROCESS)?;
        let command = self.needed_command(item, &fields);
        let after = match fields.get("after") {
            Some(item) => self.places(&item, name, names),
            None => Some(Vec::new()),
        };
        let ready = fields.get("ready").map(|item| self.ready(&item));
        let restart = fields.get("restart").map(|item| self.restart(&item));
        let optional = fields.get("optional").map(|item| self.boolean(&item));
        let stop = fields.get("stop").map(|item| self.stop(&item));
        Some(Process {
            name: name.to_owned(),
            declared_at: item.declared_at(),
            command: command?,
            after: after?,
            ready: ready.flatten(),
            restart: restart.flatten(),
            optional: optional.flatten().unwrap_or_default(),
            stop,
        })
    }

    /// The places of the processes that must be ready first.
    fn places(&mut self, item: &Item, own: &str, names: &[&str]) -> Option<Vec<usize>> {
        let mut places = Vec::new();
        let mut complete = true;
        for item in self.one_or_more(item, "the name of a process") {
            let Some(text) = self.word(&item) else {
                complete = false;
                continue;
            };
            match names.iter().position(|name| *name == text.value) {
                Some(_) if text.value == own => {
                    self.problem(&item, "waits for itself", "");
                    complete = false;
                }
                Some(place) => places.push(place),
                None => {
                    let remedy = crate::config::problems::suggestion(
                        if text.is_literal() { &text.value } else { "" },
                        "there are",
                        names,
                    );
                    let message = format!("{} is no process of this mode", text.shown());
                    self.problem(&item, message, remedy);
                    complete = false;
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        complete.then_some(places)
    }

    fn ready(&mut self, item: &Item) -> Option<Ready> {
        let fields = self.table(item, &schema::READY)?;
        let written: Vec<&str> = ["tcp", "http", "file", "line"]
            .into_iter()
            .filter(|name| fields.get(name).is_some())
            .collect();
        if written.len() != 1 {
            let message = if written.is_empty() {
                "says not by what".to_owned()
            } else {
                format!("{} stand side by side", written.join(" and "))
            };
            self.problem(item, message, "write one of tcp, http, file and line");
        }
        let tcp = fields
            .get("tcp")
            .map(|item| self.address(&item).map(Sign::Tcp));
        let http = fields
            .get("http")
            .map(|item| self.page(&item).map(Sign::Http));
        let file = fields
            .get("file")
            .map(|item| self.absolute(&item).map(Sign::File));
        let line = fields
            .get("line")
            .map(|item| self.word(&item).map(|text| Sign::Line(text.value)));
        let timeout = match fields.get("timeout") {
            Some(item) => self.duration(&item, false, LONGEST_RUN),
            None => Some(READY_TIMEOUT),
        };
        let sign = [tcp, http, file, line].into_iter().flatten().next();
        Some(Ready {
            sign: sign.flatten()?,
            timeout: timeout?,
        })
    }

    /// `true`, or a map.
    fn restart(&mut self, item: &Item) -> Option<Restart> {
        let default = Restart {
            delay: Duration::from_secs(1),
            max_delay: Duration::from_mins(1),
            times: None,
        };
        if matches!(item.node.value, Value::Scalar(_)) {
            return self.boolean(item)?.then_some(default);
        }
        let fields = self.table(item, &schema::RESTART)?;
        let mut duration = |name, default| match fields.get(name) {
            Some(item) => self.duration(&item, false, LONGEST_RUN),
            None => Some(default),
        };
        let (delay, max_delay) = (
            duration("delay", default.delay),
            duration("max_delay", default.max_delay),
        );
        let times = fields
            .get("times")
            .map(|item| self.number(&item, 1..=1_000_000));
        let delay = delay?;
        Some(Restart {
            delay,
            max_delay: max_delay?.max(delay),
            times: times.flatten(),
        })
    }

    pub fn health(&mut self, item: &Item) -> Option<Health> {
        let fields = self.table(item, &schema::HEALTH)?;
        let tcp = fields
            .get("tcp")
            .map(|item| self.address(&item).map(HealthCheck::Tcp));
        let http = fields
            .get("http")
            .map(|item| self.page(&item).map(HealthCheck::Http));
        let max_age = fields
            .get("max_age")
            .map(|item| self.duration(&item, false, LONGEST_RUN));
        let heartbeat = fields.get("file").map(|item| {
            let path = self.absolute(&item);
            let Some(max_age) = max_age else {
                self.problem(
                    &item,
                    "file without max_age",
                    "write max_age: 60s beside it",
                );
                return None;
            };
            Some(HealthCheck::Heartbeat {
                path: path?,
                max_age: max_age?,
            })
        });
        if let (None, Some(age)) = (&heartbeat, fields.get("max_age")) {
            self.problem(&age, "max_age without file", "write file beside it");
        }
        let timeout = match fields.get("timeout") {
            Some(item) => self.duration(&item, false, LONGEST_STOP),
            None => Some(HEALTH_TIMEOUT),
        };
        let checks: Vec<Option<HealthCheck>> =
            [http, tcp, heartbeat].into_iter().flatten().collect();
        if checks.is_empty() {
            self.problem(item, "says not what to ask", "write http, tcp or file");
        }
        Some(Health {
            checks: checks.into_iter().flatten().collect(),
            timeout: timeout?,
        })
    }

    fn address(&mut self, item: &Item) -> Option<Address> {
        let text = self.word(item)?;
        let parsed = Address::parse(&text.value);
        parsed
            .map_err(|why| self.problem(item, format!("{} is no address", text.shown()), why))
            .ok()
    }

    fn page(&mut self, item: &Item) -> Option<HttpTarget> {
        let text = self.word(item)?;
        let parsed = HttpTarget::parse(&text.value);
        parsed
            .map_err(|why| self.problem(item, format!("{} is no page", text.shown()), why))
            .ok()
    }

    fn absolute(&mut self, item: &Item) -> Option<std::path::PathBuf> {
        let path = self.path(item)?;
        if path.is_absolute() {
            return Some(path);
        }
        self.problem(item, "is not absolute", "begin the path with /");
        None
    }
}

/// The first circle of processes that wait for each other, its first one at both ends.
fn circle(processes: &[Process]) -> Option<Vec<usize>> {
    let mut done = vec![false; processes.len()];
    (0..processes.len()).find_map(|start| walk(processes, start, &mut Vec::new(), &mut done))
}

fn walk(
    processes: &[Process],
    at: usize,
    path: &mut Vec<usize>,
    done: &mut [bool],
) -> Option<Vec<usize>> {
    if let Some(begins) = path.iter().position(|&seen| seen == at) {
        let mut circle = path.get(begins..)?.to_vec();
        circle.push(at);
        return Some(circle);
    }
    if *done.get(at)? {
        return None;
    }
    path.push(at);
    let before = &processes.get(at)?.after;
    let found = before
        .iter()
        .find_map(|&next| walk(processes, next, path, done));
    path.pop();
    *done.get_mut(at)? = true;
    found
}
