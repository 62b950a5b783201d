//! What the boot process tells PID 1 over their pipe: length-prefixed postcard frames.

use super::event::Supervision;
use super::group::plan::GroupPlan;
use crate::ecs::Task;
use crate::report::{Level, Line, Value, millis};
use nix::unistd::write;
use serde::{Deserialize, Serialize};
use std::os::fd::AsFd;
use std::time::Duration;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// How the app is to be supervised.
    Plan(Supervision),
    /// A path that must go if the boot fails, in the order of their making.
    Made(Vec<u8>),
    /// A path that stays, after all.
    Kept(Vec<u8>),
    /// A folder of our written files, or such a file: a shared lock on it tells others that we live.
    Hold(Vec<u8>),
    /// How long the boot may take to end once it was told to: a hook runs.
    Grace(Duration),
    /// A variable of the initial environment whose value must not stay readable.
    Scrub(Vec<u8>),
    /// The boot is done; `execve` comes next.
    Exec(Phases),
    /// The boot is done; these are to be started from the table once it has ended.
    Group(GroupPlan, Phases),
    /// `execve` failed.
    Failed,
}

/// How long each phase of a boot took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// The program, without its arguments.
    pub program: String,
    pub config: Duration,
    pub secrets: Duration,
    pub publish: Duration,
    /// The hooks before the app, if there are any.
    pub before: Option<Duration>,
    /// Scalars that were decrypted.
    pub decrypted: u32,
    /// Files that were written.
    pub written: u32,
    /// The task of ECS that this is.
    pub task: Option<Task>,
    /// What AWS was asked, if it was.
    pub aws: Option<AwsPhases>,
}

/// What AWS was asked during a boot. The times are from the first call of a kind to the end of its last,
/// and overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsPhases {
    /// Who gave the credentials, such as `ecs`.
    pub credentials: String,
    pub credentials_took: Duration,
    pub kms_calls: u64,
    pub kms_took: Duration,
    pub objects: u64,
    pub bytes: u64,
    pub s3_took: Duration,
    /// Calls to Parameter Store and Secrets Manager.
    pub store_calls: u64,
    pub retries: u64,
}

