//! The stop plan: what is sent to whom, when, and when KILL ends it.

use super::{Preset, Spec, Step, Target};
use crate::sys::signal::Sig;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One signal of a plan, and how long it may work before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// `None`: the very signal that asked for the stop.
    pub signal: Option<Sig>,
    pub to: Target,
    pub wait: Duration,
}

/// What happens from the signal that asks for a stop to the last KILL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub name: String,
    pub on: Vec<Sig>,
    /// A signal that only the booted server catches; until then a stop is plain TERM without a drain.
    pub ready: Option<Sig>,
    /// How long the stop is put off while the command may end by itself.
    pub defer: Duration,
    /// How long the server keeps serving before the first signal.
    pub drain: Duration,
    /// Never empty.
    pub sends: Vec<Send>,
    /// Every signal of `on` means the same, so that a repeat of any is swallowed, and a Ctrl-C must
    /// come to entry first.
    pub translates: bool,
    /// The server hands over to a new master when it is told to (USR2): its own end need not be the app's.
    pub upgrades: bool,
}

/// The cap of `ENTRY_STOP_TIMEOUT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopTimeout(Duration);

impl StopTimeout {
    /// Reads seconds (`30`, as ECS writes `stopTimeout`) or a duration (`1m`).
    ///
    /// # Errors
    /// Where the text is neither, or zero.
    pub fn parse(text: &str) -> Result<StopTimeout, String> {
        let parsed = match text.parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => humantime::parse_duration(text).ok(),
        };
        parsed
            .filter(|cap| !cap.is_zero())
            .map(StopTimeout)
            .ok_or_else(|| {
                format!(
                    "ENTRY_STOP_TIMEOUT is {text:?}: give seconds above 0 (30) or a duration (45s)"
                )
            })
    }

    /// All there is for a stop.
    pub fn limit(self) -> Duration {
        self.0
    }

    /// What is left for the app's own plan where something else takes `taken`; nothing if that is all of it.
    pub fn less(self, taken: Duration) -> Option<StopTimeout> {
        let left = self.0.checked_sub(taken)?;
        (!left.is_zero()).then_some(StopTimeout(left))
    }

    /// A cap of this length.
    pub fn new(limit: Duration) -> StopTimeout {
        StopTimeout(limit)
    }
}

impl Plan {
    /// The plan that a spec means, its preset's values filled in, within the cap.
    pub fn new(spec: &Spec, cap: Option<StopTimeout>) -> Plan {
        let defaults = spec.preset.defaults();
        let mut plan = Plan {
            name: spec.preset.name().to_owned(),
            on: spec.on.clone().unwrap_or_else(|| defaults.on.to_vec()),
            ready: defaults.ready,
            defer: spec.defer.unwrap_or_default(),
            drain: spec.drain.unwrap_or(defaults.drain),
            sends: defaults.sends,
            translates: defaults.translates,
            upgrades: matches!(spec.preset, Preset::Unicorn | Preset::Nginx),
        };
        if let Some(steps) = &spec.steps {
            plan.take_steps(steps, spec.preset);
        } else if let (Some(grace), Some(last)) = (spec.grace, plan.sends.first_mut()) {
            last.wait = grace;
        }
        if let Some(StopTimeout(cap)) = cap {
            plan.shorten(cap);
        }
        plan
    }

    /// How long the plan takes at most, KILL included.
    pub fn total(&self) -> Duration {
        self.defer + self.drain + self.grace()
    }

    /// How long its signals may work, KILL aside.
    pub fn grace(&self) -> Duration {
        self.sends.iter().map(|send| send.wait).sum()
    }

    fn take_steps(&mut self, steps: &[Step], preset: Preset) {
        self.drain = Duration::ZERO;
        self.sends.clear();
        self.translates = true;
        if preset == Preset::Plain {
            "steps".clone_into(&mut self.name);
        }
        for step in steps {
            match (step, self.sends.last_mut()) {
                (Step::Signal { signal, to }, _) => {
                    self.sends.push(Send {
                        signal: Some(*signal),
                        to: *to,
                        wait: Duration::ZERO,
                    });
                }
                (Step::Wait(wait), Some(send)) => send.wait += *wait,
                (Step::Wait(wait), None) => self.drain += *wait,
            }
        }
    }

