//! How the databases answer: by their indexes, never by reading a large table from end to end.

use std::sync::{Mutex, PoisonError};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use diesel::prelude::*;
use diesel::sql_types::Text;
use reqwest::Method;
use serde_json::{Value, json};

use registry::demo::SITES;

use crate::support::{Answer, Kind, Service, example, start};

/// A request, and whether what it lists must come in the order of an index, so that nothing is sorted.
struct Line(&'static str, &'static str, Method, &'static str, Value, bool);

/// A visit of a service.
fn of(member: &str, service: &str, code: &str) -> Value {
    let mut body = example();
    (body["member_id"], body["requested_service"]) = (json!(member), json!(service));
    body["lines"] = json!([{"code_type": "revenue", "code": code, "units": 1}]);
    body
}

fn hcpcs(service: &str, code: &str, modifiers: &[&str]) -> Value {
    let mut body = of("MCF0000000042", service, code);
    body["lines"][0]["code_type"] = json!("hcpcs");
    body["lines"][0]["modifiers"] = json!(modifiers);
    body
}

/// The lists of authorizations, which come in the order of an index.
fn narrowed() -> Vec<Line> {
    let list = |name, who, path| Line(name, who, Method::GET, path, Value::Null, true);
    let found = |name, who, body| Line(name, who, Method::POST, "/v1/authorizations/search", body, true);
    vec![
        list("list", "single-site", "/v1/authorizations"),
        list("list of two sites", "multi-site", "/v1/authorizations?limit=1"),
        list(
            "list by one of two sites",
            "multi-site",
            "/v1/authorizations?site_id=site_0198c1f2a4b37c10a1b2c3d4e5f60719",
        ),
        list("list by type", "single-site", "/v1/authorizations?type=home_health_care"),
        list(
            "list by service dates",
            "single-site",
            "/v1/authorizations?service_from=2026-12-01&service_to=2026-12-31",
        ),
        list(
            "list by days of receipt",
            "single-site",
            "/v1/authorizations?created_from=2026-12-01&created_to=2026-12-01",
        ),
        list(
            "list of all sites by days of receipt",
            "nurse",
            "/v1/authorizations?created_from=2026-12-01&created_to=2026-12-01",
        ),
        list("list of all sites by type", "nurse", "/v1/authorizations?type=home_health_care"),
        list(
            "list of all sites by service dates",
            "nurse",
            "/v1/authorizations?service_from=2026-12-01&service_to=2026-12-31",
        ),
        found("authorizations with a diagnosis, by staff", "nurse", json!({"diagnosis": "I10"})),
        found(
            "authorizations of two sites with a diagnosis",
            "multi-site",
            json!({"diagnosis": "I10", "status": "PEND"}),
        ),
        found(
            "authorizations of a member, of two sites",
            "multi-site",
            json!({"member_id": "MCF0000000042"}),
        ),
        found("authorizations of a member", "single-site", json!({"member_id": "MCF0000000042"})),
        found("authorizations of a member, by staff", "nurse", json!({"member_id": "MCF0000000042"})),
        found("authorizations with a diagnosis", "single-site", json!({"diagnosis": "I10"})),
        found(
            "authorizations of a member with a diagnosis",
            "nurse",
            json!({"member_id": "MCF0000000042", "diagnosis": "I10"}),
        ),
    ]
}

/// Each operation by which the service asks the databases something; a new filter of a list is a new line here.
fn requests() -> Vec<Line> {
    let get = |name, who, path| Line(name, who, Method::GET, path, Value::Null, false);
    let list = |name, who, path| Line(name, who, Method::GET, path, Value::Null, true);
    let post = |name, who, path, body| Line(name, who, Method::POST, path, body, false);
    let search =
        |name, body, ordered| Line(name, "single-site", Method::POST, "/v1/members/search", body, ordered);
    vec![
        get("me", "multi-site", "/v1/me"),
        post("submit", "single-site", "/v1/authorizations", example()),
        get("get", "single-site", "/v1/authorizations/26335R00001"),
        get("get by staff", "nurse", "/v1/authorizations/26335R00001"),
        post("eligibility", "single-site", "/v1/members/eligibility", json!({"member_id": "ASO0000000061"})),
        post(
            "submit within a limit",
            "single-site",
            "/v1/authorizations",
            of("ASO0000000061", "skilled_nursing_care", "0551"),
        ),
        post(
            "submit an evaluation",
            "single-site",
            "/v1/authorizations",
            of("MCF0000000042", "skilled_nursing_evaluation", "0551"),
        ),
        post(
            "submit help for daily living",
            "single-site",
            "/v1/authorizations",
            hcpcs("home_health_aide_adl", "G0156", &["UD"]),
        ),
        post(
            "submit alongside",
            "single-site",
            "/v1/authorizations",
            hcpcs("skilled_nursing_care", "G0493", &[]),
        ),
        post(
            "decide",
            "nurse",
            "/v1/authorizations/26335R00002/decide",
            json!({"outcome": "review", "reason_code": "information_received", "reason": "x"}),
        ),
        list("list of all sites", "nurse", "/v1/authorizations"),
        list("list by status", "single-site", "/v1/authorizations?status=PEND"),
        list("list of all sites by status", "nurse", "/v1/authorizations?status=PEND"),
        post(
            "close",
            "coordinator",
            "/v1/authorizations/26335R00001/close",
            json!({"reason_code": "replaced", "reason": "x"}),
        ),
        search("member by number", json!({"member_id": "MCF0000000042"}), false),
        search("member by last name", json!({"last_name": "whit"}), true),
        search("member by names", json!({"last_name": "whit", "first_name": "al"}), true),
        search("member by birth date", json!({"date_of_birth": "1951-07-01"}), true),
        list("providers", "single-site", "/v1/providers?limit=1"),
        list("providers by type", "single-site", "/v1/providers?limit=1&type=organization"),
        get("provider by NPI", "single-site", "/v1/providers?npi=1346218294"),
        get("provider by words", "single-site", "/v1/providers?q=riverside+home"),
        get("diagnosis codes", "single-site", "/v1/diagnosis-codes?q=hypert"),
    ]
}

/// Tables that grow with the plan.
const LARGE: [&str; 14] = [
    "authorizations",
    "authorization_lines",
    "authorization_diagnoses",
    "past_decisions",
    "members",
    "coverages",
    "affiliations",
    "providers",
    "provider_words",
    "diagnosis_codes",
    "deadlines",
    "idempotency",
    "trail",
    "outbox",
];

/// What the connections were asked while someone listened, each with its URL.
static ASKED: Mutex<Option<Vec<(String, String)>>> = Mutex::new(None);

fn listen(asked: Option<Vec<(String, String)>>) -> Vec<(String, String)> {
    let mut kept = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *kept, asked).unwrap_or_default()
}

