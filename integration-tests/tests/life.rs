//! The life of an authorization after it was received (AUT-34).

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Service, example};

fn reason() -> Value {
    json!({"reason_code": "entered_in_error", "reason": "Sent twice."})
}

async fn close(service: &Service, who: &str, id: &str, etag: Option<&str>, body: &Value) -> Answer {
    let request = service.request(who, Method::POST, &format!("/v1/authorizations/{id}/close")).json(body);
    Answer::of(etag.into_iter().fold(request, |request, etag| request.header("if-match", etag))).await
}

on_both! {
    async fn aut_34_the_plan_closes_what_is_open(service) {
        service.submit(&example()).await.expect(201);
        let pended = service.submit(&example()).await;
        assert_eq!(pended.expect(201)["actions"], json!([]));
        let read = service.get("coordinator", "/v1/authorizations/26335R00002").await;
        assert_eq!(read.expect(200)["actions"], json!(["review", "close"]));
        service.set("2026-12-01T16:00:00Z");
        let answer = close(&service, "coordinator", "26335R00002", read.header("etag"), &reason()).await;
        let closed = answer.expect(200);
        assert_eq!(closed["status"], "CLOSED");
        assert_eq!((&closed["version"], &closed["pend_reason"]), (&json!(2), &json!(null)));
        assert_eq!((&closed["actions"], &closed["deadlines"]), (&json!([]), &json!([])));
        assert_eq!(closed["closing"], json!({"reason_code": "entered_in_error", "reason": "Sent twice.", "closed_at": "2026-12-01T16:00:00Z"}));
        assert_eq!((&closed["lines"][0]["status"], &closed["lines"][0]["units"]["remaining"]), (&json!("CLOSED"), &json!(0)));
        assert_eq!((&closed["created_at"], &closed["updated_at"]), (&json!("2026-12-01T15:00:00Z"), &json!("2026-12-01T16:00:00Z")));
        assert_eq!(service.get("coordinator", "/v1/authorizations/26335R00002").await.text, answer.text);

        // What it left beside its own row.
        let trail = service.texts("select actor || ' ' || action || ' ' || subject || ' ' || reason as it from trail where action = 'authorization.close'");
        assert_eq!(trail, [format!("{} authorization.close 26335R00002 entered_in_error: Sent twice.", registry::demo::PRINCIPALS[4].0)]);
        let events = service.texts("select sequence || ' ' || topic || ' ' || status || ' ' || version as it from outbox where subject = '26335R00002' order by sequence");
        assert_eq!(events, ["1 authorization.submitted PEND 1", "2 authorization.closed CLOSED 2"]);
        assert_eq!(service.texts("select count(*) as it from deadlines where met_at is null"), ["0"]);
        let digests = service.texts("select coalesce(before, '-') || ' ' || after as it from trail where subject = '26335R00002' order by action desc");
        let (submitted, closed) = (digests[0].split_once(' ').expect("two"), digests[1].split_once(' ').expect("two"));
        // What was there before is what the entry before left there.
        assert_eq!((submitted.0, submitted.1), ("-", closed.0));
        assert_ne!(closed.0, closed.1);
    }

    async fn aut_08_what_is_closed_stays_closed(service) {
        let etag = service.submit(&example()).await.header("etag").expect("an etag").to_owned();
        let closed = close(&service, "coordinator", "26335R00001", Some(&etag), &reason()).await;
        closed.expect(200);
        let again = close(&service, "coordinator", "26335R00001", closed.header("etag"), &reason()).await;
        assert_eq!(again.problem(409), "authorization-action-not-permitted");
        assert_eq!((&again.json()["rule"], &again.json()["allowed_actions"]), (&json!("AUT-08"), &json!([])));
        service.execute("update authorizations set status = 'DENIED', version = 3");
        let denied = close(&service, "coordinator", "26335R00001", Some("\"3.00000000\""), &reason()).await;
        assert_eq!(denied.problem(409), "authorization-action-not-permitted");
        assert!(denied.text.contains("DENIED"));
    }

    async fn aut_34_closing_takes_a_reason_of_the_plans(service) {
        let etag = service.submit(&example()).await.header("etag").expect("an etag").to_owned();
        for (body, flaws) in [
            (json!({}), &["/reason_code required AUT-34", "/reason required AUT-34"][..]),
            (json!({"reason_code": "because", "reason": ""}), &["/reason length AUT-34", "/reason_code one-of AUT-34"]),
        ] {
            assert_eq!(close(&service, "coordinator", "26335R00001", Some(&etag), &body).await.flaws(), flaws);
        }
        for who in ["single-site", "nurse"] {
            assert_eq!(close(&service, who, "26335R00001", Some(&etag), &reason()).await.problem(403), "not-permitted");
        }
        let missing = close(&service, "coordinator", "26335R00009", Some(&etag), &reason()).await;
        assert_eq!(missing.problem(404), "authorization-not-found");
        assert_eq!(service.get("nurse", "/v1/authorizations/26335R00001").await.expect(200)["status"], "APPROVED");
    }

    /// C-08, for the one move there is.
    async fn c_08_of_sixteen_moves_from_one_version_one_is_made(service) {
        let etag = service.submit(&example()).await.header("etag").expect("an etag").to_owned();
        assert_eq!(close(&service, "coordinator", "26335R00001", None, &reason()).await.problem(428), "if-match-required");
        for wrong in ["", "1", "*", "\"1\"", "W/\"1.00000000\"", "\"1.0000000\"", "\"x.00000000\"", "\"1.00000000\", \"2.00000000\""] {
            let answer = close(&service, "coordinator", "26335R00001", Some(wrong), &reason()).await;
            assert_eq!(answer.problem(400), "if-match-invalid", "{wrong}");
        }
        let (body, etag) = (reason(), etag.as_str());
        let all = (0..16).map(|_| close(&service, "coordinator", "26335R00001", Some(etag), &body));
        let mut statuses: Vec<_> = futures_util::future::join_all(all).await.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [&[200][..], &[412; 15]].concat());
        let stale = close(&service, "coordinator", "26335R00001", Some(etag), &body).await;
        assert_eq!(stale.problem(412), "authorization-changed");
        assert_eq!(service.texts("select version as it from authorizations"), ["2"]);
    }

    async fn an_etag_tells_whether_anything_changed(service) {
        let created = service.submit(&example()).await;
        let etag = created.header("etag").expect("an etag");
        assert!(etag.starts_with("\"1.") && etag.len() == 12, "{etag}");
        let ask = |etag: String| {
            let request = service.request("single-site", Method::GET, "/v1/authorizations/26335R00001");
            Answer::of(request.header("if-none-match", etag))
        };
        for known in [etag.to_owned(), format!("\"x\", {etag}"), "*".to_owned()] {
            let same = ask(known).await;
            assert_eq!((same.status, &*same.text, same.header("etag")), (304, "", Some(etag)));
        }
        let twice = service.request("single-site", Method::GET, "/v1/authorizations/26335R00001");
        let twice = Answer::of(twice.header("if-none-match", "\"x\"").header("if-none-match", etag)).await;
        assert_eq!(twice.status, 304);
        // What another caller may do differs, so its answer has another one.
        let theirs = service.get("coordinator", "/v1/authorizations/26335R00001").await;
        assert_ne!(theirs.header("etag"), Some(etag));
        ask("\"1.00000000\"".to_owned()).await.expect(200);
        close(&service, "coordinator", "26335R00001", Some(etag), &reason()).await.expect(200);
        ask(etag.to_owned()).await.expect(200);
    }
}
