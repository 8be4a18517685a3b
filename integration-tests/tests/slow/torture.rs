//! The full form: a thousand slow clients at once and some good ones, against the command with its own limits.
#![expect(
    clippy::disallowed_methods,
    reason = "the full form takes minutes, so that the environment asks for it"
)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::json;

use super::client::{Manner, elsewhere, watch};
use super::many::is_open;
use super::{HEAD, large, manner, ms};
use crate::cli::{Process, folder, run};

/// How many call at once.
const MANY: usize = 1000;

/// Whether the full form is asked for.
fn full() -> bool {
    let full = std::env::var("LANYARD_TEST_TORTURE").is_ok_and(|it| it == "full");
    if !full {
        eprintln!("left out: LANYARD_TEST_TORTURE isn't `full`");
    }
    full
}

/// The command, and how it does.
struct Tortured {
    process: Process,
    token: String,
    sockets: usize,
}

impl Tortured {
    fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let folder = folder(name);
        let rates = ["READ", "SEARCH", "WRITE", "TOKEN", "ANONYMOUS"]
            .map(|it| format!("LANYARD_RATES__{it}__MINUTE"));
        let rates = rates.iter().map(|it| (it.as_str(), "0"));
        let variables: Vec<_> = rates.chain(variables.iter().copied()).collect();
        let process = Process::start(&folder, &variables);
        let token = String::from_utf8(run(&folder, &["--demo", "token"], &[]).stdout).expect("text");
        let it = Self { process, token: token.trim().to_owned(), sockets: 0 };
        // What a service opens once it is used, it keeps.
        it.good(ms(1000)).join().expect("a thread");
        it.settle(usize::MAX);
        let sockets = it.open();
        Self { sockets, ..it }
    }

    /// How many sockets are open; of files, the database opens some more when it is busy, and keeps them.
    fn open(&self) -> usize {
        let all = fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("a process");
        let is_socket = |it: &fs::DirEntry| {
            fs::read_link(it.path()).is_ok_and(|it| it.to_string_lossy().starts_with("socket:"))
        };
        all.flatten().filter(is_socket).count()
    }

    /// Waits until no more than so many sockets are open, and no fewer are from one second to the next.
    fn settle(&self, most: usize) -> Duration {
        let began = Instant::now();
        loop {
            let before = self.open();
            sleep(ms(1000));
            if before <= most
                && (most < usize::MAX || (self.open() == before && began.elapsed() > ms(17_000)))
            {
                return began.elapsed();
            }
            assert!(began.elapsed() < ms(60_000), "{before} sockets are open, and {most} were at the start");
        }
    }

    fn memory(&self, which: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("a process");
        let line = status.lines().find_map(|it| it.strip_prefix(which)).expect("memory");
        line.trim_start_matches(':').trim().to_owned()
    }

    /// Good clients for so long: how long each request took, or that it wasn't answered as it should be.
    fn good(&self, time: Duration) -> JoinHandle<Vec<Option<Duration>>> {
        let (address, token, stop) =
            (self.process.address.clone(), self.token.clone(), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&stop);
        spawn(move || {
            sleep(time);
            ends.store(true, Ordering::Relaxed);
        });
        spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let all = (0..4).map(|place| {
                    let (address, token, stop) = (address.clone(), token.clone(), Arc::clone(&stop));
                    async move { calls(place, &address, &token, &stop).await }
                });
                futures_util::future::join_all(all).await.concat()
            })
        })
    }

    /// `manner` a thousand times, and whether all of them were closed within so many seconds.
    fn attack(&self, case: &str, manner: &Manner, within: u64) {
        let (address, manner) = (self.process.address.clone(), manner.clone());
        let good = self.good(Duration::from_secs(within));
        let attack = spawn(move || watch(&address, MANY, &manner, Duration::from_secs(within + 5)));
        sleep(ms(2000));
        let during = self.open();
        let fates = attack.join().expect("a thread");
        let good = good.join().expect("a thread");
        let mut closed: Vec<_> = fates.iter().filter_map(|it| it.closed).collect();
        closed.sort();
        let answered = fates.iter().filter(|it| it.text().contains("/problems/request-timeout")).count();
        drop(fates);
        let freed = self.settle(self.sockets);
        let served = good.iter().flatten().count();
        let mut took: Vec<_> = good.iter().flatten().copied().collect();
        took.sort();
        let p99 = took[took.len() * 99 / 100];
        let share = 100_000 * served / good.len();
        println!(
            "{case}: {} of {MANY} closed, {:.1?} to {:.1?} after they came (target {within} s), {answered} with a 408; \
             good traffic {served} of {} ({share} of 100,000, target 99,900), p99 {p99:.1?}, slowest {:.1?}; \
             RSS {} now, {} at most; sockets {} before, {during} during, {} after {freed:.0?}",
            closed.len(),
            closed.first().copied().unwrap_or_default(),
            closed.last().copied().unwrap_or_default(),
            good.len(),
            took.last().copied().unwrap_or_default(),
            self.memory("VmRSS"),
            self.memory("VmHWM"),
            self.sockets,
            self.open(),
        );
        assert_eq!(closed.len(), MANY, "{case}");
        assert!(closed.last().is_some_and(|it| it.as_secs() <= within), "{case}: {:?}", closed.last());
        assert!(served * 1000 >= good.len() * 999, "{case}: {served} of {}", good.len());
        assert!(good.len() > 500, "{case}: only {} good requests", good.len());
    }
}

