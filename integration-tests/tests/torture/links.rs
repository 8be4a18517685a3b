//! C-07: the link to PostgreSQL fails in each way.

use std::time::{Duration, Instant};

use super::audit::{audit, finds_what_is_wrong};
use super::ledger::Ledger;
use super::link::{Link, Mode};
use super::load::Load;
use super::node::Setting;
use super::outcome::{Act, Outcome};
use super::{form, on, pause, report};
use crate::support::{Database, Kind};

/// The longest that anyone may wait for an answer.
const LONGEST: Duration = Duration::from_secs(5);

/// How many connections read, and write; there may be as many again for those that are stuck.
const POOL: usize = 4;

#[test]
fn torture_c_07_a_link_that_fails_keeps_no_one_waiting() {
    on(Kind::Postgres, fails);
}

async fn fails(database: Database) {
    let (ledger, link) = (Ledger::new(Kind::Postgres, &database.url), Link::new(&database.url));
    let setting = Setting::new("c-07", &link.url);
    let node = setting.start();
    let load = Load::new(&ledger, &[&node.base]);
    let (rounds, milliseconds) = (form(5, 1), if super::is_full() { 15_000 } else { 5_200 });
    let mut told = Vec::new();
    let modes = [Mode::Resets, Mode::Swallows, Mode::HalfCloses, Mode::Slows].repeat(rounds);
    for mode in modes.into_iter().chain([Mode::Forgets]) {
        let from = load.acts().len();
        let back = load
            .during(8, async {
                pause(300).await;
                link.turn(mode);
                pause(milliseconds).await;
                link.turn(Mode::Passes);
                let over = Instant::now();
                // Until no one was refused for a second; the last who was tells when it was over.
                loop {
                    pause(50).await;
                    let acts = load.acts();
                    let last =
                        failures(&acts[from..]).iter().map(|it| it.ended).max().unwrap_or(over).max(over);
                    if last.elapsed() > Duration::from_secs(1) {
                        break last - over;
                    }
                    assert!(over.elapsed() < Duration::from_secs(20), "{mode:?}: it doesn't come back");
                }
            })
            .await;
        let acts = &load.acts()[from..];
        let slowest = acts.iter().map(Act::took).max().unwrap_or_default();
        assert!(slowest <= LONGEST, "{mode:?}: someone waited {slowest:?}");
        // Of what is never answered another thread must take the place first.
        let most = if mode == Mode::Forgets { 2 * LONGEST } else { LONGEST };
        assert!(back <= most, "{mode:?}: it took {back:?} until all was well");
        let failed = failures(acts).len();
        // The control: the link did fail.
        assert!(failed > 0 || mode == Mode::Slows, "{mode:?} wasn't noticed");
        assert!(link.open() <= 4 * POOL + 1, "{mode:?}: {} links are held", link.open());
        told.push(format!(
            "{mode:?} {failed} refused, slowest {} ms, back in {} ms",
            slowest.as_millis(),
            back.as_millis()
        ));
    }
    assert_eq!(load.retry(0).await, Vec::<String>::new());
    assert_eq!(audit(&ledger, &load), Vec::<String>::new());
    finds_what_is_wrong(&ledger, &load);
    report("C-07", Kind::Postgres, "nothing hangs past 5,000 ms", &told.join("; "));
}

fn failures(acts: &[Act]) -> Vec<&Act> {
    let failed =
        |it: &&Act| matches!(it.outcome, Outcome::Unknown(_) | Outcome::Refused { status: 500.., .. });
    acts.iter().filter(failed).collect()
}
