//! Who saw what, and who was refused what.

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Kind, Service, example};
use crate::users::id;

const PATH: &str = "/v1/authorizations/26335R00001";

/// The entries of `query`, as `who` sees them: actor, action, subject, outcome.
async fn entries(service: &Service, who: &str, query: &str) -> Vec<String> {
    service.drain();
    let page = service.get(who, &format!("/v1/trail?{query}")).await.expect(200);
    let word = |it: &Value, name: &str| it[name].as_str().unwrap_or("-").to_owned();
    let line = |it: &Value| ["action", "subject", "outcome"].map(|name| word(it, name)).join(" ");
    page["data"].as_array().expect("rows").iter().map(line).collect()
}

on_both! {
    async fn l_02_every_call_leaves_one_entry(service) {
        service.submit(&example()).await.expect(201);
        let mut seen = 1;
        let count = |service: &Service| {
            service.drain();
            service.texts("select count(*) as it from trail").concat().parse::<usize>().expect("a number")
        };
        assert_eq!(count(&service), seen);
        for (who, method, path, body, status, entry) in [
            ("single-site", Method::GET, PATH, Value::Null, 200, "get_authorization 26335R00001 read"),
            ("other-site", Method::GET, PATH, Value::Null, 404, "get_authorization 26335R00001 authorization-not-found"),
            ("operator", Method::GET, PATH, Value::Null, 403, "get_authorization 26335R00001 not-permitted"),
            ("single-site", Method::GET, "/v1/authorizations/Whitfield", Value::Null, 404, "get_authorization - authorization-not-found"),
            ("single-site", Method::GET, "/v1/authorizations?x=1", Value::Null, 400, "list_authorizations - invalid-parameter"),
            ("single-site", Method::POST, "/v1/authorizations", json!({}), 422, "create_authorization - invalid-body"),
            ("nurse", Method::POST, "/v1/members/search", json!({"member_id": "MCF0000000042"}), 200, "search_members MCF0000000042 read"),
            ("nurse", Method::POST, "/v1/members/eligibility", json!({"member_id": "MCF0000000042"}), 200, "get_eligibility MCF0000000042 read"),
            ("multi-site", Method::GET, "/v1/me", Value::Null, 200, "get_me - read"),
            ("nurse", Method::POST, "/v1/authorizations/26335R00001/decide", json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "x"}), 409,
                "decide_authorization 26335R00001 authorization-action-not-permitted"),
        ] {
            service.set(&format!("2026-12-01T15:{seen:02}:00Z"));
            let request = service.request(who, method, path).header("if-match", "\"1.00000000\"");
            let answer = Answer::of(if body.is_null() { request } else { request.json(&body) }).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
            seen += 1;
            assert_eq!(count(&service), seen, "{path}");
            let mine = entries(&service, who, &format!("actor={}&limit=1", id(who))).await;
            seen += 1;
            assert_eq!(mine, [entry], "{path}");
            let request = answer.header("x-request-id").expect("an id").to_owned();
            assert_eq!(service.texts(&format!("select request as it from trail where request = '{request}'")), [&*request]);
        }
        // Without a token, too; and what is no operation isn't one.
        Answer::of(service.anonymous(Method::GET, "/v1/me")).await.problem(401);
        Answer::of(service.anonymous(Method::GET, "/v1/nothing")).await.problem(404);
        Answer::of(service.anonymous(Method::GET, "/healthz/live")).await;
        assert_eq!(count(&service), seen + 1, "{:?}", service.texts("select actor || action || outcome as it from trail where outcome is not null order by at, id"));
        let last = "select actor || action || outcome as it from trail order by at desc, id desc limit 1";
        service.set("2026-12-01T16:00:01Z");
        Answer::of(service.anonymous(Method::GET, PATH)).await.problem(401);
        service.drain();
        assert_eq!(service.texts(last), ["anonymousget_authorizationunauthenticated"]);
    }

    /// A list is one entry, and is found by what it showed.
    async fn l_02_a_list_is_one_entry_that_holds_what_it_showed(service) {
        for _ in 0..3 {
            service.submit(&example()).await.expect(201);
        }
        service.get("nurse", "/v1/authorizations?limit=2").await.expect(200);
        let of = |number: &str| format!("subject={number}&actor={}", id("nurse"));
        assert_eq!(entries(&service, "compliance", &of("26335R00003")).await, ["list_authorizations - read"]);
        assert_eq!(entries(&service, "compliance", &of("26335R00001")).await, Vec::<String>::new());
        // By member, which no address may hold.
        service.post("nurse", "/v1/members/search", &json!({"last_name": "whit"})).await.expect(200);
        service.drain();
        let body = json!({"member_id": "MCF0000000042"});
        let page = service.post("compliance", "/v1/trail/search", &body).await.expect(200);
        assert_eq!((&page["data"][0]["actor"], &page["data"][0]["action"]), (&json!(id("nurse")), &json!("search_members")));
        let answer = service.get("compliance", "/v1/trail?subject=MCF0000000042").await;
        assert_eq!(answer.problem(400), "invalid-parameter");
    }

    /// Everyone sees their own doings; a site's administrator what was done with the site's things; compliance all.
    async fn the_trail_is_shown_to_those_who_may_see_it(service) {
        service.submit(&example()).await.expect(201);
        service.set("2026-12-01T15:00:01Z");
        service.get("nurse", PATH).await.expect(200);
        let subject = "subject=26335R00001";
        let whole = ["get_authorization 26335R00001 read", "authorization.submit 26335R00001 done"];
        assert_eq!(entries(&service, "compliance", subject).await, whole);
        assert_eq!(entries(&service, "site-administrator", subject).await, whole);
        for who in ["single-site", "other-site", "nurse", "investigator", "operator", "ehr-vendor"] {
            assert_eq!(entries(&service, who, subject).await, Vec::<String>::new(), "{who}");
        }
        let own = format!("actor={}&{subject}", id("nurse"));
        assert_eq!(entries(&service, "nurse", &own).await, whole[..1]);
        assert_eq!(entries(&service, "single-site", &own).await, Vec::<String>::new());
        // Where nothing is said it is about oneself.
        assert!(entries(&service, "nurse", "").await.contains(&whole[0].to_owned()));
        for wrong in ["subject=x", "actor=x", "subject=26335R00001&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z"] {
            assert_eq!(service.get("compliance", &format!("/v1/trail?{wrong}")).await.problem(400), "invalid-parameter", "{wrong}");
        }
    }

    /// What was seen of a member is found however long ago it was, 31 days at a time.
    async fn what_was_seen_of_a_member_is_found_for_good(service) {
        service.post("nurse", "/v1/members/search", &json!({"member_id": "MCF0000000042"})).await.expect(200);
        service.drain();
        service.set("2027-03-01T15:00:00Z");
        let search = async |more: &[(&str, &str)]| {
            let mut body = json!({"member_id": "MCF0000000042"});
            for (name, value) in more {
                body[name] = json!(value);
            }
            service.post("compliance", "/v1/trail/search", &body).await
        };
        let count = |it: Answer| it.expect(200)["data"].as_array().expect("rows").len();
        assert_eq!(count(search(&[]).await), 0);
        assert_eq!(count(search(&[("to", "2026-12-31T00:00:00Z")]).await), 1);
        assert_eq!(count(search(&[("from", "2026-12-01T10:00:00-05:00"), ("to", "2026-12-01T15:00:00.000001Z")]).await), 1);
        assert_eq!(count(search(&[("from", "2026-12-01T15:00:00.000001Z"), ("to", "2026-12-02T00:00:00Z")]).await), 0);
        for (from, to, flaw) in [
            ("2026-12-01T15:00:00Z", "2027-01-01T15:00:00.000001Z", "/to range -"),
            ("2026-12-01T15:00:00Z", "2026-12-01T14:59:59Z", "/to range -"),
            ("2026-12-01", "2026-12-02T00:00:00Z", "/from format -"),
            ("2026-12-01 15:00:00Z", "2026-12-02T00:00:00Z", "/from format -"),
        ] {
            assert_eq!(search(&[("from", from), ("to", to)]).await.flaws(), [flaw]);
        }
        assert_eq!(search(&[("from", "2026-12-01T15:00:00Z")]).await.flaws(), ["/to range -"]);
    }

    async fn the_trail_pages_without_gap_or_repeat(service) {
        for _ in 0..5 {
            service.get("nurse", "/v1/services").await.expect(200);
        }
        service.drain();
        let (mut seen, mut next) = (Vec::new(), Some(format!("/v1/trail?actor={}&limit=2&to=2026-12-01T15:00:01Z", id("nurse"))));
        while let Some(path) = next {
            let answer = service.get("compliance", &path).await;
            let page = answer.expect(200);
            seen.extend(page["data"].as_array().expect("rows").iter().map(|it| it["id"].to_string()));
            let link = answer.header("link").map(str::to_owned);
            next = link.and_then(|it| Some(it.strip_prefix('<')?.split_once('>')?.0.to_owned()));
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((count, seen.len()), (5, 5));
    }

    /// L-03: a write whose entry can't be written is none; members' data isn't shown once its entries have failed for 5 s.
    async fn l_03_what_can_not_be_told_is_not_shown(service) {
        service.submit(&example()).await.expect(201);
        let before = service.counts();
        let (lock, unlock) = match service.kind {
            Kind::Sqlite => ("alter table trail rename to kept_trail", "alter table kept_trail rename to trail"),
            Kind::Postgres => ("revoke insert on trail from lanyard_app", "grant insert on trail to lanyard_app"),
        };
        service.execute(lock);
        let answer = service.submit(&example()).await;
        assert!([500, 503].contains(&answer.status), "{}", answer.text);
        // The reads until then are shown, and noted.
        service.get("single-site", PATH).await.expect(200);
        // The writer tries, and fails; and five seconds later it has failed for too long.
        assert!(!service.tries_to_drain());
        service.get("single-site", PATH).await.expect(200);
        service.set("2026-12-01T15:00:06Z");
        for (who, path) in [("single-site", PATH), ("nurse", "/v1/authorizations"), ("compliance", "/v1/trail?subject=26335R00001")] {
            let answer = service.get(who, path).await;
            assert_eq!(answer.problem(503), "trail-unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        // What shows nothing of members goes on.
        service.get("single-site", "/v1/me").await.expect(200);
        service.execute(unlock);
        service.drain();
        service.get("single-site", PATH).await.expect(200);
        assert_eq!(service.counts(), before);
        // Nothing that was shown is missing: two reads, and three refusals.
        service.drain();
        let told = service.texts("select count(*) as it from trail where action = 'get_authorization' and outcome = 'read'");
        assert_eq!(told, ["3"]);
    }
}
