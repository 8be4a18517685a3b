//! When what failed is tried again.

use chrono::TimeDelta;

/// After each attempt that failed, how many seconds until the next: over three days, as Standard Webhooks has it.
const DELAYS: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The longest that a receiver's `Retry-After` is heeded.
const LONGEST: i64 = 86_400;

/// How long without a success until a webhook is disabled.
pub(crate) const GIVES_UP: TimeDelta = TimeDelta::days(5);

/// How long to wait after so many attempts, none of which succeeded: none where it isn't tried again. `jitter` is in thousandths,
/// at most 200 of them either way.
pub(crate) fn delay(attempts: i32, jitter: i32, retry_after: Option<u32>) -> Option<TimeDelta> {
    let delay = DELAYS.get(usize::try_from(attempts).ok()?.checked_sub(1)?)?;
    let milliseconds = delay * (1000 + i64::from(jitter.clamp(-200, 200)));
    let asked = i64::from(retry_after.unwrap_or(0)).min(LONGEST) * 1000;
    Some(TimeDelta::milliseconds(milliseconds.max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_07_ten_attempts_within_the_jitter() {
        assert_eq!(delay(0, 0, None), None);
        for (attempt, seconds) in (1..).zip(DELAYS) {
            for (jitter, thousandths) in [(-200, 800), (0, 1000), (200, 1200), (999, 1200), (-999, 800)] {
                let wanted = TimeDelta::milliseconds(seconds * thousandths);
                assert_eq!(delay(attempt, jitter, None), Some(wanted), "{attempt} {jitter}");
            }
        }
        assert_eq!(delay(10, 0, None), None);
    }

    #[test]
    fn w_07_a_receiver_may_ask_for_a_day_and_no_more() {
        assert_eq!(delay(1, 0, Some(120)), Some(TimeDelta::seconds(120)));
        assert_eq!(delay(2, 0, Some(1)), Some(TimeDelta::seconds(300)));
        assert_eq!(delay(1, 0, Some(u32::MAX)), Some(TimeDelta::days(1)));
    }
}
