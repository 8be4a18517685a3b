//! How fast it is, as ratios within one run: `integration-tests/tools/with-postgres cargo bench -p integration-tests`.
//!
//! Each round measures, one after another, what an fdatasync costs, a bare actix handler, `pgbench` of the same rows, and
//! the service on both databases; medians of the rounds are compared. All of it shares this machine with the clients.

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

mod drive;

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drive::{SLICE, bare, drive, post, unique};
use support::{Database, Kind, Options, Service, example};

const ROUNDS: usize = 5;
const CLIENTS: [usize; 3] = [1, 8, 32];

fn main() {
    let (Some(sqlite), Some(postgres)) = (Database::new(Kind::Sqlite), Database::new(Kind::Postgres)) else {
        return eprintln!("run it by integration-tests/tools/with-postgres, where PostgreSQL is installed");
    };
    let members = |service: &Service| {
        let number = match service.kind {
            Kind::Sqlite => "printf('LOD%010d', n)",
            Kind::Postgres => "'LOD' || lpad(n::text, 10, '0')",
        };
        service.execute(&format!(
            "with recursive t(n) as (select 1 union all select n + 1 from t where n < 10000) insert into members \
             (id, first_name, last_name, date_of_birth) select {number}, 'Load', 'Test', date('1950-01-01') from t; \
             with recursive t(n) as (select 1 union all select n + 1 from t where n < 10000) insert into coverages \
             select {number}, 'mcf', date('2020-01-01'), null from t"
        ));
    };
    let system = actix_web::rt::System::new();
    let (bare, services) = system.block_on(async {
        let address = bare();
        let services = [(sqlite, Kind::Sqlite), (postgres, Kind::Postgres)].map(|(database, kind)| {
            let service = Service::on(&Arc::new(database), kind, Options { pool: 8, ..Options::default() });
            members(&service);
            service
        });
        (address, services)
    });
    let handle = std::thread::spawn(move || measure(bare, &services));
    // The servers' own threads serve; this one only keeps their system alive until the end.
    system.block_on(async {
        while !handle.is_finished() {
            actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        }
    });
    handle.join().expect("a measurement");
}

type Line = (String, Vec<f64>, Vec<f64>);

fn measure(bare: SocketAddr, services: &[Service; 2]) {
    let mut lines: Vec<Line> = Vec::new();
    let mut note = |name: String, rate: f64, p99: f64| match lines.iter_mut().find(|it| it.0 == name) {
        Some(line) => {
            line.1.push(rate);
            line.2.push(p99);
        }
        None => lines.push((name, vec![rate], vec![p99])),
    };
    let mut created = [0, 0];
    for _ in 0..ROUNDS {
        note("fdatasync".to_owned(), syncs(), 0.0);
        for clients in CLIENTS {
            let (rate, p99, _) = drive(bare, clients, &|_| post("", "", &example().to_string()));
            note(format!("bare actix, {clients} clients"), rate, p99);
            for (place, service) in services.iter().enumerate() {
                let address = service.base.trim_start_matches("http://").parse().expect("an address");
                let token = service.token("single-site");
                let keys = AtomicU64::new(0);
                let run = Instant::now().elapsed().as_nanos() ^ u128::from(std::process::id());
                let submit = |seed: u64| {
                    let key = format!(
                        "{run}-{clients}-{seed}-{}-{}",
                        keys.fetch_add(1, Ordering::Relaxed),
                        unique()
                    );
                    let member = format!("LOD{:010}", 1 + seed % 10_000);
                    post(&token, &key, &example().to_string().replace("MCF0000000042", &member))
                };
                let (rate, p99, count) = drive(address, clients, &submit);
                created[place] += count;
                note(format!("submit, {:?}, {clients} clients", service.kind), rate, p99);
                let get = |seed: u64| {
                    format!(
                        "GET /v1/authorizations/26335R{:05} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n",
                        1 + seed % 100
                    )
                };
                let (rate, p99, _) = drive(address, clients, &get);
                note(format!("get, {:?}, {clients} clients", service.kind), rate, p99);
            }
            for name in ["submit", "get"] {
                note(format!("pgbench {name}, {clients} clients"), pgbench(&services[1], name, clients), 0.0);
            }
        }
    }
    for (service, created) in services.iter().zip(created) {
        let sql = "select count(*) as it from trail where action = 'authorization.submit' and client = 'lanyard-cli' and request like 'req_%'";
        println!(
            "{:?}: {created} answered 201, {} in the database",
            service.kind,
            service.texts(sql).concat()
        );
    }
    println!("{:40} {:>10} {:>9} {:>9} {:>9}", "median of 5 rounds", "a second", "least", "most", "p99 ms");
    for (name, mut rates, mut p99) in lines.clone() {
        rates.sort_by(f64::total_cmp);
        p99.sort_by(f64::total_cmp);
        println!(
            "{name:40} {:>10.0} {:>9.0} {:>9.0} {:>9.2}",
            rates[ROUNDS / 2],
            rates[0],
            rates[ROUNDS - 1],
            p99[ROUNDS / 2]
        );
    }
    let rates = |name: &str| lines.iter().find(|it| it.0 == name).map(|it| it.1.clone()).expect(name);
    for clients in CLIENTS {
        for (ours, other) in [
            ("submit, Postgres", "pgbench submit"),
            ("get, Postgres", "pgbench get"),
            ("submit, Postgres", "bare actix"),
            ("get, Postgres", "bare actix"),
            ("submit, Sqlite", "bare actix"),
            ("get, Sqlite", "bare actix"),
        ] {
            let pairs = rates(&format!("{ours}, {clients} clients"))
                .into_iter()
                .zip(rates(&format!("{other}, {clients} clients")));
            let mut ratios: Vec<_> = pairs.map(|(ours, other)| ours / other).collect();
            ratios.sort_by(f64::total_cmp);
            println!(
                "{ours} / {other}, {clients} clients: {:.2} ({:.2}-{:.2})",
                ratios[ROUNDS / 2],
                ratios[0],
                ratios[ROUNDS - 1]
            );
        }
    }
}

/// Transactions a second of `pgbench`, with at most 8 connections, as the service has.
fn pgbench(service: &Service, name: &str, clients: usize) -> f64 {
    let script = format!("{}/benches/{name}.sql", env!("CARGO_MANIFEST_DIR"));
    let clients = clients.min(8).to_string();
    let seconds = SLICE.as_secs().to_string();
    let arguments = [
        "-n",
        "-M",
        "prepared",
        "-c",
        &clients,
        "-j",
        "2",
        "-T",
        &seconds,
        "-f",
        &script,
        &service.database.url,
    ];
    let output = Command::new("pgbench").args(arguments).output().expect("pgbench");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text
        .split("tps = ")
        .nth(1)
        .and_then(|it| it.split_whitespace().next())
        .and_then(|it| it.parse().ok());
    rate.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// How often a second the disk syncs a page.
fn syncs() -> f64 {
    let mut file = File::create(support::run_folder().join("probe")).expect("a file");
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(300) {
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).expect("a sync");
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}
