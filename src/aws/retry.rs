//! How often a call is tried, and how long it waits between: the SDK's own retries are off, because a boot
//! waits out a throttle as long as its deadline lets it, and gives up on anything else soon.

use super::counters::Counters;
use super::error::{AwsError, Kind};
use std::time::{Duration, Instant};

/// Retries of a call that broke on the way; with the waits between they take two seconds at most.
const BROKEN: u32 = 3;
/// Retries of a throttled call: up to 40 seconds in all, most of a boot's minute.
const THROTTLED: u32 = 12;

/// How long to wait before the next attempt after `failures` of them, `None` to give up. `random` in 0..=1
/// spreads the callers: all of a task's decrypts, and all tasks of a deploy, are throttled at once.
fn delay(kind: Kind, failures: u32, random: f64) -> Option<Duration> {
    let (most, base, cap) = match kind {
        Kind::Throttled => (THROTTLED, 0.2, 5.0),
        Kind::Timeout
        | Kind::Connect
        | Kind::Unavailable
        | Kind::Reply
        | Kind::Incomplete
        | Kind::Checksum => (BROKEN, 0.1, 1.0),
        _ => return None,
    };
    if failures > most {
        return None;
    }
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let full = f64::min(base * 2f64.powi(exponent), cap);
    Some(Duration::from_secs_f64(full * (0.5 + 0.5 * random)))
}

/// Calls `attempt` until it succeeds, fails for good, or the deadline comes; the last failure is returned.
/// `unanswered` is the error of an attempt that the deadline cut off.
pub(crate) async fn call<T>(
    counters: &Counters,
    deadline: Instant,
    unanswered: impl Fn() -> AwsError,
    mut attempt: impl AsyncFnMut() -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let mut failures = 0;
    let mut last = None;
    loop {
        let error = match tokio::time::timeout_at(deadline.into(), attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_) => return Err(last.map_or_else(unanswered, |error| tried(error, failures + 1))),
        };
        failures += 1;
        match delay(error.kind, failures, random()) {
            Some(wait) if Instant::now() + wait < deadline => {
                counters.retry();
                last = Some(error);
                tokio::time::sleep(wait).await;
            }
            _ => return Err(tried(error, failures)),
        }
    }
}

fn tried(mut error: AwsError, attempts: u32) -> AwsError {
    if attempts > 1 {
        let colon = if error.detail.is_empty() { "" } else { ": " };
        error.detail = format!("after {attempts} attempts{colon}{}", error.detail);
    }
    error
}

fn random() -> f64 {
    // Without the kernel's random bytes the callers are merely not spread.
    f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(kind: Kind, random: f64) -> Vec<Duration> {
        (1..)
            .map_while(|failures| delay(kind, failures, random))
            .collect()
    }

    #[test]
    fn access_errors_fail_at_once() {
        for kind in [
            Kind::Denied,
            Kind::NotFound,
            Kind::Expired,
            Kind::Credentials,
            Kind::TooLarge,
        ] {
            assert_eq!(delay(kind, 1, 0.0), None, "{kind:?}");
        }
    }

    #[test]
    fn a_throttle_is_waited_out_and_a_break_is_not() {
        let total = |kind, random| waits(kind, random).iter().sum::<Duration>();
        assert_eq!(waits(Kind::Throttled, 1.0).len(), 12);
        assert!(total(Kind::Throttled, 0.0) > Duration::from_secs(15));
        assert!(total(Kind::Throttled, 1.0) < Duration::from_secs(45));
        assert_eq!(waits(Kind::Connect, 0.0).len(), 3);
        assert!(total(Kind::Connect, 1.0) < Duration::from_secs(2));
    }

    #[test]
    fn jitter_spreads_over_half_of_the_wait() {
        let (least, most) = (
            delay(Kind::Throttled, 3, 0.0),
            delay(Kind::Throttled, 3, 1.0),
        );
        assert_eq!(least, Some(Duration::from_millis(400)));
        assert_eq!(most, Some(Duration::from_millis(800)));
    }

    fn error(kind: Kind) -> AwsError {
        AwsError::new(kind, "kms:Decrypt", "", "reason")
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_keeps_the_reason_of_the_last_failure() {
        let counters = Counters::default();
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut first = true;
        let result: Result<(), _> = call(
            &counters,
            deadline,
            || error(Kind::Timeout),
            async || {
                if std::mem::take(&mut first) {
                    return Err(error(Kind::Connect));
                }
                std::future::pending().await
            },
        )
        .await;
        let error = result.unwrap_err();
        assert_eq!(error.kind, Kind::Connect);
        assert_eq!(error.detail, "after 2 attempts: reason");
        assert!(tokio::time::Instant::now() >= deadline.into());
        assert_eq!(counters.counts().retries, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_past_the_deadline_is_not_begun() {
        let counters = Counters::default();
        let deadline = Instant::now() + Duration::from_millis(50);
        let begun = tokio::time::Instant::now();
        let result: Result<(), _> = call(
            &counters,
            deadline,
            || error(Kind::Timeout),
            async || Err(error(Kind::Throttled)),
        )
        .await;
        assert_eq!(result.unwrap_err().kind, Kind::Throttled);
        assert_eq!(counters.counts().retries, 0);
        assert_eq!(tokio::time::Instant::now(), begun);
    }
}
