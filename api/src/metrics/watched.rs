use actix_web::web::Data;
use chrono::TimeDelta;

use crate::State;

/// A request that is being answered, as it is counted.
pub(crate) struct Watched {
    state: Data<State>,
    operation: String,
    ended: bool,
}

impl Watched {
    pub(crate) fn begin(state: &Data<State>, operation: &str) -> Self {
        state.metrics.in_flight.inc();
        Self { state: Data::clone(state), operation: operation.to_owned(), ended: false }
    }

    /// It was answered with `status` after so long; with a problem, where it was one.
    pub(crate) fn end(mut self, status: u16, took: TimeDelta, problem: Option<&str>) {
        self.ended = true;
        let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];
        let class = class.get(usize::from(status / 100)).unwrap_or(&class[0]);
        let metrics = &self.state.metrics;
        metrics.requests.with_label_values(&[&*self.operation, class]).inc();
        metrics.durations.with_label_values(&[&self.operation]).observe(took.as_seconds_f64());
        if let Some(slug) = problem {
            metrics.problems.with_label_values(&[slug]).inc();
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.state.metrics.in_flight.dec();
        if !self.ended {
            // Its caller went away before there was an answer.
            self.state.metrics.requests.with_label_values(&[&*self.operation, "none"]).inc();
        }
    }
}
