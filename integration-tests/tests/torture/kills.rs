//! C-01, C-09: kill -9 while many write and read.

use super::audit::{audit, finds_what_is_wrong, stale};
use super::ledger::Ledger;
use super::load::Load;
use super::node::Setting;
use super::outcome::{Act, Outcome, What};
use super::{both_kinds, form, pause, report};
use crate::same::Dice;
use crate::support::{Database, Kind};

both_kinds! {
    /// C-01: what was acknowledged is there once, whatever the moment at which the service died.
    torture_c_01_what_was_acknowledged_outlives_kill_9 = killed;
    /// C-09: one move after another, each seen by whoever looks once it was acknowledged.
    torture_c_09_moves_and_reads_are_in_one_order = ordered;
}

async fn killed(kind: Kind, database: Database) {
    let (ledger, setting) = (Ledger::new(kind, &database.url), Setting::new("c-01", &database.url));
    let (cycles, mut dice, mut unknown) = (form(200, 3), Dice(1), 0);
    let mut node = setting.start();
    let load = Load::new(&ledger, &[&node.base]);
    for cycle in 0..cycles {
        let from = load.acts().len();
        load.during(8, async {
            // At least one acknowledgement, and then at any moment.
            let before = load.answered();
            while load.answered() == before {
                pause(5).await;
            }
            pause(u64::try_from(dice.throw(400)).unwrap_or(0)).await;
            node.kill();
        })
        .await;
        let lost = |it: &&Act| matches!(it.outcome, Outcome::Unknown(_));
        unknown += load.acts()[from..].iter().filter(lost).count();
        node = setting.start();
        load.turn_to(&[&node.base]);
        assert_eq!(load.retry(from).await, Vec::<String>::new(), "cycle {cycle}");
        assert_eq!(audit(&ledger, &load), Vec::<String>::new(), "cycle {cycle}");
    }
    let acts = load.acts();
    let done = acts.iter().filter(|it| it.is_done()).count();
    finds_what_is_wrong(&ledger, &load);
    let measured = format!(
        "{cycles} kills, {} requests, {done} acknowledged, {unknown} without an answer; 0 lost, 0 doubled",
        acts.len()
    );
    report("C-01", kind, "200 kills, nothing lost or doubled", &measured);
}

async fn ordered(kind: Kind, database: Database) {
    let (ledger, setting) = (Ledger::new(kind, &database.url), Setting::new("c-09", &database.url));
    let (steps, parts, mut kills) = (form(50_000, 600), form(10, 2), 0);
    let mut node = setting.start();
    let load = Load::new(&ledger, &[&node.base]);
    load.reading(45);
    for part in 0..parts {
        let from = load.acts().len();
        load.steps_by(16, steps / parts * 9 / 10).await;
        if part + 1 < parts {
            load.during(16, async {
                pause(100).await;
                node.kill();
            })
            .await;
            kills += 1;
            node = setting.start();
            load.turn_to(&[&node.base]);
            assert_eq!(load.retry(from).await, Vec::<String>::new());
        }
    }
    load.steps_by(16, steps.saturating_sub(load.steps())).await;
    assert_eq!(audit(&ledger, &load), Vec::<String>::new());
    let (acts, mut reads) = (load.acts(), load.reads());
    let done = acts.iter().filter(|it| it.is_done()).count();
    assert!(done > steps / 10 && reads.len() > steps / 10, "{done} acknowledged, {} read", reads.len());
    // The control: one read that is a version behind, and was asked after everything.
    let last = acts.iter().rfind(|it| it.is_done() && it.what != What::User).expect("one");
    let (mut late, answer) = (reads[0].clone(), last.answer().expect("an answer"));
    answer["id"].as_str().unwrap_or_default().clone_into(&mut late.id);
    late.version = answer["version"].as_i64().unwrap_or(0) - 1;
    late.began = std::time::Instant::now();
    reads.push(late);
    assert_eq!(stale(&acts, &reads).len(), 1);
    finds_what_is_wrong(&ledger, &load);
    let measured = format!(
        "{} operations by 16 clients, {kills} kills, {done} acknowledged, {} reads; 0 gaps, 0 stale",
        load.steps(),
        reads.len() - 1
    );
    report("C-09", kind, "50,000 operations, versions gapless, no stale read", &measured);
}
