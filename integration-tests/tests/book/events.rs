//! What others are told and what the trail keeps, by the tables that the service takes them from.

use kernel::{EventType, Owner, TrailAction};

use super::{code, codes, hold, table};

/// The operations that leave an entry of the trail, and the events that may come with it.
fn of(action: TrailAction) -> (&'static [&'static str], &'static [EventType]) {
    use EventType as E;
    match action {
        TrailAction::AuthorizationSubmit => {
            (&["create_authorization"], &[E::AuthorizationSubmitted, E::AuthorizationDecided])
        }
        TrailAction::AuthorizationDecide => (
            &["decide_authorization"],
            &[E::AuthorizationDecided, E::AuthorizationInformationRequested, E::AuthorizationReviewRequested],
        ),
        TrailAction::AuthorizationClose => (&["close_authorization"], &[E::AuthorizationClosed]),
        TrailAction::UserCreate => (&["create_user"], &[E::UserCreated, E::GrantRequested, E::GrantApproved]),
        TrailAction::UserGrant => {
            (&["grant_role", "create_user"], &[E::GrantRequested, E::GrantApproved, E::GrantEnded])
        }
        TrailAction::UserApprove => (&["approve_grant"], &[E::GrantApproved]),
        TrailAction::UserWithdraw => (&["withdraw_grant"], &[E::GrantEnded, E::DelegationEnded]),
        TrailAction::UserDisable => (&["disable_user"], &[E::UserDisabled]),
        TrailAction::UserEnable => (&["enable_user"], &[E::UserEnabled]),
        TrailAction::DelegationRecord => {
            (&["record_delegation"], &[E::DelegationRecorded, E::DelegationEnded])
        }
        TrailAction::DelegationEnd => (&["end_delegation"], &[E::DelegationEnded]),
        TrailAction::ClientAdd => (&["create_client"], &[]),
        TrailAction::ClientRotateKeys => (&["replace_client_keys"], &[]),
        TrailAction::ClientDisable => (&["disable_client"], &[]),
        TrailAction::TokenIssue => (&["create_token"], &[]),
        TrailAction::EmergencyOpen => (&["open_emergency_access"], &[E::EmergencyAccessOpened]),
        TrailAction::EmergencyReview => (&["review_emergency_access"], &[E::EmergencyAccessReviewed]),
        TrailAction::SecurityEnumerationSuspected => (&[], &[E::SecurityEnumerationSuspected]),
        TrailAction::WebhookAdd => (&["create_webhook"], &[]),
        TrailAction::WebhookChange => (&["change_webhook"], &[E::WebhookChanged]),
        TrailAction::WebhookRotate => (&["rotate_webhook"], &[]),
        TrailAction::WebhookTest => (&["test_webhook"], &[E::WebhookTest]),
        TrailAction::WebhookDisable => (&["disable_webhook"], &[E::WebhookDisabled]),
        TrailAction::WebhookEnable => (&["enable_webhook"], &[E::WebhookEnabled]),
        TrailAction::WebhookReplay => (&["replay_webhook"], &[]),
        TrailAction::BackupMake | TrailAction::CodeSetLoad => (&[], &[]),
    }
}

/// Holds what an operation left in the trail, and of what others are told, to the table.
pub(crate) fn agrees(operation: &str, written: &[String], told: &[String]) {
    let actions: Vec<_> =
        written.iter().map(|it| TrailAction::parse(it).expect("an action of the table")).collect();
    let writes = TrailAction::ALL.iter().any(|it| of(*it).0.contains(&operation));
    assert_eq!(!actions.is_empty(), writes, "{operation} {written:?}");
    for it in &actions {
        assert!(of(*it).0.contains(&operation), "{operation} leaves {it}");
    }
    let may: Vec<_> = actions.iter().flat_map(|it| of(*it).1).map(|it| it.as_str()).collect();
    for it in told {
        assert!(may.contains(&&**it), "{operation} tells of {it}");
    }
}

#[test]
fn the_page_of_events_is_true() {
    let row = |it: &EventType| {
        let owner = match it.owner() {
            Owner::Site => "the site that owns the subject",
            Owner::Plan => "the plan",
            Owner::Either => "the site that it is of, or the plan where it is of none",
        };
        [code(it), it.about().to_owned(), owner.to_owned()]
    };
    let all = table(["type", "what happened", "who is told"], EventType::ALL.iter().map(row));
    hold("webhooks.md", &[("events", all)]);
}

#[test]
fn the_page_of_the_trail_is_true() {
    let row = |it: &TrailAction| [code(it), it.about().to_owned(), codes(of(*it).0), codes(of(*it).1)];
    let all = table(["action", "what was done", "operation", "events"], TrailAction::ALL.iter().map(row));
    hold("access.md", &[("actions", all)]);
}
