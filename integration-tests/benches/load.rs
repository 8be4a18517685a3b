//! How fast it is, as ratios within one run: `integration-tests/tools/with-postgres cargo bench -p integration-tests`.
//!
//! Each round measures, one after another, what an fdatasync costs, a bare actix handler, `pgbench` of the same rows, and
//! the service on both databases; medians of the rounds are compared. All of it shares this machine with the clients.

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use support::{Database, Kind, Options, Service, example};

const ROUNDS: usize = 5;
const SLICE: Duration = Duration::from_secs(2);
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
             select {number}, 'Load', 'Test', date('1950-01-01'), null, null from t; \
             with recursive t(n) as (select 1 union all select n + 1 from t where n < 10000) insert into coverages \
             select {number}, 'mcf', date('2020-01-01'), null from t"
        ));
    };
    let system = actix_web::rt::System::new();
    let (bare, services) = system.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = api::openapi::EXAMPLES[0].2;
        let body = move |_: web::Bytes| async move { ([("content-type", "application/json")], answer).1 };
        let app = move || App::new().default_service(web::to(body));
        let server =
            HttpServer::new(app).workers(2).listen(listener).expect("a server").disable_signals().run();
        actix_web::rt::spawn(server);
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

fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn post(token: &str, key: &str, body: &str) -> String {
    format!(
        "POST /v1/authorizations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Requests a second of so many clients, each waiting for its answer; the 99th percentile in ms; how many succeeded.
fn drive(address: SocketAddr, clients: usize, request: &(dyn Fn(u64) -> String + Sync)) -> (f64, f64, usize) {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let client = |index: usize| {
            let (stop, mut seed, mut times) = (&stop, index as u64 * 7_919, Vec::new());
            let mut stream = TcpStream::connect(address).expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            while !stop.load(Ordering::Relaxed) {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let sent = Instant::now();
                stream.write_all(request(seed >> 33).as_bytes()).expect("a request");
                answer(&mut stream);
                times.push(sent.elapsed());
            }
            times
        };
        let handles: Vec<_> = (0..clients).map(|index| scope.spawn(move || client(index))).collect();
        std::thread::sleep(SLICE);
        stop.store(true, Ordering::Relaxed);
        handles.into_iter().flat_map(|it| it.join().expect("a client")).collect()
    });
    let count = u32::try_from(times.len()).expect("few");
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    times.sort();
    (rate, times[times.len() * 99 / 100].as_secs_f64() * 1e3, times.len())
}

/// Reads one answer, which must be a success.
fn answer(stream: &mut TcpStream) {
    let (mut bytes, mut chunk) = (Vec::with_capacity(4096), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).expect("an answer");
        assert!(count > 0, "the connection ended");
        bytes.extend_from_slice(&chunk[..count]);
        let Some(head) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        assert!(text.starts_with("http/1.1 20"), "{}", String::from_utf8_lossy(&bytes));
        let (_, length) = text.split_once("content-length: ").expect("a length");
        let length: usize = length.lines().next().and_then(|it| it.trim().parse().ok()).expect("a length");
        if bytes.len() >= head + 4 + length {
            return;
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
