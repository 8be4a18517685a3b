//! How much slower it is with a million authorizations than with a thousand, as ratios within one run: `make growth`.
//!
//! Two services on each database stand side by side, a small and a large one; the rounds take turns among them.

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

mod drive;

use std::sync::Arc;

use drive::{bare, drive, post, unique};
use support::{Database, Kind, Options, Service, example};

const ROUNDS: usize = 5;
const CLIENTS: usize = 8;
const SIZES: [u32; 2] = [1_000, 1_000_000];
const MEMBERS: u32 = 20_000;
const CHUNK: u32 = 10_000;
const QUESTIONS: [&str; 4] = ["submit", "get", "list", "code search"];

fn main() {
    let all = [Kind::Sqlite, Kind::Postgres].into_iter().flat_map(|kind| SIZES.map(|size| (kind, size)));
    let databases: Option<Vec<_>> =
        all.map(|(kind, size)| Some((Database::new(kind)?, kind, size))).collect();
    let Some(databases) = databases else {
        return eprintln!("run it by integration-tests/tools/with-postgres, where PostgreSQL is installed");
    };
    let system = actix_web::rt::System::new();
    let (address, services) = system.block_on(async {
        let service = |(database, kind, size)| {
            (Service::on(&Arc::new(database), kind, Options { pool: 8, ..Options::default() }), size)
        };
        (bare(), databases.into_iter().map(service).collect::<Vec<_>>())
    });
    let handle = std::thread::spawn(move || {
        for (service, size) in &services {
            fill(service, *size);
        }
        measure(address, &services);
    });
    // The servers' own threads serve; this one only keeps their system alive until the end.
    system.block_on(async {
        while !handle.is_finished() {
            actix_web::rt::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    handle.join().expect("a measurement");
}

/// Adds members, and authorizations of all sites and of two years; the last one is copied, so that there is one.
fn fill(service: &Service, size: u32) {
    let sqlite = service.kind == Kind::Sqlite;
    let member = |n: &str| {
        if sqlite {
            format!("printf('LOD%010d', {n})")
        } else {
            format!("'LOD' || lpad(({n})::text, 10, '0')")
        }
    };
    let day = |from: &str, n: &str| {
        if sqlite {
            format!("date('{from}', '-' || ({n}) || ' days')")
        } else {
            format!("date '{from}' - ({n})")
        }
    };
    let numbers = |from: u32, to: u32| {
        format!("with recursive t(n) as (select {from} union all select n + 1 from t where n + 1 < {to}) ")
    };
    service.execute(&format!(
        "{} insert into members (id, first_name, last_name, date_of_birth) select {}, 'Load', 'Test', date('1950-01-01') from t; \
         {} insert into coverages select {}, 'mcf', date('2020-01-01'), null from t",
        numbers(0, MEMBERS), member("n"), numbers(0, MEMBERS), member("n"),
    ));
    // The first one, of which the others are copies.
    let address = service.base.trim_start_matches("http://").parse().expect("an address");
    let token = service.token("single-site");
    drive(address, 1, &|_| post(&token, &format!("k{}", unique()), &example().to_string()));
    let sites = service.texts("select id as it from sites order by id");
    let cases = sites.iter().enumerate().map(|(place, id)| format!("when {place} then '{id}' "));
    let owner = format!("case n % {} {}end", sites.len(), cases.collect::<String>());
    let number = format!("{}, 100000 + n", day("2026-11-30", "n % 700"));
    for from in (0..size).step_by(CHUNK as usize) {
        let these = numbers(from, size.min(from + CHUNK));
        service.execute(&format!(
            "{these} insert into authorizations (number_day, number_seq, version, events, request_type, requested_service, site_id, \
             member_id, servicing_npi, status, urgency, parties, service_start, service_end, remarks, decision, created_by, created_at, updated_at) \
             select {number}, 1, 2, a.request_type, a.requested_service, {owner}, {}, a.servicing_npi, \
             case n % 25 when 0 then 'MEDREVIEW' when 1 then 'PEND' else 'CLOSED' end, a.urgency, a.parties, {}, {}, a.remarks, a.decision, \
             a.created_by, a.created_at, a.updated_at from t, (select * from authorizations where number_seq < 100000 limit 1) a",
            member(&format!("n % {MEMBERS}")), day("2026-11-30", "n % 700"), day("2027-01-28", "n % 700"),
        ));
        service.execute(&format!(
            "{these} insert into authorization_lines select {number}, 1, 'CLOSED', 'revenue', '0551', '', 'Skilled nursing visit', 12, 12, 0 from t"
        ));
        service.execute(&format!("{these} insert into authorization_diagnoses select {number}, 1, 'I10', 'Essential (primary) hypertension' from t"));
    }
    service.execute("analyze");
    println!(
        "{:?}: {} authorizations",
        service.kind,
        service.texts("select count(*) as it from authorizations").concat()
    );
}

fn measure(bare: std::net::SocketAddr, services: &[(Service, u32)]) {
    let mut rates = vec![vec![Vec::new(); QUESTIONS.len()]; services.len()];
    let (mut tails, mut bare_rates) = (rates.clone(), Vec::new());
    for _ in 0..ROUNDS {
        bare_rates.push(drive(bare, CLIENTS, &|_| post("", "", &example().to_string())).0);
        for (place, (service, size)) in services.iter().enumerate() {
            let address = service.base.trim_start_matches("http://").parse().expect("an address");
            let token = service.token("single-site");
            let get = |path: String| {
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
            };
            for (question, name) in QUESTIONS.iter().enumerate() {
                let ask = |seed: u64| match *name {
                    "submit" => {
                        let member = format!("LOD{:010}", seed % u64::from(MEMBERS));
                        post(
                            &token,
                            &format!("k{}", unique()),
                            &example().to_string().replace("MCF0000000042", &member),
                        )
                    }
                    // The first site owns every fortieth.
                    "get" => {
                        let at = seed % u64::from(size / 40) * 40;
                        let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 30).expect("a day")
                            - chrono::Days::new(at % 700);
                        get(format!("/v1/authorizations/{}R{}", day.format("%y%j"), 100_000 + at))
                    }
                    "list" => get(["/v1/authorizations", "/v1/authorizations?status=PEND"]
                        [usize::from(seed.is_multiple_of(2))]
                    .to_owned()),
                    _ => get(format!(
                        "/v1/diagnosis-codes?q={}",
                        ["heart+fail", "e11", "fracture+femur", "pneumon"]
                            [usize::try_from(seed % 4).expect("small")]
                    )),
                };
                let (rate, p99, _) = drive(address, CLIENTS, &ask);
                rates[place][question].push(rate);
                tails[place][question].push(p99);
            }
        }
    }
    let median = |it: &[f64]| {
        let mut it = it.to_vec();
        it.sort_by(f64::total_cmp);
        (it[it.len() / 2], it[0], it[it.len() - 1])
    };
    println!(
        "{:12} {:9} {:>26} {:>26} {:>26}",
        "", "", "large / small, a second", "large / small, p99", "large / bare actix"
    );
    for (pair, kind) in [Kind::Sqlite, Kind::Postgres].into_iter().enumerate() {
        for (question, name) in QUESTIONS.iter().enumerate() {
            let [small, large] = [0, 1].map(|it| 2 * pair + it);
            let ratio = |over: &[f64], under: &[f64]| {
                let pairs: Vec<_> = over.iter().zip(under).map(|(over, under)| over / under).collect();
                let (middle, least, most) = median(&pairs);
                format!("{middle:.2} ({least:.2}-{most:.2})")
            };
            println!(
                "{name:12} {:9} {:>26} {:>26} {:>26}",
                format!("{kind:?}"),
                ratio(&rates[large][question], &rates[small][question]),
                ratio(&tails[large][question], &tails[small][question]),
                ratio(&rates[large][question], &bare_rates),
            );
        }
    }
}
