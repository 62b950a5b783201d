//! Which nodes go first: from the zone that has most, the emptiest, and of these the oldest.

use super::snapshot::{Instance, Tasks};
use std::collections::BTreeMap;

/// A node that may go.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    pub instance: &'a Instance,
    pub tasks: Tasks,
}

/// How many instances stay in each zone, in the order in which the group names them.
#[derive(Default)]
pub struct Zones<'a> {
    counts: BTreeMap<&'a str, (usize, u32)>,
}

impl<'a> Zones<'a> {
    pub fn of(staying: impl Iterator<Item = &'a Instance>) -> Zones<'a> {
        let mut zones = Zones::default();
        for instance in staying {
            let next = zones.counts.len();
            let (_, count) = zones.counts.entry(&instance.zone).or_insert((next, 0));
            *count += 1;
        }
        zones
    }

    fn place(&self, instance: &Instance) -> (usize, u32) {
        self.counts
            .get(&*instance.zone)
            .copied()
            .unwrap_or_default()
    }

    fn largest(&self) -> u32 {
        let counts = self.counts.values().map(|(_, count)| *count);
        counts.max().unwrap_or(0)
    }
}

/// At most `most` nodes with at most `surplus` units. A zone that has fewer than others loses none, even
/// if that means that none goes: ECS and EC2 would only balance what is left.
pub fn choose<'a>(
    mut zones: Zones<'a>,
    mut candidates: Vec<Candidate<'a>>,
    mut surplus: u32,
    most: usize,
) -> Vec<&'a Instance> {
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let largest = zones.largest();
        let may = |one: &&Candidate| {
            one.instance.units <= surplus && zones.place(one.instance).1 == largest
        };
        let rank = |one: &&Candidate| {
            let Candidate { instance, tasks } = one;
            let (zone, _) = zones.place(instance);
            let stake = (tasks.one_off > 0, tasks.at_stake());
            (stake, zone, instance.launched, instance.id.clone())
        };
        let Some(best) = candidates.iter().filter(may).min_by_key(rank).copied() else {
            break;
        };
        candidates.retain(|one| one.instance.id != best.instance.id);
        if let Some((_, count)) = zones.counts.get_mut(&*best.instance.zone) {
            *count -= 1;
        }
        surplus -= best.instance.units;
        chosen.push(best.instance);
    }
    chosen
}
