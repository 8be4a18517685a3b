//! What the service does on its own: decisions that could not be made in real time, deadlines, what is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use authorizations::{Decider, NoRuling, Policies, Question, Ruling};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use futures_util::future::join_all;
use kernel::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Kind, Options, Service, example, start};

/// A decider that is down for as long as a test wants.
#[derive(Default)]
struct Down(AtomicBool, AtomicUsize);

impl Decider for Down {
    fn decide(&self, question: Question) -> Result<Ruling, NoRuling> {
        self.1.fetch_add(1, Ordering::SeqCst);
        if self.0.load(Ordering::SeqCst) { Err(NoRuling) } else { Policies::shipped().decide(question) }
    }
}

/// A decider that takes for ever, until the test lets it go.
#[derive(Default)]
struct Hangs(Mutex<Vec<Sender<()>>>);

impl Decider for Hangs {
    fn decide(&self, question: Question) -> Result<Ruling, NoRuling> {
        let (hold, wait) = channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(hold);
        let _ = wait.recv();
        Policies::shipped().decide(question)
    }
}

/// A decider that remembers what it was asked: how many days before its start each request came.
#[derive(Default)]
struct Remembers(Mutex<Vec<i64>>);

impl Decider for Remembers {
    fn decide(&self, question: Question) -> Result<Ruling, NoRuling> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(-question.started_days_ago);
        Policies::shipped().decide(question)
    }
}

/// A decider that breaks.
struct Breaks;

impl Decider for Breaks {
    fn decide(&self, _: Question) -> Result<Ruling, NoRuling> {
        panic!("as this test wants it")
    }
}

fn with(decider: Arc<dyn Decider>) -> Options {
    Options { decider, ..Options::default() }
}

/// The same request, for other days.
fn on(start: &str, end: &str) -> Value {
    let mut body = example();
    (body["start_date"], body["end_date"]) = (json!(start), json!(end));
    body
}

/// Where each stands, by its number.
fn standings(service: &Service) -> Vec<String> {
    let pend = "coalesce(pend_reason, '-')";
    service.texts(&format!(
        "select status || ' ' || {pend} || ' ' || cast(version as text) as it from authorizations order by number_day, number_seq limit 100"
    ))
}

/// What was decided, in the order in which it was.
fn decided(service: &Service) -> Vec<String> {
    let all = "select subject as it from outbox where topic in ('authorization.decided', 'authorization.review_requested') order by id limit 100";
    service.texts(all)
}

