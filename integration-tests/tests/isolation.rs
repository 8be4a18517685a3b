//! Row-level security: what PostgreSQL shows, whatever a query forgets.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use registry::Entry;
use serde_json::json;

use crate::support::{Answer, Kind, Options, Service, example, start};
use crate::users::id;

const TABLES: [&str; 4] =
    ["authorizations", "authorization_lines", "authorization_diagnoses", "past_decisions"];

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many rows `login` sees of each table, by a query without any filter.
async fn seen(service: &Service, login: &str) -> Vec<i64> {
    let entry = Entry { login: login.to_owned(), emergency: None };
    let count = |table: &&str| format!("select count(*) as count from {table}");
    let counts = TABLES.iter().map(count).collect::<Vec<_>>();
    let ask = move |rx: &mut store::Rx<'_>, _| {
        let one = |sql: &String| diesel::sql_query(sql).get_result::<Count>(rx.db()).map(|it| it.count);
        Ok::<_, registry::Error>(counts.iter().map(one).collect::<QueryResult<Vec<_>>>()?)
    };
    service.store.enter(move |db, moment| entry.find(db, moment), ask).await.expect("counts")
}

/// Two authorizations of the first site and one of the third, one of them decided twice.
async fn fill(service: &Service) {
    service.submit(&example()).await.expect(201);
    service.submit(&example()).await.expect(201);
    let mut theirs = example();
    (theirs["site_id"], theirs["member_id"]) = (json!(registry::demo::SITES[2].0), json!("HMO0000000051"));
    theirs["lines"][0]["units"] = json!(24);
    service.post("other-site", "/v1/authorizations", &theirs).await.expect(201);
    let decide = service.request("physician", reqwest::Method::POST, "/v1/authorizations/26335R00003/decide");
    let body = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "x"});
    Answer::of(decide.header("if-match", "\"1.00000000\"").json(&body)).await.expect(200);
}

#[test]
fn a_14_a_query_without_its_filter_shows_nothing_of_others() {
    start(Kind::Postgres, |service| async move {
        fill(&service).await;
        // With one connection for all, each sees their own, whoever was there before.
        let service = service.twin(Options { pool: 1, ..Options::default() });
        for _ in 0..3 {
            for (who, rows) in [
                ("single-site", [2, 2, 4, 0]),
                ("other-site", [1, 1, 2, 1]),
                ("nurse", [3, 3, 6, 1]),
                // The billing agent of the first site.
                ("billing-agent", [2, 2, 4, 0]),
                // Of the plan, but with nothing that reaches all of it.
                ("audit-specialist", [0, 0, 0, 0]),
                ("operator", [0, 0, 0, 0]),
            ] {
                assert_eq!(seen(&service, id(who)).await, rows, "{who}");
            }
            assert_eq!(seen(&service, "nobody").await, [0, 0, 0, 0]);
            // The service's own reads see all, and leave nothing to whoever comes next.
            assert_eq!(service.texts("select count(*) as it from authorizations"), ["3"]);
            assert_eq!(seen(&service, "nobody").await, [0, 0, 0, 0]);
        }
        service.stop().await;
    });
}

/// A write of one site's caller can't change, and can't make, what is another site's.
#[test]
fn a_14_a_write_without_its_filter_changes_nothing_of_others() {
    start(Kind::Postgres, |service| async move {
        fill(&service).await;
        let actor =
            store::Actor { id: "t".into(), client: "t".into(), request: "t".into(), of_service: false };
        let write = |login: &'static str, sql: String| {
            let entry = Entry { login: login.to_owned(), emergency: None };
            let work = move |tx: &mut store::Tx<'_>| {
                let who: Result<_, registry::Error> =
                    tx.enter(|db, moment| Ok((entry.find(db, moment)?, login.into())));
                who?;
                Ok::<_, registry::Error>(diesel::sql_query(sql).execute(tx.db()?)?)
            };
            service.store.write(&actor, work)
        };
        let close = "update authorizations set remarks = 'x'".to_owned();
        assert_eq!(write(id("other-site"), close.clone()).await.ok(), Some(1));
        assert_eq!(write("nobody", close.clone()).await.ok(), Some(0));
        assert_eq!(write(id("nurse"), close).await.ok(), Some(3));
        let steal = format!("update authorizations set site_id = '{}'", registry::demo::SITES[0].0);
        assert!(write(id("other-site"), steal).await.is_err());
        // Before anyone has entered nothing is seen, whoever was on the connection before.
        let early = |tx: &mut store::Tx<'_>| {
            let sql = "select count(*) as count from authorizations";
            Ok::<_, store::Error>(diesel::sql_query(sql).get_result::<Count>(tx.db()?)?.count)
        };
        for _ in 0..8 {
            assert_eq!(service.store.write(&actor, early).await.expect("a count"), 0);
        }
        // Nor can anyone change what the trail says.
        assert!(write(id("nurse"), "update trail set actor = 'x'".to_owned()).await.is_err());
        assert!(write(id("nurse"), "delete from trail".to_owned()).await.is_err());
    });
}

/// The control: where the policies are off, the same queries show everything.
#[test]
fn a_14_without_the_policies_it_would_be_seen() {
    start(Kind::Postgres, |service| async move {
        fill(&service).await;
        assert_eq!(seen(&service, id("other-site")).await, [1, 1, 2, 1]);
        for table in TABLES {
            service.execute(&format!("alter table {table} disable row level security"));
        }
        assert_eq!(seen(&service, id("other-site")).await, [3, 3, 6, 1]);
    });
}