impl Message {
    /// Writes the message to the pipe, whose other end PID 1 always reads.
    pub fn write_to(&self, pipe: impl AsFd) -> nix::Result<()> {
        let Ok(body) = postcard::to_allocvec(self) else {
            return Err(nix::errno::Errno::EINVAL);
        };
        let Ok(length) = u32::try_from(body.len()) else {
            return Err(nix::errno::Errno::EMSGSIZE);
        };
        let mut frame = length.to_le_bytes().to_vec();
        frame.extend(body);
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            let written = write(pipe.as_fd(), rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Takes the first whole message off the buffer.
    pub fn take(buffer: &mut Vec<u8>) -> Option<Message> {
        let length: [u8; 4] = buffer.get(..4)?.try_into().ok()?;
        let end = usize::try_from(u32::from_le_bytes(length))
            .ok()?
            .checked_add(4)?;
        let message = postcard::from_bytes(buffer.get(4..end)?).ok();
        buffer.drain(..end);
        message
    }
}

impl Phases {
    /// The start line.
    pub fn line(&self, supervision: &Supervision, pid: i32, total: Duration) -> Line {
        let Supervision { mode, plan, .. } = supervision;
        let (stop, longest) = (&plan.name, supervision.longest_stop());
        let started = format!("{mode}: started {} as pid {pid}", self.program);
        let what = vec![
            ("mode", Value::Text(mode.clone())),
            ("program", Value::Text(self.program.clone())),
            ("pid", Value::Number(u64::from(pid.unsigned_abs()))),
        ];
        self.start_line(&started, what, (stop, longest), total)
    }

    /// The start line of codependent processes.
    pub fn group_line(&self, supervision: &Supervision, plan: &GroupPlan, total: Duration) -> Line {
        let mode = &supervision.mode;
        let longest = plan.total + supervision.after_total();
        let names: Vec<&str> = plan.members.iter().map(|one| one.name.as_str()).collect();
        let started = format!("{mode}: starts {}", names.join(", "));
        let what = vec![
            ("mode", Value::Text(mode.clone())),
            ("processes", Value::Text(names.join(" "))),
        ];
        self.start_line(&started, what, ("reverse order", longest), total)
    }

    fn start_line(
        &self,
        started: &str,
        what: Vec<(&'static str, Value)>,
        (stop, longest): (&str, Duration),
        total: Duration,
    ) -> Line {
        let mut parts = vec![format!("config {} ms", self.config.as_millis())];
        parts.extend(self.aws.iter().flat_map(AwsPhases::parts));
        if self.decrypted > 0 || self.written > 0 {
            parts.push(format!(
                "{} secrets {} ms",
                self.decrypted,
                self.secrets.as_millis()
            ));
            parts.push(format!(
                "{} files {} ms",
                self.written,
                self.publish.as_millis()
            ));
        }
        let before = self
            .before
            .map(|took| format!("before {} ms", took.as_millis()));
        parts.extend(before);
        let task = self.task.as_ref().map(shown).unwrap_or_default();
        let text = format!(
            "{started} in {} ms ({}){task}; a stop takes at most {longest:?} ({stop})",
            total.as_millis(),
            parts.join(", "),
        );
        let mut members = what;
        members.extend([
            ("ms", millis(total)),
            ("config_ms", millis(self.config)),
            ("secrets", Value::Number(self.decrypted.into())),
            ("secrets_ms", millis(self.secrets)),
            ("files", Value::Number(self.written.into())),
            ("publish_ms", millis(self.publish)),
            ("stop", Value::Text(stop.to_owned())),
            ("stop_max_ms", millis(longest)),
        ]);
        members.extend(self.before.map(|took| ("before_ms", millis(took))));
        if let Some(task) = &self.task {
            members.push(("task", Value::Text(task.id.clone())));
            members.push(("task_definition", Value::Text(task.definition.clone())));
            members.extend(
                task.zone
                    .iter()
                    .map(|zone| ("zone", Value::Text(zone.clone()))),
            );
        }
        members.extend(self.aws.iter().flat_map(AwsPhases::members));
        Line {
            level: Level::Info,
            event: "start",
            text,
            members,
        }
    }
}

fn shown(task: &Task) -> String {
    let zone = task.zone.as_ref().map(|zone| format!(" in {zone}"));
    let Task { id, definition, .. } = task;
    format!("; task {id} of {definition}{}", zone.unwrap_or_default())
}

impl AwsPhases {
    fn parts(&self) -> Vec<String> {
        let mut parts = vec![format!(
            "credentials from {} {} ms",
            self.credentials,
            self.credentials_took.as_millis()
        )];
        if self.kms_calls > 0 {
            let took = self.kms_took.as_millis();
            parts.push(format!("{} KMS calls {took} ms", self.kms_calls));
        }
        if self.store_calls > 0 {
            parts.push(format!(
                "{} calls to SSM and Secrets Manager",
                self.store_calls
            ));
        }
        if self.objects > 0 {
            let (objects, bytes) = (self.objects, self.bytes);
            let took = self.s3_took.as_millis();
            parts.push(format!("{objects} objects of {bytes} bytes {took} ms"));
        }
        if self.retries > 0 {
            parts.push(format!("{} retries", self.retries));
        }
        parts
    }

    fn members(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("credentials", Value::Text(self.credentials.clone())),
            ("credentials_ms", millis(self.credentials_took)),
            ("kms_calls", Value::Number(self.kms_calls)),
            ("kms_ms", millis(self.kms_took)),
            ("objects", Value::Number(self.objects)),
            ("object_bytes", Value::Number(self.bytes)),
            ("s3_ms", millis(self.s3_took)),
            ("store_calls", Value::Number(self.store_calls)),
            ("retries", Value::Number(self.retries)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::{Plan, Spec};
    use std::collections::BTreeMap;
    use std::io::Read;

    #[test]
    fn messages_survive_the_pipe() {
        let supervision = Supervision {
            mode: "web".into(),
            plan: Plan::new(&Spec::default(), None),
            exit: BTreeMap::from([(143, 0)]),
            max_runtime: Some(Duration::from_secs(9)),
            app_has_terminal: true,
            oom_kills: Some(3),
            after: Vec::new(),
        };
        let messages = [
            Message::Plan(supervision),
            Message::Made(b"/a\xff".to_vec()),
            Message::Exec(Phases::default()),
            Message::Failed,
        ];
        let (mut reader, writer) = std::io::pipe().unwrap();
        for message in &messages {
            message.write_to(&writer).unwrap();
        }
        drop(writer);
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        let mut buffer = Vec::new();
        let mut seen = Vec::new();
        for byte in bytes {
            buffer.push(byte);
            seen.extend(Message::take(&mut buffer));
        }
        assert_eq!(seen, messages);
        assert!(buffer.is_empty());
    }
}
