//! How nodes go: orphans at once, chosen ones when they are empty or their time is up, and who is chosen.

use super::memory::{Leaving, elapsed};
use super::nodes::{Member, Nodes};
use super::snapshot::{Instance, InstanceState, NodeStatus};
use super::victims::{Candidate, Zones, choose};
use super::why::Why;
use crate::autoscale::config::Busy;

impl<'a> Nodes<'a> {
    /// Instances that never came; what is left of the surplus.
    pub(super) fn end_orphans(&mut self, orphans: &[&Instance], mut surplus: u32) -> u32 {
        let most = self.budget();
        for instance in orphans.iter().take(most) {
            let lowers = instance.units <= surplus;
            if lowers {
                surplus -= instance.units;
            }
            let age = elapsed(instance.launched, self.now);
            self.memory.chosen.push_back(self.now);
            self.end(instance, lowers, Why::Orphan { age });
        }
        surplus
    }

    /// Chosen nodes whose time has come. `surplus`: what the group has beyond its target, these included.
    pub(super) fn end_leaving(&mut self, mut surplus: u32) {
        let leaving = self.memory.leaving.iter();
        let mut leaving: Vec<_> = leaving
            .map(|(id, leaving)| (*leaving, id.clone()))
            .collect();
        leaving.sort_by_key(|(leaving, _)| leaving.since);
        for (leaving, id) in leaving {
            let Some(Member {
                instance,
                node: Some(node),
            }) = self.going.get(&*id).copied()
            else {
                continue;
            };
            if surplus < instance.units || instance.protected {
                self.held.push(Why::Kept { instance: id });
                continue;
            }
            surplus -= instance.units;
            if node.status == NodeStatus::Active {
                // Its time begins when it drains.
                if let Some(again) = self.memory.leaving.get_mut(&id) {
                    again.since = self.now;
                }
                self.drain(instance, Why::DrainAgain);
                continue;
            }
            let tasks = node.tasks.at_stake();
            if tasks == 0 && node.connected {
                self.end(instance, true, Why::Empty);
            } else if elapsed(leaving.since, self.now) >= self.group.removal.wait {
                self.end(instance, true, Why::TimeIsUp { tasks });
            } else {
                self.held.push(Why::Draining {
                    instance: id,
                    tasks,
                });
            }
        }
    }

    /// Chooses nodes and lets them drain.
    pub(super) fn remove(&mut self, surplus: u32, need: u32, deployed: Option<Why>) {
        if surplus == 0 {
            return;
        }
        if let Some(deployed) = deployed {
            self.held.push(deployed);
            return;
        }
        let launching = |member: &Member| member.instance.state == InstanceState::Launching;
        if self.members.iter().any(launching) {
            self.held.push(Why::Launching);
            return;
        }
        let most = self.budget();
        let stays = |member: &&Member| !self.memory.leaving.contains_key(&member.instance.id);
        let staying = || self.members.iter().filter(stays);
        let zones = Zones::of(staying().map(|member| member.instance));
        let candidates = staying().filter_map(|member| self.candidate(*member));
        let chosen = choose(&zones, candidates, surplus, most);
        let units: u32 = chosen.iter().map(|instance| instance.units).sum();
        let full = chosen.len() == most;
        for instance in chosen {
            let leaving = Leaving {
                since: self.now,
                ours: true,
            };
            self.memory.leaving.insert(instance.id.clone(), leaving);
            self.memory.chosen.push_back(self.now);
            let zone = instance.zone.clone();
            self.drain(instance, Why::Surplus { need, zone });
        }
        let surplus = surplus - units;
        if surplus > 0 {
            self.held.push(match full {
                false => Why::NoCandidate { surplus },
                true if self.hour_left() == 0 => Why::PerHour { surplus },
                true => Why::PerPoll { surplus },
            });
        }
    }

    fn candidate(&self, member: Member<'a>) -> Option<Candidate<'a>> {
        let node = member.node?;
        let tasks = node.tasks;
        let quiet = tasks.pending == 0 && tasks.protected == 0;
        let free = self.group.removal.busy == Busy::Drain || tasks.service == 0;
        let in_service = member.instance.state == InstanceState::InService;
        let usable = node.status == NodeStatus::Active && node.connected;
        let may = quiet && free && in_service && usable && !member.instance.protected;
        may.then_some(Candidate {
            instance: member.instance,
            tasks,
        })
    }

    /// How many nodes may be chosen now.
    fn budget(&self) -> usize {
        let chosen_now = self
            .actions
            .iter()
            .filter(|action| matches!(action.why, Why::Orphan { .. } | Why::Surplus { .. }));
        let per_poll = usize::try_from(self.group.removal.per_poll).unwrap_or(usize::MAX);
        per_poll
            .saturating_sub(chosen_now.count())
            .min(self.hour_left())
    }

    fn hour_left(&self) -> usize {
        let per_hour = usize::try_from(self.group.removal.per_hour).unwrap_or(usize::MAX);
        per_hour.saturating_sub(self.memory.chosen.len())
    }
}