/// Notes what its connection is asked.
#[derive(Default)]
struct Listener(String);

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.0),
            InstrumentationEvent::StartQuery { query, .. } => {
                let mut kept = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(asked) = &mut *kept {
                    asked.push((self.0.clone(), query.to_string()));
                }
            }
            _ => {}
        }
    }
}

/// What comes of `work`, and the statements of `service` that look for rows while it is done.
async fn asked<T>(service: &Service, work: impl Future<Output = T>) -> (T, Vec<String>) {
    listen(Some(Vec::new()));
    let done = work.await;
    let mine = |url: &str| {
        service.database.url.trim_start_matches("sqlite:") == url.split('?').next().unwrap_or(url)
    };
    let statement = |(url, text): (String, String)| {
        let sql = text.split(" -- binds:").next().unwrap_or_default().trim().to_owned();
        let looks = ["SELECT", "UPDATE", "DELETE"].iter().any(|it| sql.to_uppercase().starts_with(it));
        (mine(&url) && looks && sql.contains(char::is_whitespace)).then_some(sql)
    };
    (done, listen(None).into_iter().filter_map(statement).collect())
}

/// The plan of a statement, a line for each step.
fn plan(service: &Service, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    #[derive(QueryableByName)]
    struct Node {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let (kind, sql) = (service.kind, sql.to_owned());
    service.look(move |db| {
        if kind == Kind::Sqlite {
            // A statement that is only explained doesn't notice that another connection has changed the schema.
            db.batch_execute("select count(*) from products")?;
            let steps = diesel::sql_query(format!("explain query plan {sql}")).load::<Step>(db)?;
            return Ok(steps.into_iter().map(|it| it.detail).collect());
        }
        // The plan for any values, since these are what a prepared statement is kept for.
        db.batch_execute(&format!("set plan_cache_mode = force_generic_plan; prepare p as {sql}"))?;
        let count = (1..=99).take_while(|it| sql.contains(&format!("${it}"))).count();
        let values = if count == 0 { String::new() } else { format!("({})", vec!["null"; count].join(", ")) };
        let lines = diesel::sql_query(format!("explain execute p{values}")).load::<Node>(db)?;
        db.batch_execute("deallocate p; reset plan_cache_mode")?;
        Ok(lines.into_iter().map(|it| it.line).collect())
    })
}

/// The steps of a plan that get slower as the plan's tables grow; those that sort a page among them, where it is `ordered`.
fn slow(kind: Kind, ordered: bool, sql: &str, plan: &[String]) -> Vec<String> {
    let limited = sql.to_uppercase().contains(" LIMIT ");
    let sorts = |it: &String| {
        let node = it.trim_start().trim_start_matches("->  ");
        node.starts_with("Sort ") || node == "USE TEMP B-TREE FOR ORDER BY"
    };
    let sorted = plan.iter().any(sorts);
    let reads_all = |it: &String| match kind {
        Kind::Postgres => LARGE.iter().any(|table| it.contains(&format!("Seq Scan on {table} "))),
        Kind::Sqlite => {
            let table = it.strip_prefix("SCAN ").and_then(|it| it.split(' ').next());
            // In the order of an index a list stops after a page.
            let stops = limited && !sorted && it.contains("INDEX");
            table.is_some_and(|it| LARGE.contains(&it)) && !stops
        }
    };
    plan.iter().filter(|it| reads_all(it) || (ordered && limited && sorts(it))).cloned().collect()
}

/// Adds `count` copies of a row of `table`, in each of which some columns are otherwise; `n.i` counts.
fn multiply(service: &Service, table: &str, row: &str, count: u32, otherwise: &[(&str, &str)]) {
    let columns = match service.kind {
        Kind::Sqlite => format!("select name as it from pragma_table_info('{table}')"),
        Kind::Postgres => format!(
            "select column_name as it from information_schema.columns where table_schema = 'public' and table_name = '{table}'"
        ),
    };
    let columns = service.texts(&columns);
    let value = |column: &String| {
        let other = otherwise.iter().find(|it| it.0 == column);
        other.map_or_else(|| format!("t.{column}"), |it| it.1.to_owned())
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    service.execute(&format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) \
         insert into {table} ({}) select {} from {table} t, n where t.{row}",
        columns.join(", "),
        values.join(", ")
    ));
}

