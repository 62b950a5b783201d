//! Which nodes go first: from the zone that has most, the emptiest, and of these the oldest.

use super::snapshot::{Instance, Tasks};
use jiff::Timestamp;
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
}

/// What is lost with a node: whether a task of no service is, and how many tasks are.
type Stake = (bool, u32);

/// Those that go first are the smallest: by their tasks, then by zone, then by age.
type Rank<'a> = (Stake, usize, Timestamp, &'a str);

/// A zone's candidates, of which the last goes first.
struct Zone<'a> {
    staying: u32,
    candidates: Vec<(Rank<'a>, &'a Instance)>,
}

impl<'a> Zone<'a> {
    /// The first that may still go: what was too large for the surplus stays so.
    fn first(&mut self, surplus: u32) -> Option<Rank<'a>> {
        while self.candidates.last()?.1.units > surplus {
            self.candidates.pop();
        }
        self.candidates.last().map(|(rank, _)| *rank)
    }
}

/// At most `most` nodes with at most `surplus` units. A zone that has fewer than others loses none, even
/// if that means that none goes: ECS and EC2 would only balance what is left.
pub fn choose<'a>(
    zones: &Zones<'a>,
    candidates: impl Iterator<Item = Candidate<'a>>,
    mut surplus: u32,
    most: usize,
) -> Vec<&'a Instance> {
    let mut zones = by_zone(zones, candidates);
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let largest = zones.iter().map(|zone| zone.staying).max();
        let largest = zones
            .iter_mut()
            .filter(|zone| Some(zone.staying) == largest);
        let firsts = largest.filter_map(|zone| Some((zone.first(surplus)?, zone)));
        let Some((_, zone)) = firsts.min_by_key(|(rank, _)| *rank) else {
            break;
        };
        let Some((_, instance)) = zone.candidates.pop() else {
            break;
        };
        zone.staying -= 1;
        surplus -= instance.units;
        chosen.push(instance);
    }
    chosen
}

fn by_zone<'a>(
    zones: &Zones<'a>,
    candidates: impl Iterator<Item = Candidate<'a>>,
) -> Vec<Zone<'a>> {
    let counts = zones.counts.values();
    let mut sorted: Vec<(usize, u32)> = counts.copied().collect();
    sorted.sort_unstable();
    let mut by_zone: Vec<Zone> = sorted
        .into_iter()
        .map(|(_, staying)| Zone {
            staying,
            candidates: Vec::new(),
        })
        .collect();
    for Candidate { instance, tasks } in candidates {
        let place = zones.counts.get(&*instance.zone).map(|(place, _)| *place);
        let Some((place, zone)) = place.and_then(|place| Some((place, by_zone.get_mut(place)?)))
        else {
            continue;
        };
        let stake = (tasks.one_off > 0, tasks.at_stake());
        let rank = (stake, place, instance.launched, &*instance.id);
        zone.candidates.push((rank, instance));
    }
    for zone in &mut by_zone {
        zone.candidates
            .sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
    }
    by_zone
}
