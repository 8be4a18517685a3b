//! Who may do what: every actor, every operation, each relation and state, against a table written by hand.

mod calls;
mod table;

use std::collections::BTreeSet;

use crate::contract::operations;
use crate::on_both;
use crate::support::Service;
use calls::Calls;
use table::{Row, actors, rows};

/// How many cells the table has; a change of it is a change of who may do what.
const CELLS: usize = 3243;

/// The cells of `row` in which the service answers otherwise than the table says.
async fn differences(service: &Service, calls: &mut Calls, row: &Row) -> Vec<String> {
    let mut found = Vec::new();
    for (actor, who) in actors() {
        let (got, wanted) = (calls.send(service, row, Some(who)).await, row.status(actor));
        if got.0 != wanted {
            found.push(format!("{row} {actor}: {} instead of {wanted}: {}", got.0, got.1));
        }
    }
    let got = calls.send(service, row, None).await;
    if got.0 != 401 {
        found.push(format!("{row} without a token: {} instead of 401: {}", got.0, got.1));
    }
    found
}

/// L-02: of each call of the table the trail has exactly one entry.
fn is_told(service: &Service, calls: &Calls) {
    service.drain();
    let told = service.texts(
        "select request || ' ' || count(*) as it from trail where request like 'mx-%' group by request",
    );
    let told: BTreeSet<_> = told.into_iter().collect();
    let wanted: BTreeSet<_> = calls.requests().map(|it| format!("{it} 1")).collect();
    let missing: Vec<_> = wanted.symmetric_difference(&told).take(10).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

on_both! {
    async fn a_01_l_02_each_cell_is_as_the_table_says_and_is_told_once(service) {
        let (mut calls, mut found) = (Calls::new(&service), Vec::new());
        for row in rows() {
            found.extend(differences(&service, &mut calls, &row).await);
        }
        assert!(found.is_empty(), "{} cells differ:\n{}", found.len(), found.join("\n"));
        assert_eq!(calls.requests().count(), CELLS);
        is_told(&service, &calls);
    }

    /// The control: whoever has a role too many, or one too few, is noticed in each cell that it changes.
    async fn a_01_a_role_too_many_or_too_few_is_noticed(service) {
        let mut calls = Calls::new(&service);
        let row = rows().into_iter().find(|it| it.operation == "get_policy").expect("a row");
        assert_eq!(differences(&service, &mut calls, &row).await, Vec::<String>::new());
        service.execute("update grants set role = 'medical_review_nurse' where role = 'committee_member'");
        assert_eq!(differences(&service, &mut calls, &row).await.len(), 1);
        service.execute("update grants set role = 'committee_member' where role = 'platform_operator'");
        assert_eq!(differences(&service, &mut calls, &row).await.len(), 2);
    }
}

/// An operation that is missing from the table fails, and so does one that isn't there; a thing has each relation.
#[test]
fn a_01_no_operation_is_missing_from_the_table() {
    let rows = rows();
    let named: BTreeSet<_> = rows.iter().map(|it| it.operation.clone()).collect();
    let all = operations();
    let secured = all.iter().filter(|it| it.2["security"][0]["bearer"].is_array());
    let there: BTreeSet<_> =
        secured.map(|it| it.2["operationId"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(named, there);
    for (path, _, it) in all.iter().filter(|it| it.0.starts_with("/v1/authorizations/{id}")) {
        let id = it["operationId"].as_str().expect("an id");
        let seen: BTreeSet<_> =
            rows.iter().filter(|it| it.operation == id).map(|it| it.relation.as_str()).collect();
        assert_eq!(seen, BTreeSet::from(["foreign", "missing", "other", "own"]), "{path}");
    }
    let cells: usize = rows.len() * (actors().len() + 1);
    assert_eq!(cells, CELLS);
    // Each role is played by someone.
    let played: BTreeSet<_> = actors()
        .iter()
        .map(|(_, who)| registry::demo::PRINCIPALS.iter().find(|it| it.1 == *who).expect("a caller").2)
        .collect();
    assert_eq!(played, registry::Role::ALL.iter().copied().collect());
}
