//! Scheduled tasks: the rules of `EventBridge`, once the definitions that they pin have served.

use super::run::{Arns, Run};
use super::writer::Changes;
use crate::aws::Events;
use crate::deploy::guard::Stop;
use crate::deploy::report::Event;
use crate::deploy::schedules;
use std::time::{Duration, Instant};

/// For one call.
const RULE: Duration = Duration::from_mins(1);

impl Run<'_> {
    pub(super) async fn schedules(&self, arns: &Arns) -> Result<(), Stop> {
        let arn = |name: &str| arns.get(name).cloned();
        let events = Events::new(self.deploy.calls);
        for step in self.plan.scheduled.iter().filter(|step| step.acts()) {
            let requests = schedules::requests(step, &arn);
            let requests = requests.map_err(|why| Stop::Refused(vec![why]))?;
            for request in &requests {
                let changes = Changes {
                    action: &request.write.action(),
                    resource: &request.rule,
                    request: &request.members,
                };
                let call = request.send(&events, Instant::now() + RULE);
                self.writer.recorded(&changes, call).await?;
                self.deploy.report.tell(&Event::Scheduled {
                    name: request.rule.clone(),
                    operation: request.write.operation(),
                });
            }
        }
        Ok(())
    }
}
