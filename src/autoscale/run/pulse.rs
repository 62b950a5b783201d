//! When to look again.

use std::time::Duration;

/// A follower looks for a leader's end that often, if polls are not more frequent.
const FOLLOW: Duration = Duration::from_secs(10);

/// What is left between two polls that take longer than the interval, as a part of it.
const REST: u32 = 10;

/// A twentieth in all: so far apart are polls of the same interval that began together.
const JITTER: u32 = 20;

/// How long to wait after a poll that took so long. `random` shifts it by a twentieth to either side; what a long
/// poll has missed is not made up for.
#[must_use]
pub fn rest(interval: Duration, took: Duration, random: u32) -> Duration {
    let least = interval.saturating_sub(interval / JITTER);
    let shift = f64::from(random) / f64::from(u32::MAX);
    let shifted = least + (interval / JITTER * 2).mul_f64(shift);
    shifted.saturating_sub(took).max(interval / REST)
}

/// How long a follower waits, if the lease ends after `left` unless it is renewed.
#[must_use]
pub fn follow(interval: Duration, left: Duration) -> Duration {
    let just_after = left + Duration::from_millis(1);
    just_after.min(interval).min(FOLLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_MINUTE: Duration = Duration::from_secs(30);

    #[test]
    fn polls_are_an_interval_apart() {
        let rest = |took, random| rest(HALF_MINUTE, Duration::from_secs(took), random).as_millis();
        assert_eq!(rest(0, 0), 28_500);
        assert_eq!(rest(0, u32::MAX), 31_500);
        assert!((29_999..=30_000).contains(&rest(0, u32::MAX / 2)));
        assert_eq!(rest(4, 0), 24_500);
        assert_eq!(rest(27, 0), 3_000);
        assert_eq!(rest(500, u32::MAX), 3_000);
    }

    #[test]
    fn a_follower_is_there_when_the_lease_ends() {
        let follow = |left| follow(HALF_MINUTE, Duration::from_millis(left)).as_millis();
        assert_eq!(follow(60_000), 10_000);
        assert_eq!(follow(3_000), 3_001);
        assert_eq!(follow(0), 1);
    }
}
