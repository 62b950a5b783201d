//! What these tests share: a file in short, and the snapshot of one service.

use entry::autoscale::config::{Config, load};
use entry::autoscale::decide::{Act, Alarm, Decision, Memory, Service, Snapshot, decide};
use entry::autoscale::{AlarmState, ServiceId};
use entry::config::Text;
use jiff::Timestamp;
use std::ffi::OsString;

pub fn variable(name: &str) -> Option<OsString> {
    match name {
        "CANARY" => Some("canary-4711".into()),
        "CLUSTER" => Some("main".into()),
        _ => None,
    }
}

pub fn config(text: &str) -> Config {
    let text = Text {
        file: "f.yml".to_owned(),
        text: text.to_owned(),
    };
    match load(&text, &variable) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{problems}"),
    }
}

/// Seconds after some midnight.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_272_000 + seconds).unwrap()
}

/// One service without nodes, polled by hand.
pub struct Single {
    pub config: Config,
    pub seen: Service,
    pub memory: Memory,
    pub last: Decision,
}

impl Single {
    /// `service`: its keys but name, in one line.
    pub fn new(service: &str, count: u32) -> Single {
        let text = format!("simple_scaling: [{{name: g, services: [{{name: s, {service}}}]}}]");
        Single {
            config: config(&text),
            seen: Service {
                desired: count,
                running: count,
                ..Service::default()
            },
            memory: Memory::default(),
            last: Decision::default(),
        }
    }

    pub fn id(&self) -> ServiceId {
        self.config.groups[0].services[0].id.clone()
    }

    /// A poll with these alarms in ALARM, and with `?` behind them unknown; all others are OK.
    pub fn poll(&mut self, seconds: i64, alarms: &[&str]) -> u32 {
        let now = at(seconds);
        let service = &self.config.groups[0].services[0];
        let mut snapshot = Snapshot::default();
        for trigger in service.upscale.iter().chain(&service.downscale) {
            let name = &*trigger.alarm.name;
            if alarms.contains(&&*format!("{name}?")) {
                continue;
            }
            let state = match (
                alarms.contains(&name),
                alarms.contains(&&*format!("{name}-")),
            ) {
                (true, _) => AlarmState::Alarm,
                (_, true) => AlarmState::InsufficientData,
                _ => AlarmState::Ok,
            };
            snapshot
                .alarms
                .insert(trigger.alarm.clone(), alarm(state, now));
        }
        snapshot.services.insert(self.id(), self.seen.clone());
        self.last = decide(&self.config, &snapshot, self.memory.clone(), now);
        self.memory = self.last.memory.clone();
        for action in &self.last.actions {
            let Act::SetCount { from, to, .. } = action.act else {
                panic!("{}", action.act);
            };
            assert_eq!(from, self.seen.desired);
            self.seen.desired = to;
            self.seen.running = to;
        }
        self.seen.desired
    }

    /// `1:u=>9 100:=>9`: polls with their alarms, and the counts after them.
    pub fn follows(&mut self, sequence: &str) {
        for poll in sequence.split_whitespace() {
            let (time, rest) = poll.split_once(':').unwrap();
            let (alarms, count) = rest.split_once("=>").unwrap();
            let alarms: Vec<&str> = alarms.split('+').collect();
            let found = self.poll(time.parse().unwrap(), &alarms);
            assert_eq!(
                found.to_string(),
                count,
                "{poll} of {sequence}: {:?}",
                self.last
            );
        }
    }

    /// What was said in the last poll.
    pub fn said(&self) -> String {
        let done = self
            .last
            .actions
            .iter()
            .map(|action| format!("{}: {}", action.act, action.why));
        let held = self
            .last
            .reasons
            .iter()
            .map(|reason| reason.why.to_string());
        done.chain(held).collect::<Vec<_>>().join("; ")
    }
}

pub fn alarm(state: AlarmState, now: Timestamp) -> Alarm {
    Alarm { state, since: now }
}