/// One good client: requests with and without a body, on a connection that it keeps or on new ones.
async fn calls(place: usize, address: &str, token: &str, stop: &AtomicBool) -> Vec<Option<Duration>> {
    let client =
        || Client::builder().no_proxy().pool_max_idle_per_host(usize::from(place.is_multiple_of(2))).build();
    let client = client().expect("a client");
    let mut all = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let request = match place {
            0 | 1 => client.get(format!("http://{address}/healthz/live")),
            _ => client
                .post(format!("http://{address}/v1/members/search"))
                .bearer_auth(token)
                .json(&json!({"date_of_birth": "1951-04-02"})),
        };
        let answer = request.timeout(Duration::from_secs(10)).send().await;
        let good = match answer {
            Ok(answer) => answer.status() == 200 && answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        all.push(good.then(|| began.elapsed()));
        actix_web::rt::time::sleep(ms(10)).await;
    }
    all
}

const MORE: &[(&str, &str)] = &[("LANYARD_LIMITS__PER_ADDRESS", "5000")];

#[test]
fn torture_n_01_a_thousand_slow_heads() {
    if full() {
        let it = Tortured::start("torture-1", MORE);
        it.attack("N-01, silent", &manner("", ""), 7);
        it.attack("N-01, slow head", &manner(format!("{HEAD}X: "), "a"), 7);
    }
}

#[test]
fn torture_n_02_a_thousand_slow_second_heads() {
    if full() {
        let it = Tortured::start("torture-2", MORE);
        it.attack("N-02", &manner(format!("{HEAD}\r\n{HEAD}X: "), "a"), 7);
    }
}

#[test]
fn torture_n_03_a_thousand_slow_bodies() {
    if full() {
        let it = Tortured::start("torture-3", MORE);
        let head = |lines: &str| {
            let token = &it.token;
            format!(
                "POST /v1/authorizations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{lines}\r\n\r\n"
            )
        };
        it.attack("N-03, stalled", &manner(head("Content-Length: 1000"), ""), 12);
        it.attack("N-03, slow", &manner(head("Content-Length: 100000"), " "), 14);
        it.attack("N-03, slow and chunked", &manner(head("Transfer-Encoding: chunked"), "1\r\n \r\n"), 14);
    }
}

#[test]
fn torture_n_04_a_thousand_who_do_not_read() {
    if full() {
        let it = Tortured::start("torture-4", MORE);
        it.attack("N-04", &Manner { reads: false, ..manner(large(), "") }, 28);
    }
}

#[test]
fn torture_n_06_two_thousand_of_one_address() {
    if full() {
        let it = Tortured::start("torture-6", &[]);
        let good = it.good(Duration::from_secs(4));
        let crowd: Vec<_> = (0..2 * MANY).map(|_| elsewhere(&it.process.address)).collect();
        sleep(ms(1000));
        let open = crowd.iter().filter(|it| is_open(it)).count();
        let good = good.join().expect("a thread");
        let (all, served) = (good.len(), good.iter().flatten().count());
        println!(
            "N-06: {open} of {} of one address open (the cap is 256); of another {served} of {all} served",
            2 * MANY
        );
        assert_eq!(open, 256);
        assert!(served * 1000 >= all * 999 && all > 100, "{served} of {all}");
        drop(crowd);
        it.settle(it.sockets);
    }
}
