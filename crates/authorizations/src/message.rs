//! What a provider's office is told, by where its request stands (AUT-23).

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{PendReason, Status};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Messages {
    approved: Message,
    medreview: Message,
    possible_duplicate: Message,
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

/// What happened, what to do next, and when or whom to call.
#[must_use]
pub fn message(status: Status, pend_reason: Option<PendReason>) -> String {
    let Message { happened, next, when } = match (status, pend_reason) {
        (Status::Approved, _) => &MESSAGES.approved,
        (Status::Medreview, _) => &MESSAGES.medreview,
        (Status::Pend, Some(PendReason::PossibleDuplicate) | None) => &MESSAGES.possible_duplicate,
        (Status::Denied, _) => &MESSAGES.denied,
        (Status::Closed, _) => &MESSAGES.closed,
    };
    format!("{happened} {next} {when}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_23_every_message_has_three_parts_and_a_pended_one_says_when_to_check_back() {
        let Messages { approved, medreview, possible_duplicate, denied, closed } = &*MESSAGES;
        for Message { happened, next, when } in [approved, medreview, possible_duplicate, denied, closed] {
            for part in [happened, next, when] {
                assert!(part.len() > 20 && part.ends_with('.'), "{part}");
            }
        }
        for waiting in [medreview, possible_duplicate] {
            assert!(waiting.when.contains("4 hours or by the following morning"));
        }
    }
}
