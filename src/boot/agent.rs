//! The ECS agent: asked early, heard late, so that nothing waits for it that need not.

use crate::config::Mode;
use crate::ecs::{self, Task};
use crate::probe::{Exchange, page_of};
use crate::report::{Line, Report};
use std::time::Duration;

/// The metadata is only for a line of the log.
const METADATA: Duration = Duration::from_millis(500);
/// Protection is a call of the agent to ECS, and the app is not to begin without it.
const PROTECTION: Duration = Duration::from_secs(10);

/// What was asked.
pub struct Asked {
    metadata: Option<Exchange>,
    protection: Option<Result<Exchange, String>>,
}

/// Asks, if this is a task of ECS.
pub fn ask(mode: &Mode) -> Asked {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let metadata = variable("ECS_CONTAINER_METADATA_URI_V4")
        .and_then(|base| page_of(&base, "/task"))
        .and_then(|page| Exchange::send("GET", &page, None, METADATA).ok());
    let protection = mode.protect.then(|| {
        let base = variable("ECS_AGENT_URI")
            .ok_or("$ECS_AGENT_URI is not set: this is no task of ECS, or its agent is too old")?;
        let page = page_of(&base, "/task-protection/v1/state")
            .ok_or("$ECS_AGENT_URI is no address of an agent")?;
        let body = ecs::protect(mode.max_runtime);
        let sent = Exchange::send("PUT", &page, Some(&body), PROTECTION);
        sent.map_err(|unwell| unwell.to_string())
    });
    Asked {
        metadata,
        protection,
    }
}

impl Asked {
    /// Hears the answers. Without protection the app starts all the same, and a line says so: it can be
    /// replaced while it works, as any task can.
    pub fn hear(self, mode: &str, report: &Report) -> Option<Task> {
        if let Some(asked) = self.protection {
            let granted = asked.and_then(|exchange| {
                let answer = exchange.answer(PROTECTION);
                ecs::protected(&answer.map_err(|unwell| unwell.to_string())?)
            });
            if let Err(why) = granted {
                report.say(&Line::warning(format!(
                    "mode {mode}: protect: the task is not protected: {why}"
                )));
            }
        }
        ecs::task(&self.metadata?.answer(METADATA).ok()?)
    }
}