/// Makes the tables so large that reading one from end to end is never the best way.
async fn fill(service: &Service) {
    let mut body = example();
    for key in ["k1", "k2"] {
        let request = service.request("single-site", Method::POST, "/v1/authorizations");
        Answer::of(request.header("idempotency-key", key).json(&body)).await.expect(201);
        body["remarks"] = json!("The second one pends.");
    }
    let day = match service.kind {
        Kind::Sqlite => "date('1930-01-01', '+' || (n.i % 30000) || ' days')",
        Kind::Postgres => "date '1930-01-01' + n.i % 30000",
    };
    let member = "'ZZZ' || (1000000000 + n.i)";
    let names =
        [("last_folded", "'name' || (n.i * 7919 % 9973)"), ("first_folded", "'first' || (n.i % 101)")];
    let number = ("number_seq", "1000 + n.i");
    let site = format!(
        "case n.i % 3 when 0 then '{}' when 1 then '{}' else '{}' end",
        SITES[0].0, SITES[1].0, SITES[2].0
    );
    let status = "case when n.i % 50 = 0 then 'PEND' when n.i % 3 = 0 then 'CLOSED' else 'APPROVED' end";
    let npi = "'20' || (10000000 + n.i)";
    for (table, row, count, otherwise) in [
        (
            "members",
            "id = 'MCF0000000042'",
            20_000,
            &[("id", member), ("date_of_birth", day), names[0], names[1]][..],
        ),
        ("coverages", "member_id = 'MCF0000000042'", 20_000, &[("member_id", member)]),
        ("providers", "npi = '1972902351'", 30_000, &[("npi", npi)]),
        ("provider_words", "npi = '1972902351'", 30_000, &[("npi", npi), ("word", "t.word || (n.i % 997)")]),
        ("affiliations", "npi = '1770626038'", 5_000, &[("npi", npi)]),
        (
            "authorizations",
            "number_seq = 1",
            20_000,
            &[number, ("member_id", member), ("site_id", &site), ("status", status)],
        ),
        ("authorization_lines", "number_seq = 1", 20_000, &[number]),
        ("authorization_diagnoses", "number_seq = 1", 20_000, &[number]),
        ("deadlines", "met_at is null", 5_000, &[("id", "t.id || n.i"), ("subject", "t.subject || n.i")]),
        ("idempotency", "key = 'k1'", 5_000, &[("key", "'k' || (10 + n.i)")]),
        ("outbox", "sequence = 1", 5_000, &[("id", "t.id || n.i"), ("subject", "t.subject || n.i")]),
        ("trail", "action is not null", 5_000, &[("id", "t.id || n.i"), ("subject", "t.subject || n.i")]),
    ] {
        multiply(service, table, row, count, otherwise);
    }
    service.execute("analyze");
    // The index of the codes is built of all of them, once.
    service.get("single-site", "/v1/diagnosis-codes?q=i10").await.expect(200);
}

