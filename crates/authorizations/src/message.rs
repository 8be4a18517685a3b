//! What a provider's office is told, by where its request stands (AUT-23).

use std::sync::LazyLock;

use chrono_tz::Tz;
use serde::Deserialize;

use crate::{Authorization, Outcome, PendReason, Status};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Messages {
    approved: Message,
    notification: Message,
    reduced: Message,
    medreview: Message,
    maintenance_window: Message,
    no_answer: Message,
    possible_duplicate: Message,
    information_requested: Message,
    denied: Message,
    closed: Message,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    happened: String,
    next: String,
    when: String,
}

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
    toml::from_str(include_str!("../messages.toml")).expect("messages.toml, which a test reads")
});

/// What happened, what to do next, and when or whom to call; `notification` is whether the service is one (AUT-15), `zone` the
/// plan's.
#[must_use]
pub fn message(it: &Authorization, notification: bool, zone: Tz) -> String {
    let Message { happened, next, when } = match (it.status, it.pend_reason) {
        (Status::Approved, _) if it.decision.outcome == Outcome::Reduced => &MESSAGES.reduced,
        (Status::Approved, _) if notification => &MESSAGES.notification,
        (Status::Approved, _) => &MESSAGES.approved,
        (Status::Medreview, _) => &MESSAGES.medreview,
        (Status::Pend, Some(PendReason::MaintenanceWindow)) => &MESSAGES.maintenance_window,
        (Status::Pend, Some(PendReason::NoAnswer)) => &MESSAGES.no_answer,
        (Status::Pend, Some(PendReason::InformationRequested)) => &MESSAGES.information_requested,
        (Status::Pend, Some(PendReason::PossibleDuplicate) | None) => &MESSAGES.possible_duplicate,
        (Status::Denied, _) => &MESSAGES.denied,
        (Status::Closed, _) => &MESSAGES.closed,
    };
    // As people read it, in the plan's zone; only what waits for a decision says it.
    let received = it.created_at.with_timezone(&zone).format("%B %-d, %Y, %-I:%M %p");
    format!("{happened} {next} {when}").replace("{received}", &received.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_23_every_message_has_three_parts_and_a_pended_one_says_when_to_check_back() {
        let it = &*MESSAGES;
        let waiting = [&it.medreview, &it.possible_duplicate, &it.information_requested, &it.no_answer];
        let adverse = [&it.reduced, &it.denied];
        let others = [&it.approved, &it.notification, &it.closed, &it.maintenance_window];
        for Message { happened, next, when } in waiting.iter().chain(&adverse).chain(&others) {
            for part in [happened, next, when] {
                assert!(part.len() > 20 && part.ends_with('.'), "{part}");
            }
        }
        for it in waiting {
            assert!(it.when.contains("4 hours or by the following morning"));
        }
        // AUT-24: both say when the request came, for the cover sheet.
        for it in [&it.no_answer, &it.maintenance_window] {
            assert!(it.happened.contains("{received}"));
        }
        assert!(it.maintenance_window.when.contains("Monday morning"));
        // FED-05: an adverse decision tells the way to appeal.
        for it in adverse {
            assert!(it.next.contains("appeal"));
        }
    }
}