    /// Cuts the plan to `cap`. What comes before the first signal is cut first: a server that is never
    /// asked to stop loses more than one that is asked early. The signals then share what is left.
    fn shorten(&mut self, cap: Duration) {
        let mut excess = self.total().saturating_sub(cap);
        for wait in [&mut self.defer, &mut self.drain] {
            let cut = excess.min(*wait);
            *wait -= cut;
            excess -= cut;
        }
        let grace = self.grace();
        if !excess.is_zero() {
            let share = cap.as_secs_f64() / grace.as_secs_f64();
            self.sends
                .iter_mut()
                .for_each(|send| send.wait = send.wait.mul_f64(share));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn capped(spec: &Spec, seconds: u64) -> Plan {
        Plan::new(spec, Some(StopTimeout(secs(seconds))))
    }

    #[test]
    fn presets_fit_into_the_default_stop_timeout() {
        for (name, preset) in Preset::ALL {
            let plan = Plan::new(
                &Spec {
                    preset,
                    ..Spec::default()
                },
                None,
            );
            assert!(plan.total() < secs(28), "{name}: {:?}", plan.total());
            assert!(!plan.sends.is_empty(), "{name}");
            assert_eq!(plan.name, name);
        }
    }

    #[test]
    fn a_grace_is_that_of_the_graceful_signal() {
        let spec = Spec {
            preset: Preset::Resque,
            grace: Some(secs(60)),
            ..Spec::default()
        };
        let waits: Vec<_> = Plan::new(&spec, None)
            .sends
            .iter()
            .map(|send| send.wait)
            .collect();
        assert_eq!(waits, [secs(60), secs(7)]);
    }

    #[test]
    fn a_cap_takes_from_the_drain_before_the_grace() {
        let spec = Spec {
            preset: Preset::Unicorn,
            drain: Some(secs(10)),
            grace: Some(secs(15)),
            ..Spec::default()
        };
        let at = |seconds| {
            let plan = capped(&spec, seconds);
            (plan.drain, plan.sends[0].wait)
        };
        assert_eq!(at(60), (secs(10), secs(15)));
        assert_eq!(at(20), (secs(5), secs(15)));
        assert_eq!(at(10), (Duration::ZERO, secs(10)));
        assert_eq!(at(1), (Duration::ZERO, secs(1)));
    }

    #[test]
    fn a_cap_leaves_each_signal_its_share() {
        let spec = Spec {
            preset: Preset::Resque,
            ..Spec::default()
        };
        let waits: Vec<_> = capped(&spec, 9)
            .sends
            .iter()
            .map(|send| send.wait)
            .collect();
        let shares: Vec<_> = waits.iter().map(std::time::Duration::as_millis).collect();
        assert_eq!(shares, [6666, 2333]);
    }

    #[test]
    fn steps_replace_the_presets_signals() {
        let signal = |signal| Step::Signal {
            signal,
            to: Target::Main,
        };
        let steps = vec![
            Step::Wait(secs(2)),
            signal(Sig::TSTP),
            Step::Wait(secs(3)),
            signal(Sig::TERM),
        ];
        let plan = Plan::new(
            &Spec {
                steps: Some(steps),
                ..Spec::default()
            },
            None,
        );
        assert_eq!(
            (plan.drain, plan.total(), plan.sends.len()),
            (secs(2), secs(5), 2)
        );
        assert_eq!(plan.sends[1].signal, Some(Sig::TERM));
    }

    #[test]
    fn stop_timeouts() {
        assert_eq!(StopTimeout::parse("30"), Ok(StopTimeout(secs(30))));
        assert_eq!(StopTimeout::parse("1m 30s"), Ok(StopTimeout(secs(90))));
        for bad in ["", "0", "-1", "soon", "0s"] {
            assert!(StopTimeout::parse(bad).is_err(), "{bad}");
        }
    }
}