/// Runs `body` with a service whose connections are listened to; one at a time, since all share what is heard.
fn overheard<F: Future<Output = ()>>(kind: Kind, body: impl FnOnce(Service) -> F) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    set_default_instrumentation(|| Some(Box::<Listener>::default())).expect("a listener");
    start(kind, body);
}

/// Searches that come at once read the codes once, and later ones only ask whether there is another release.
fn the_codes_are_read_once(kind: Kind) {
    overheard(kind, |service| async move {
        let search = || async {
            service.get("nurse", "/v1/diagnosis-codes?q=i10").await.expect(200);
        };
        let reads = |asked: Vec<String>| {
            asked
                .iter()
                .filter(|it| it.contains("FROM `diagnosis_codes`") || it.contains("FROM \"diagnosis_codes\""))
                .count()
        };
        let (_, first) = asked(&service, futures_util::future::join_all((0..6).map(|_| search()))).await;
        // Some at a time, and the last time none.
        let once = 98_186 / 8_192 + 2;
        assert_eq!(reads(first), once);
        assert_eq!(reads(asked(&service, search()).await.1), 0);
        service.execute("update code_releases set first_on = '2026-04-02'");
        assert_eq!(reads(asked(&service, search()).await.1), once);
    });
}

#[test]
fn the_codes_are_read_once_on_sqlite() {
    the_codes_are_read_once(Kind::Sqlite);
}

#[test]
fn the_codes_are_read_once_on_postgres() {
    the_codes_are_read_once(Kind::Postgres);
}

fn no_statement_reads_a_large_table(kind: Kind) {
    overheard(kind, |service| async move {
        fill(&service).await;
        let mut found = Vec::new();
        for Line(name, who, method, path, body, ordered) in narrowed().into_iter().chain(requests()) {
            let request = service.request(who, method, path).header("if-match", "\"1.00000000\"");
            let request = if body.is_null() { request } else { request.json(&body) };
            let (answer, asked) = asked(&service, Answer::of(request)).await;
            assert!(answer.status < 300, "{name}: {}", answer.text);
            // The caller at least was looked up.
            assert!(asked.iter().any(|it| it.contains("principals")), "{name}: {asked:?}");
            for sql in asked {
                let plan = plan(&service, &sql);
                assert!(!plan.is_empty(), "{sql}");
                if let Some(step) = slow(kind, ordered, &sql, &plan).first() {
                    found.push(format!("{name}: {step}\n{sql}\n{}\n", plan.join("\n")));
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
        // Without an index of the names a search reads all, and that is seen.
        let request = service.request("single-site", Method::POST, "/v1/members/search");
        let request = request.json(&json!({"last_name": "whit"}));
        service.execute("drop index members_name; drop index members_birth");
        let (_, asked) = asked(&service, Answer::of(request)).await;
        let plans: Vec<_> = asked.iter().map(|it| (it, plan(&service, it))).collect();
        assert!(plans.iter().any(|(sql, plan)| !slow(kind, false, sql, plan).is_empty()), "{plans:?}");
    });
}

#[test]
fn no_statement_reads_a_large_table_on_sqlite() {
    no_statement_reads_a_large_table(Kind::Sqlite);
}

#[test]
fn no_statement_reads_a_large_table_on_postgres() {
    no_statement_reads_a_large_table(Kind::Postgres);
}
