//! Whether the database answers, asked once for all who want to know at the same time: anyone may, as often as they like.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::patience::within;

/// What the database answered last, and until when that stands.
#[derive(Debug)]
pub struct Ready {
    fresh: Duration,
    last: Mutex<Option<(bool, Instant)>>,
}

impl Default for Ready {
    fn default() -> Self {
        Self::new(Duration::from_millis(250))
    }
}

impl Ready {
    /// One whose answers stand for so long.
    #[must_use]
    pub fn new(fresh: Duration) -> Self {
        Self { fresh, last: Mutex::default() }
    }

    /// What `ping` finds. While one is under way, whoever else wants to know waits for its answer.
    pub async fn ask(&self, ping: impl Future<Output = bool>) -> bool {
        let mut last = self.last.lock().await;
        if let Some((answered, until)) = *last
            && within(Duration::ZERO) < until
        {
            return answered;
        }
        let answered = ping.await;
        *last = Some((answered, within(self.fresh)));
        answered
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    /// How often the database is asked by ten at once and one later, and what all of them hear.
    async fn asked(fresh: Duration, answer: bool) -> usize {
        let (ready, pings) = (Ready::new(fresh), Cell::new(0));
        let ask = || {
            ready.ask(async {
                pings.set(pings.get() + 1);
                yield_now().await;
                answer
            })
        };
        let heard = join_all((0..10).map(|_| ask())).await;
        assert!(heard.into_iter().all(|it| it == answer) && ask().await == answer);
        pings.get()
    }

    #[actix_web::test]
    async fn all_who_want_to_know_at_once_hear_one_answer() {
        for answer in [true, false] {
            assert_eq!(asked(Duration::from_hours(1), answer).await, 1);
            // The control.
            assert_eq!(asked(Duration::ZERO, answer).await, 11);
        }
    }
}