on_both! {
    async fn aut_24_without_a_ruling_a_request_is_received_and_decided_later(service) {
        let down = Arc::new(Down::default());
        down.0.store(true, Ordering::SeqCst);
        let twin = service.twin(with(Arc::clone(&down) as _));
        let request = twin.request("single-site", Method::POST, "/v1/authorizations");
        let received = Answer::of(request.header("idempotency-key", "k1").json(&example())).await;
        let body = received.expect(202);
        assert_eq!(received.header("location"), Some("/v1/authorizations/26335R00001"));
        assert_eq!((&body["status"], &body["pend_reason"]), (&json!("PEND"), &json!("no_answer")));
        assert_eq!(body["decision"], Value::Null);
        let message = body["message"].as_str().expect("a message");
        // NOW, in Boston.
        assert!(message.contains("December 1, 2026, 10:00 AM") && message.contains("in 4 hours"), "{message}");
        // FED-04: the clock runs.
        assert_eq!(body["deadlines"][0]["rule"], "FED-02");
        assert!(body["lines"].as_array().expect("lines").iter().all(|it| it["units"]["authorized"] == 0));
        // It can't be had yet, and a failure is no end.
        assert_eq!(twin.work().await, 4);
        service.clock.set(service.clock.now() + TimeDelta::minutes(1));
        twin.work().await;
        assert_eq!(standings(&service), ["PEND no_answer 1"]);
        let job = service.get("operator", "/v1/jobs?kind=decide").await.expect(200);
        assert_eq!((&job["data"][0]["attempts"], &job["data"][0]["failure"]), (&json!(1), &json!("database-unavailable")));
        assert_eq!(job["data"][0]["status"], "waiting");
        assert!(!job.to_string().contains("26335R00001"));
        // It can again.
        down.0.store(false, Ordering::SeqCst);
        service.clock.set(service.clock.now() + TimeDelta::minutes(1));
        twin.work().await;
        let now = service.get("single-site", "/v1/authorizations/26335R00001").await.expect(200);
        assert_eq!((&now["status"], &now["version"]), (&json!("APPROVED"), &json!(2)));
        assert_eq!(now["lines"][0]["units"]["authorized"], 12);
        assert_eq!(now["decision"]["decided_by"]["kind"], "system");
        assert_eq!((&now["decision"]["policy_row"], &now["deadlines"]), (&json!("snc-usual"), &json!([])));
        assert_eq!(decided(&service), ["26335R00001"]);
        // Once: there is no job any more, and whoever repeats the request gets its answer.
        let asked = down.1.load(Ordering::SeqCst);
        service.clock.set(service.clock.now() + TimeDelta::hours(3));
        twin.work().await;
        assert_eq!((down.1.load(Ordering::SeqCst), decided(&service).len()), (asked, 1));
        let request = twin.request("single-site", Method::POST, "/v1/authorizations");
        let again = Answer::of(request.header("idempotency-key", "k1").json(&example())).await;
        assert_eq!((again.status, &again.text), (202, &received.text));
        twin.stop().await;
    }

    async fn aut_24_a_decider_that_hangs_or_breaks_holds_no_one_up(service) {
        let hangs = Arc::new(Hangs::default());
        let twin = service.twin(with(Arc::clone(&hangs) as _));
        // More than may wait for it at once: the others aren't made to.
        let body = example();
        let answers = join_all((0..40).map(|_| twin.submit(&body))).await;
        assert!(answers.iter().all(|it| it.status == 202), "{answers:?}");
        assert_eq!(hangs.0.lock().unwrap_or_else(PoisonError::into_inner).len(), 32);
        assert_eq!(twin.get("single-site", "/v1/me").await.status, 200);
        hangs.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let breaks = service.twin(with(Arc::new(Breaks)));
        breaks.submit(&example()).await.expect(202);
        // The control: the policy itself answers at once.
        assert_eq!(service.submit(&on("2027-03-01", "2027-03-02")).await.status, 201);
        // The others wait for the job, which the twins of before have: the first of them is no duplicate, the rest are.
        service.clock.set(service.clock.now() + TimeDelta::minutes(1));
        service.work().await;
        let standings = standings(&service);
        assert_eq!((&*standings[0], standings.len()), ("APPROVED - 2", 42));
        assert!(standings[1..41].iter().all(|it| it == "PEND possible_duplicate 2"), "{standings:?}");
        for it in [twin, breaks] {
            it.stop().await;
        }
    }

    async fn aut_04_l_10_in_the_maintenance_window_requests_are_taken_and_decided_afterwards_in_order(service) {
        let asked = Arc::new(Remembers::default());
        let maintained = || Options { maintained: true, ..with(Arc::clone(&asked) as _) };
        let (one, other) = (service.twin(maintained()), service.twin(maintained()));
        // The third weekend of December 2026 begins on Friday the 18th, at five in Boston.
        service.set("2026-12-18T21:59:00Z");
        one.submit(&on("2027-01-01", "2027-01-02")).await.expect(201);
        service.set("2026-12-18T22:00:00Z");
        let standard = one.submit(&on("2027-02-01", "2027-02-02")).await.expect(202);
        assert_eq!(standard["pend_reason"], "maintenance_window");
        assert!(standard["message"].as_str().expect("a message").contains("Monday morning"));
        for (node, start, end) in [(&other, "2027-03-01", "2027-03-02"), (&one, "2027-03-05", "2027-03-06")] {
            node.submit(&on(start, end)).await.expect(202);
        }
        for (start, end) in [("2027-04-01", "2027-04-02"), ("2027-04-05", "2027-04-06")] {
            let mut urgent = on(start, end);
            (urgent["urgency"], urgent["urgency_reason"]) = (json!("expedited"), json!("x"));
            assert_eq!(other.submit(&urgent).await.expect(202)["deadlines"][0]["rule"], "FED-01");
        }
        // A person may come first, and what they decided stands.
        let path = "/v1/authorizations/26352R00003/decide";
        let approve = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "x"});
        let request = one.request("nurse", Method::POST, path).header("if-match", "\"1.00000000\"");
        Answer::of(request.json(&approve)).await.expect(200);
        service.set("2026-12-21T10:59:00Z");
        join_all([one.work(), other.work()]).await;
        let waits = "PEND maintenance_window 1";
        assert_eq!(standings(&service), ["APPROVED - 1", waits, "APPROVED - 2", waits, waits, waits]);
        asked.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // Monday at six.
        service.set("2026-12-21T11:00:00Z");
        join_all([one.work(), other.work(), one.work(), other.work()]).await;
        assert_eq!(standings(&service)[1..], vec!["APPROVED - 2"; 5]);
        // Those of April are the expedited ones.
        assert_eq!(*asked.0.lock().unwrap_or_else(PoisonError::into_inner), [104, 108, 45, 77]);
        assert_eq!(decided(&service).len(), 6);
        assert_eq!(service.texts("select count(*) as it from jobs where kind = 'decide'"), ["0"]);
        for it in [one, other] {
            it.stop().await;
        }
    }

    async fn a_job_of_a_dead_node_is_taken_over_once_its_lease_is_over(service) {
        service.twin(with(Arc::new(Breaks))).submit(&example()).await.expect(202);
        service.clock.set(service.clock.now() + TimeDelta::minutes(1));
        let lease = TimeDelta::minutes(5);
        let claim = service.store.claim("decide", "node_dead", lease).await.expect("an answer").expect("a claim");
        assert_eq!(service.store.claim("decide", "node_other", lease).await.expect("an answer"), None);
        service.work().await;
        assert_eq!(standings(&service), ["PEND no_answer 1"]);
        let running = service.get("operator", "/v1/jobs?kind=decide").await.expect(200);
        assert_eq!((&running["data"][0]["status"], &running["data"][0]["claimed_by"]), (&json!("running"), &json!("node_dead")));
        service.clock.set(service.clock.now() + lease + TimeDelta::seconds(1));
        service.work().await;
        assert_eq!(standings(&service), ["APPROVED - 2"]);
        // The one that was thought dead comes too late, and changes nothing.
        let late = service.store.write(&api::State::system("late"), move |tx| tx.finish(&claim)).await;
        assert!(matches!(late, Err(store::Error::Unavailable(_))), "{late:?}");
    }

    async fn a_node_that_goes_gives_back_what_it_had(service) {
        service.twin(with(Arc::new(Breaks))).submit(&example()).await.expect(202);
        service.clock.set(service.clock.now() + TimeDelta::minutes(1));
        let lease = TimeDelta::minutes(5);
        service.store.claim("decide", "node_a", lease).await.expect("an answer").expect("a claim");
        assert_eq!(service.store.release("node_a").await.expect("an answer"), 1);
        service.work().await;
        assert_eq!(standings(&service), ["APPROVED - 2"]);
    }

    async fn fed_01_fed_02_fed_04_deadlines_are_listed_and_told_a_day_before_and_once_missed(service) {
        // A standard one that a person must decide, and an expedited one.
        let mut reviewed = example();
        reviewed["lines"][0]["units"] = json!(99);
        service.submit(&reviewed).await.expect(201);
        let mut urgent = on("2027-04-01", "2027-04-02");
        urgent["lines"][0]["units"] = json!(99);
        (urgent["urgency"], urgent["urgency_reason"]) = (json!("expedited"), json!("x"));
        service.submit(&urgent).await.expect(201);
        let list = async |query: &str| {
            let found = service.get("nurse", &format!("/v1/deadlines{query}")).await.expect(200);
            let row = |it: &Value| {
                ["subject", "rule", "status", "due_at"].map(|name| it[name].as_str().expect(name).to_owned()).join(" ")
            };
            found["data"].as_array().expect("rows").iter().map(row).collect::<Vec<_>>()
        };
        let (soon, later) = (
            "26335R00002 FED-01 open 2026-12-04T15:00:00Z",
            "26335R00001 FED-02 open 2026-12-08T15:00:00Z",
        );
        assert_eq!(list("").await, [soon, later]);
        assert_eq!(list("?rule=FED-02").await, [later]);
        assert_eq!(list("?subject=26335R00002").await, [soon]);
        assert_eq!(list("?due_before=2026-12-05T00:00:00Z&status=open").await, [soon]);
        assert_eq!(list("?status=met").await, Vec::<String>::new());
        let page = service.get("nurse", "/v1/deadlines?limit=1").await;
        let next = page.header("link").expect("a link").split_once('>').expect("a link").0[1..].to_owned();
        let next = service.get("nurse", &next).await.expect(200);
        assert_eq!((&next["data"][0]["subject"], &next["next_cursor"]), (&json!("26335R00001"), &Value::Null));
        // Told once: a day before, and when it is too late.
        let told = || {
            service.texts("select topic || ' ' || subject || ' ' || status || ' ' || cast(sequence as text) as it from outbox where topic like 'deadline.%' order by id limit 9")
        };
        service.work().await;
        assert_eq!(told(), Vec::<String>::new());
        service.set("2026-12-03T15:00:00Z");
        service.work().await;
        service.set("2026-12-03T16:00:00Z");
        service.work().await;
        assert_eq!(told(), ["deadline.due 26335R00002 MEDREVIEW 2"]);
        service.set("2026-12-04T15:00:01Z");
        service.work().await;
        service.set("2026-12-04T16:00:01Z");
        service.work().await;
        assert_eq!(told()[1..], ["deadline.missed 26335R00002 MEDREVIEW 3"]);
        // What comes after it has the next place, and a deadline that is met in time is never told.
        let deny = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "x"});
        for id in ["26335R00001", "26335R00002"] {
            let path = format!("/v1/authorizations/{id}/decide");
            let request = service.request("nurse", Method::POST, &path).header("if-match", "\"1.00000000\"");
            Answer::of(request.json(&deny)).await.expect(200);
        }
        service.set("2026-12-09T15:00:00Z");
        service.work().await;
        assert_eq!(told().len(), 2);
        assert_eq!(list("?status=met").await, ["26335R00001 FED-02 met 2026-12-08T15:00:00Z"]);
        assert_eq!(list("?status=missed").await, ["26335R00002 FED-01 missed 2026-12-04T15:00:00Z"]);
        assert_eq!(
            service.texts("select topic as it from outbox where subject = '26335R00002' order by sequence limit 9"),
            ["authorization.submitted", "deadline.due", "deadline.missed", "authorization.decided"]
        );
    }

    async fn c_11_a_kept_answer_is_forgotten_after_seven_days_and_not_before(service) {
        let ask = async || {
            let request = service.request("single-site", Method::POST, "/v1/authorizations");
            Answer::of(request.header("idempotency-key", "k1").json(&on("2027-03-01", "2027-03-02"))).await
        };
        let first = ask().await.expect(201)["id"].clone();
        service.set("2026-12-08T14:59:00Z");
        service.work().await;
        assert_eq!(ask().await.expect(201)["id"], first);
        service.set("2026-12-08T16:00:00Z");
        service.work().await;
        assert_ne!(ask().await.expect(201)["id"], first);
    }

    async fn aut_06_what_is_decided_later_is_granted_as_long_as_the_benefit_lasts(service) {
        let down = Arc::new(Down::default());
        down.0.store(true, Ordering::SeqCst);
        let twin = service.twin(with(Arc::clone(&down) as _));
        // The limit of this member's product is 60 visits a year.
        for day in 1..7 {
            let mut body = on(&format!("2026-12-{day:02}"), &format!("2026-12-{day:02}"));
            (body["member_id"], body["lines"][0]["units"]) = (json!("ASO0000000061"), json!(15));
            twin.submit(&body).await.expect(202);
        }
        down.0.store(false, Ordering::SeqCst);
        service.clock.set(service.clock.now() + TimeDelta::minutes(1));
        twin.work().await;
        let (granted, reviewed) = (vec!["APPROVED - 2"; 4], vec!["MEDREVIEW - 2"; 2]);
        assert_eq!(standings(&service), [granted, reviewed].concat());
        let fifth = service.get("single-site", "/v1/authorizations/26335R00005").await.expect(200);
        assert_eq!((&fifth["decision"], &fifth["lines"][0]["units"]["authorized"]), (&Value::Null, &json!(0)));
        assert_eq!(fifth["deadlines"][0]["rule"], "FED-02");
        twin.stop().await;
    }

    async fn aut_04_what_was_left_before_the_window_waits_for_its_end_too(service) {
        let down = Arc::new(Down::default());
        down.0.store(true, Ordering::SeqCst);
        let twin = service.twin(Options { maintained: true, ..with(Arc::clone(&down) as _) });
        service.set("2026-12-18T21:59:30Z");
        assert_eq!(twin.submit(&on("2027-02-01", "2027-02-02")).await.expect(202)["pend_reason"], "no_answer");
        down.0.store(false, Ordering::SeqCst);
        for at in ["2026-12-18T22:01:00Z", "2026-12-20T12:00:00Z"] {
            service.set(at);
            twin.work().await;
            assert_eq!(standings(&service), ["PEND no_answer 1"]);
        }
        service.set("2026-12-21T11:00:00Z");
        twin.work().await;
        assert_eq!(standings(&service), ["APPROVED - 2"]);
        twin.stop().await;
    }

    async fn c_16_jobs_go_on_after_a_clock_was_ahead_for_a_while(service) {
        service.set("2027-12-01T15:00:00Z");
        service.work().await;
        let lease = TimeDelta::minutes(5);
        service.clock.set(service.clock.now() + TimeDelta::hours(2));
        service.store.claim("seal", "node_ahead", lease).await.expect("an answer").expect("a claim");
        service.set("2026-12-01T15:00:00Z");
        let late = || service.texts("select kind as it from jobs where run_at > '2026-12-01 17:00:00' order by kind limit 9");
        assert_eq!(late().len(), 4);
        service.work().await;
        assert_eq!(late(), Vec::<String>::new());
        // The control: none is done twice for that.
        assert_eq!(service.work().await, 0);
        let kept = service.texts("select count(*) as it from jobs where finished_at < '2026-12-02 00:00:00'");
        assert_eq!(kept, ["4"]);
    }

    async fn c_11_many_kept_answers_are_forgotten_in_many_transactions(service) {
        let old = (service.clock.now() - TimeDelta::days(30)).naive_utc();
        let one = format!("('old', '{{}}', 'x', 'x', '{old}')");
        let rows: Vec<_> = (0..2500).map(|it| one.replace("{}", &it.to_string())).collect();
        service.execute(&format!("insert into idempotency (scope, key, fingerprint, answer, at) values {}", rows.join(", ")));
        service.work().await;
        assert_eq!(service.texts("select count(*) as it from idempotency"), ["0"]);
    }
}

/// SQLite's log beyond 32 MB, and someone who reads what is in it: writers are not held up for that.
#[test]
fn c_19_a_long_read_holds_up_no_writer_of_sqlite() {
    start(Kind::Sqlite, |service| async move {
        let file = service.database.url.trim_start_matches("sqlite:").to_owned();
        let size = || std::fs::metadata(format!("{file}-wal")).map_or(0, |it| it.len());
        let mut reader = SqliteConnection::establish(&file).expect("the database");
        reader.batch_execute("begin; select count(*) from trail").expect("a read");
        service.execute("create table load (it text)");
        for _ in 0..12 {
            service.execute(
                "with recursive t(n) as (select 1 union all select n + 1 from t where n < 1000) \
                 insert into load select hex(randomblob(2000)) from t",
            );
        }
        assert!(size() > 40 << 20, "{}", size());
        for _ in 0..100 {
            assert_eq!(service.submit(&example()).await.status, 201);
        }
        reader.batch_execute("rollback").expect("an end");
        // Once no one reads it, it is emptied, and cut to its usual length.
        for count in 0.. {
            service.submit(&example()).await.expect(201);
            if size() < 8 << 20 {
                break;
            }
            assert!(count < 2000, "{}", size());
        }
    });
}
