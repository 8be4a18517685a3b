//! C-06: PostgreSQL goes away and comes back under load.

use std::time::{Duration, Instant};

use reqwest::Client;

use super::audit::{audit, finds_what_is_wrong};
use super::ledger::Ledger;
use super::load::Load;
use super::node::Setting;
use super::outcome::{Outcome, outcome};
use super::postgres::Cluster;
use super::{drive, form, pause, report};
use crate::cli;
use crate::support::Kind;

/// What callers saw while the server was away.
#[derive(Debug, Default)]
struct Seen {
    refused: usize,
    slowest: Duration,
    /// Of its return, the time to the first acknowledgement.
    back: Duration,
    wrong: Vec<String>,
}

#[test]
fn torture_c_06_a_server_that_goes_away_is_told_and_found_again() {
    drive(async {
        let folder = cli::folder("torture-cluster-06");
        let Some(mut cluster) = Cluster::new(&folder).await else {
            return eprintln!("left out: there is no PostgreSQL");
        };
        let (ledger, setting) =
            (Ledger::new(Kind::Postgres, &cluster.url), Setting::new("c-06", &cluster.url));
        let node = setting.start();
        let (load, mut seen, cycles) = (Load::new(&ledger, &[&node.base]), Seen::default(), form(50, 3));
        load.during(8, async {
            for cycle in 0..cycles {
                let before = load.answered();
                while load.answered() < before + 5 {
                    pause(5).await;
                }
                let (from, how) = (load.acts().len(), ["-KILL", "-INT", "-QUIT"][cycle % 3]);
                let down = Instant::now();
                cluster.stop(how).await;
                pause(300).await;
                health(&node.base, false, &mut seen).await;
                pause(1200).await;
                health(&node.base, false, &mut seen).await;
                cluster.start();
                cluster.accepts().await;
                let up = Instant::now();
                first_success(&node.base, up, &mut seen).await;
                health(&node.base, true, &mut seen).await;
                while load.acts().len() < from + 8 {
                    pause(5).await;
                }
                answers(&load, from, down, up, &mut seen);
            }
        })
        .await;
        assert_eq!(load.retry(0).await, Vec::<String>::new());
        assert_eq!(audit(&ledger, &load), Vec::<String>::new());
        assert!(seen.refused >= cycles, "{seen:?}");
        assert_eq!(seen.wrong, Vec::<String>::new());
        finds_what_is_wrong(&ledger, &load);
        // The control: a server that is there doesn't make the node unready, and one that isn't does.
        let mut control = Seen::default();
        health(&node.base, false, &mut control).await;
        assert!(!control.wrong.is_empty());
        let measured = format!(
            "{cycles} outages, {} refusals, slowest {} ms; first success {} ms after its return; 0 lost, 0 doubled",
            seen.refused,
            seen.slowest.as_millis(),
            seen.back.as_millis()
        );
        report("C-06", Kind::Postgres, "50 outages, 503 within 1,500 ms, back within 2,000 ms", &measured);
    });
}

/// Whether the node says of itself what it should.
async fn health(base: &str, ready: bool, seen: &mut Seen) {
    let client = Client::builder().no_proxy().build().expect("a client");
    let began = Instant::now();
    let live = outcome(client.get(format!("{base}/healthz/live"))).await;
    if !matches!(live, Outcome::Done { .. }) || began.elapsed() > Duration::from_millis(500) {
        seen.wrong.push(format!("live: {live:?} after {:?}", began.elapsed()));
    }
    let began = Instant::now();
    let told = outcome(client.get(format!("{base}/healthz/ready"))).await;
    let right = match &told {
        Outcome::Done { .. } => ready,
        Outcome::Refused { status, .. } => !ready && *status == 503,
        Outcome::Unknown(_) => false,
    };
    if !right || began.elapsed() > Duration::from_millis(1500) {
        seen.wrong.push(format!("ready: {told:?} after {:?}", began.elapsed()));
    }
}

/// Asks until it is answered.
async fn first_success(base: &str, up: Instant, seen: &mut Seen) {
    let client = Client::builder().no_proxy().build().expect("a client");
    let token = super::node::token("physician");
    loop {
        let request = client.get(format!("{base}/v1/authorizations?limit=1")).bearer_auth(&token);
        if matches!(outcome(request).await, Outcome::Done { .. }) {
            break;
        }
        if up.elapsed() > Duration::from_secs(10) {
            seen.wrong.push("nothing is answered ten seconds after the server's return".to_owned());
            break;
        }
        pause(10).await;
    }
    seen.back = seen.back.max(up.elapsed());
    if up.elapsed() > Duration::from_secs(2) {
        seen.wrong.push(format!("the first success came {:?} after its return", up.elapsed()));
    }
}

/// What the clients were told meanwhile.
fn answers(load: &Load, from: usize, down: Instant, up: Instant, seen: &mut Seen) {
    for act in load.acts().iter().skip(from.saturating_sub(8)).filter(|it| it.ended > down && it.began < up) {
        match &act.outcome {
            Outcome::Refused { status: 503, retry_after, .. } => {
                seen.refused += 1;
                if !retry_after {
                    seen.wrong.push(format!("{}: no Retry-After", act.tag));
                }
            }
            Outcome::Refused { .. } | Outcome::Done { .. } => continue,
            Outcome::Unknown(why) if why == "outcome-unknown" => seen.refused += 1,
            Outcome::Unknown(why) => seen.wrong.push(format!("{}: {why}", act.tag)),
        }
        seen.slowest = seen.slowest.max(act.took());
        if act.took() > Duration::from_millis(1500) {
            seen.wrong.push(format!("{}: {:?} after {:?}", act.tag, act.outcome, act.took()));
        }
    }
}
