//! Two nodes on one PostgreSQL.

use reqwest::{Client, Method};
use serde_json::Value;

use super::audit::{audit, finds_what_is_wrong};
use super::ledger::Ledger;
use super::load::Load;
use super::node::{Node, Setting, token};
use super::outcome::{Outcome, outcome};
use super::{form, on, pause, report};
use crate::same::Dice;
use crate::support::{Database, Kind};

#[test]
fn torture_two_nodes_on_one_server_are_one_service() {
    on(Kind::Postgres, two);
}

async fn two(database: Database) {
    let (kind, ledger) = (Kind::Postgres, Ledger::new(Kind::Postgres, &database.url));
    let setting = Setting::new("nodes", &database.url);
    let mut nodes = [setting.start(), setting.start()];
    let bases = |nodes: &[Node; 2]| [nodes[0].base.clone(), nodes[1].base.clone()];
    let load = Load::new(&ledger, &bases(&nodes).each_ref().map(|it| &**it));
    across(&load, &bases(&nodes)).await;
    load.reading(40);
    let (cycles, mut survived) = (form(20, 2), 0);
    for cycle in 0..cycles {
        let (from, other) = (load.acts().len(), setting.start());
        let killed = std::mem::replace(&mut nodes[cycle % 2], other);
        load.turn_to(&[&killed.base, &nodes[(cycle + 1) % 2].base]);
        survived += load
            .during(8, async {
                pause(300).await;
                killed.kill();
                load.turn_to(&[&nodes[(cycle + 1) % 2].base]);
                // Whatever the other one is asked from now on, it answers.
                pause(150).await;
                let start = load.acts().len();
                pause(400).await;
                let acts = load.acts();
                let refused = |it: &&super::outcome::Act| {
                    matches!(it.outcome, Outcome::Unknown(_) | Outcome::Refused { status: 500.., .. })
                };
                let lost: Vec<_> = acts[start..].iter().filter(refused).collect();
                assert!(lost.is_empty() && acts.len() > start, "{lost:?}");
                acts.len() - start
            })
            .await;
        load.turn_to(&bases(&nodes).each_ref().map(|it| &**it));
        assert_eq!(load.retry(from).await, Vec::<String>::new());
        assert_eq!(audit(&ledger, &load), Vec::<String>::new());
    }
    finds_what_is_wrong(&ledger, &load);
    let done = load.acts().iter().filter(|it| it.is_done()).count();
    let measured = format!(
        "{cycles} kills of one of two, {done} acknowledged, {} reads, {survived} answered by the other at once; 0 lost, 0 stale",
        load.reads().len()
    );
    report("two nodes", kind, "any request to any node", &measured);
}

/// What is asked of one node is seen, decided and repeated at the other, at once.
async fn across(load: &Load, bases: &[String; 2]) {
    let (client, mut dice) = (Client::builder().no_proxy().build().expect("a client"), Dice(3));
    for turn in 0..10 {
        let (here, there) = (&bases[turn % 2], &bases[(turn + 1) % 2]);
        let mut act = load.submission(&mut dice);
        act.key = Some(act.tag.clone());
        let mut again = act.clone();
        load.take(act, turn).await;
        let first = load.acts().pop().expect("an act");
        let made = first.answer().expect("an acknowledgement");
        again.send(&client, there, &token("single-site")).await;
        let (Outcome::Done { text, .. }, Outcome::Done { text: same, replayed: true, .. }) =
            (&first.outcome, &again.outcome)
        else {
            panic!("{:?}, and {:?}", first.outcome, again.outcome)
        };
        assert_eq!(text, same);
        let path = format!("{there}/v1/authorizations/{}", made["id"].as_str().expect("an id"));
        let read = outcome(client.request(Method::GET, path).bearer_auth(token("single-site"))).await;
        let Outcome::Done { text, .. } = read else { panic!("{read:?} at {there}, made at {here}") };
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&read["version"], &read["status"]), (&made["version"], &made["status"]));
    }
}
