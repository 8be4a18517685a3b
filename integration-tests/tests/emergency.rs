//! Emergency access: to one member's records, for an hour, with a reason, and reviewed by someone else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Service, example};

const PATH: &str = "/v1/emergency-access";

/// The one that [`open_one`] opens.
pub(crate) const OPENED: &str = "emg_0198c1f2a4b37c10a1b2c3d4e5f60741";

/// Opens one whose id stays.
pub(crate) fn open_one(service: &Service) {
    service.execute(&format!(
        "insert into emergency_accesses (id, principal_id, member_id, reason_code, reason, opened_at, ends_at) values \
         ('{OPENED}', '{}', 'MCF0000000042', 'treatment', 'The member is in our emergency room.', '2026-12-01 15:00:00', '2026-12-01 16:00:00')",
        crate::users::id("nurse")
    ));
}

fn asked(member: &str) -> Value {
    json!({"member_id": member, "reason_code": "treatment", "reason": "The member is in our emergency room."})
}

async fn open(service: &Service, who: &str, member: &str) -> String {
    let answer = service.post(who, PATH, &asked(member)).await;
    let id = answer.expect(201)["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("location"), Some(&*format!("{PATH}/{id}")));
    id
}

/// Reads `path` under the emergency access `id`.
async fn read(service: &Service, who: &str, id: &str, path: &str) -> Answer {
    Answer::of(service.request(who, Method::GET, path).header("emergency-access", id)).await
}

async fn ask(service: &Service, who: &str, id: &str, path: &str, body: &Value) -> Answer {
    Answer::of(service.request(who, Method::POST, path).header("emergency-access", id).json(body)).await
}

async fn review(service: &Service, who: &str, id: &str) -> Answer {
    let body = json!({"finding": "justified", "reason": "Seen with the emergency room."});
    service.post(who, &format!("{PATH}/{id}/review"), &body).await
}

/// Two authorizations of the first site, for two members.
async fn fill(service: &Service) {
    service.submit(&example()).await.expect(201);
    let mut second = example();
    second["member_id"] = json!("HMO0000000051");
    service.submit(&second).await.expect(201);
}

const MINE: &str = "/v1/authorizations/26335R00001";
const OTHER: &str = "/v1/authorizations/26335R00002";

on_both! {
    async fn a_12_an_emergency_opens_one_members_records_for_an_hour(service) {
        fill(&service).await;
        // Someone of another site, and someone of the plan who sees no authorizations at all.
        for who in ["other-site", "credentialing-specialist"] {
            let id = open(&service, who, "MCF0000000042").await;
            let seen = read(&service, who, &id, MINE).await.expect(200);
            assert_eq!((&seen["member"]["id"], &seen["actions"]), (&json!("MCF0000000042"), &json!([])));
            // Of the member there is the list, and the eligibility.
            let list = read(&service, who, &id, "/v1/authorizations").await.expect(200);
            assert_eq!(list["data"].as_array().expect("rows").len(), 1);
            let found = ask(&service, who, &id, "/v1/authorizations/search", &json!({"diagnosis": "I10"})).await.expect(200);
            assert_eq!(found["data"].as_array().expect("rows").len(), 1);
            ask(&service, who, &id, "/v1/members/eligibility", &json!({"member_id": "MCF0000000042"})).await.expect(200);
            // Beyond its subject there is nothing, and nothing is changed or looked for under it.
            assert_eq!(read(&service, who, &id, OTHER).await.problem(404), "authorization-not-found");
            let other = ask(&service, who, &id, "/v1/members/eligibility", &json!({"member_id": "HMO0000000051"})).await;
            assert_eq!(other.status, 422);
            for (path, body) in [("/v1/authorizations", example()), ("/v1/members/search", json!({"last_name": "whit"}))] {
                assert_eq!(ask(&service, who, &id, path, &body).await.status, 403, "{path}");
            }
            // Without it nothing is seen, and under someone else's neither.
            assert!([403, 404].contains(&service.get(who, MINE).await.status));
            assert_eq!(read(&service, "hospital", &id, MINE).await.problem(403), "no-emergency-access");
        }
    }

    async fn a_12_after_sixty_minutes_it_is_over(service) {
        fill(&service).await;
        let id = open(&service, "other-site", "MCF0000000042").await;
        service.set("2026-12-01T15:59:59Z");
        read(&service, "other-site", &id, MINE).await.expect(200);
        service.set("2026-12-01T16:00:00Z");
        assert_eq!(read(&service, "other-site", &id, MINE).await.problem(403), "no-emergency-access");
        // None is renewed without a second person.
        let again = service.post("other-site", PATH, &asked("MCF0000000042")).await;
        assert_eq!(again.problem(409), "emergency-access-unreviewed");
        review(&service, "compliance", &id).await.expect(200);
        open(&service, "other-site", "MCF0000000042").await;
    }

    /// S-12, under whatever login; and what is reviewed is over, for good where it wasn't justified.
    async fn a_12_none_is_renewed_under_another_login_and_a_review_ends_it(service) {
        fill(&service).await;
        let id = open(&service, "other-site", "MCF0000000042").await;
        let same = format!("update principals set person = '{}' where id = '{}'", crate::users::id("other-site"), crate::users::id("hospital"));
        service.execute(&same);
        assert_eq!(service.post("hospital", PATH, &asked("MCF0000000042")).await.problem(409), "emergency-access-unreviewed");
        open(&service, "hospital", "HMO0000000051").await;
        let body = json!({"finding": "not_justified", "reason": "No such patient."});
        service.post("compliance", &format!("{PATH}/{id}/review"), &body).await.expect(200);
        assert_eq!(read(&service, "other-site", &id, MINE).await.problem(403), "no-emergency-access");
        assert_eq!(service.post("other-site", PATH, &asked("MCF0000000042")).await.problem(409), "emergency-access-unreviewed");
    }

    /// J-04, S-13: without a role in force it is over, and whoever runs the service opens none.
    async fn a_12_it_ends_with_the_roles_of_whoever_opened_it(service) {
        fill(&service).await;
        assert_eq!(service.post("operator", PATH, &asked("MCF0000000042")).await.problem(403), "no-emergencies");
        let id = open(&service, "other-site", "MCF0000000042").await;
        read(&service, "other-site", &id, MINE).await.expect(200);
        service.execute("update grants set ended_at = requested_at");
        assert_eq!(read(&service, "other-site", &id, MINE).await.problem(403), "no-emergency-access");
        assert_eq!(service.post("other-site", PATH, &asked("HMO0000000051")).await.problem(403), "no-emergencies");
    }

    async fn a_12_it_takes_a_reason_a_person_and_a_strong_login(service) {
        let before = service.counts();
        for (body, flaws) in [
            (json!({}), vec!["/member_id required -", "/reason_code required -", "/reason required -"]),
            (json!({"member_id": "MCF0000000042", "reason_code": "curiosity", "reason": "x"}), vec!["/reason_code one-of -", "/reason length -"]),
            (asked("MCF9999999999"), vec!["/member_id unknown-member -"]),
        ] {
            assert_eq!(service.post("other-site", PATH, &body).await.flaws(), flaws);
        }
        let request = service.request("ehr-vendor", Method::POST, PATH).header("idempotency-key", "k1");
        assert_eq!(Answer::of(request.json(&asked("MCF0000000042"))).await.problem(403), "no-emergencies");
        assert_eq!(service.counts(), before);
        for id in ["emg_ffffffffffffffffffffffffffffffff", "x", ""] {
            assert_eq!(read(&service, "other-site", id, MINE).await.problem(403), "no-emergency-access", "{id}");
        }
    }

    /// Every read is tagged; compliance is told at once; the review is due by the end of the next business day, and never one's own.
    async fn a_12_s_12_every_read_is_tagged_and_someone_else_reviews(service) {
        fill(&service).await;
        // A Friday: the next business day is Monday, which ends at five in the morning of UTC's Tuesday.
        service.set("2026-12-04T15:00:00Z");
        let id = open(&service, "compliance", "MCF0000000042").await;
        read(&service, "compliance", &id, MINE).await.expect(200);
        service.set("2026-12-04T15:00:01Z");
        read(&service, "compliance", &id, OTHER).await;
        service.get("compliance", MINE).await;
        service.drain();
        let tagged = service.texts(&format!("select action || ' ' || subject || ' ' || outcome as it from trail where emergency = '{id}' order by at"));
        // What it didn't show is told, too.
        assert_eq!(tagged, ["get_authorization 26335R00001 read", "get_authorization 26335R00002 authorization-not-found"]);
        assert_eq!(service.texts("select topic || ' ' || status as it from outbox where site_id is null"), ["emergency_access.opened open"]);
        let due = format!("select cast(due_at as text) || basis as it from deadlines where subject = '{id}' and met_at is null");
        let due = service.texts(&due).concat();
        assert!(due.starts_with("2026-12-08 05:00:00") && due.ends_with("business"), "{due}");

        assert_eq!(review(&service, "compliance", &id).await.problem(403), "own-emergency");
        service.execute(&format!(
            "update principals set person = '{}' where id = '{}'",
            crate::users::id("compliance"), crate::users::id("second-compliance")
        ));
        assert_eq!(review(&service, "second-compliance", &id).await.problem(403), "own-emergency");
        service.execute("update principals set person = id");
        for who in ["nurse", "single-site"] {
            assert_eq!(review(&service, who, &id).await.problem(403), "not-permitted");
        }
        for who in ["site-administrator", "investigator"] {
            assert_eq!(review(&service, who, &id).await.problem(404), "emergency-access-not-found");
        }
        assert_eq!(review(&service, "second-compliance", "emg_ffffffffffffffffffffffffffffffff").await.status, 404);
        // Of several reviews at once one counts.
        let calls = (0..6).map(|_| review(&service, "second-compliance", &id));
        let mut statuses: Vec<_> = futures_util::future::join_all(calls).await.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
        assert_eq!(service.texts(&format!("select subject as it from deadlines where subject = '{id}' and met_at is null")), Vec::<String>::new());
    }

    async fn a_12_one_sees_ones_own_and_compliance_all(service) {
        let id = open(&service, "other-site", "MCF0000000042").await;
        let rows = |page: Value| page["data"].as_array().expect("rows").len();
        for (who, count) in [("other-site", 1), ("compliance", 1), ("single-site", 0), ("site-administrator", 0), ("investigator", 0)] {
            assert_eq!(rows(service.get(who, PATH).await.expect(200)), count, "{who}");
            let one = service.get(who, &format!("{PATH}/{id}")).await;
            assert_eq!(one.status, if count == 1 { 200 } else { 404 }, "{who}");
        }
        assert_eq!(rows(service.get("compliance", &format!("{PATH}?reviewed=false")).await.expect(200)), 1);
        review(&service, "compliance", &id).await.expect(200);
        assert_eq!(rows(service.get("compliance", &format!("{PATH}?reviewed=false")).await.expect(200)), 0);
        assert_eq!(service.get("compliance", &format!("{PATH}/{id}")).await.expect(200)["review"]["finding"], "justified");
    }
}
