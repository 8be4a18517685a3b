//! What one site learns of another's: nothing; and of what it may see, which fields.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Service, example};

/// What is the same in two answers, but for the request's id and the moment.
fn shape(it: &Answer) -> (u16, String) {
    (it.status, it.text.replace(it.header("x-request-id").expect("an id"), "…"))
}

/// All that a caller can ask for without naming one thing, in each way that narrows it.
async fn all_that_is_seen(service: &Service, who: &str) -> Vec<(u16, String)> {
    let mut seen = Vec::new();
    for path in [
        "/v1/authorizations",
        "/v1/authorizations?limit=1",
        "/v1/authorizations?status=PEND",
        "/v1/authorizations?status=APPROVED&type=home_health_care",
        "/v1/authorizations?service_from=2026-12-01&service_to=2027-12-31",
        "/v1/authorizations?created_from=2026-12-01",
        "/v1/me",
        "/v1/providers?q=riverside",
    ] {
        seen.push(shape(&service.get(who, path).await));
    }
    for (path, body) in [
        ("/v1/authorizations/search", json!({"member_id": "MCF0000000042"})),
        ("/v1/authorizations/search", json!({"diagnosis": "I10"})),
        ("/v1/authorizations/search", json!({"diagnosis": "I10", "status": "PEND"})),
        ("/v1/members/search", json!({"last_name": "whit"})),
        ("/v1/members/search", json!({"member_id": "MCF0000000042"})),
        ("/v1/trail/search", json!({"member_id": "MCF0000000042"})),
    ] {
        seen.push(shape(&service.post(who, path, &body).await));
    }
    seen
}

/// The paths of the parts of `value`, those of a list's elements as one.
fn fields(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(parts) => {
            for (name, it) in parts {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                fields(it, &at, into);
                into.insert(at);
            }
        }
        Value::Array(parts) => parts.iter().for_each(|it| fields(it, at, into)),
        _ => {}
    }
}

/// What the viewer shows (AUT-29, AUT-23), by hand.
const VIEWER: &str = "actions authorization_date closing created_at deadlines decision decision.decided_at decision.decided_by \
    decision.decided_by.kind decision.human_reviewed decision.outcome decision.policy_row decision.policy_version decision.reason \
    decision.reason_code decision.rule diagnoses diagnoses.code diagnoses.description diagnoses.primary documents duplicate_of \
    evaluation id level_of_care lines lines.code lines.code_type lines.description lines.modifiers lines.number lines.status \
    lines.units lines.units.authorized lines.units.remaining lines.units.requested lines.units.used member member.date_of_birth \
    member.id member.name member.pcp member.pcp.name member.pcp.npi member.pcp.site member.product message pay_to pay_to.name \
    pay_to.npi pend_reason plan_contact plan_contact.email plan_contact.fax plan_contact.phone re_evaluation refer_from \
    refer_from.contact refer_from.contact.name refer_from.contact.phone refer_from.name refer_from.npi refer_to refer_to.contact \
    refer_to.contact.name refer_to.contact.phone refer_to.name refer_to.npi remarks requested_service revisions service_end \
    service_start setting site_id status type updated_at urgency urgency_reason version";

/// What a row of a list shows (AUT-30), by hand.
const ROW: &str = "data data.created_at data.id data.member data.member.id data.member.name data.primary_diagnosis \
    data.requested_service data.service_end data.service_start data.site_id data.status data.type data.urgency data.version \
    next_cursor";

/// What a search for members shows (AUT-10), by hand: no more than it takes to choose the right one.
const MEMBER: &str = "data data.birth_year data.coverage data.coverage.effective_date data.coverage.my_care_family \
    data.coverage.product data.coverage.termination_date data.id data.name data.status data.terminated next_cursor";

on_both! {
    /// what one site did with success, another site repeats; it learns no more than of what isn't there.
    async fn a_02_what_one_site_did_another_can_not_repeat(service) {
        let made = service.submit(&example()).await;
        let etag = made.header("etag").expect("a version").to_owned();
        let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
        let before = service.counts();
        for who in ["other-site", "hospital", "agency"] {
            for tail in ["", "/x"] {
                let ask = |id: &str| service.request(who, Method::GET, &format!("/v1/authorizations/{id}{tail}")).header("if-none-match", &etag);
                let (theirs, missing) = (Answer::of(ask(&id)).await, Answer::of(ask("26335R77777")).await);
                assert_eq!((shape(&theirs), theirs.status), (shape(&missing), 404), "{who}");
            }
            // Under the same key it is their own request, for their own site.
            let request = service.request(who, Method::POST, "/v1/authorizations").header("idempotency-key", "k1");
            assert_eq!(Answer::of(request.json(&example())).await.problem(403), "site-not-permitted");
            for verb in ["decide", "close"] {
                let request = service.request(who, Method::POST, &format!("/v1/authorizations/{id}/{verb}")).header("if-match", &etag);
                assert_eq!(Answer::of(request.json(&json!({}))).await.problem(403), "not-permitted");
            }
            let list = service.get(who, &format!("/v1/authorizations?site_id={}", registry::demo::SITES[0].0)).await;
            assert_eq!(list.problem(403), "site-not-permitted");
        }
        assert_eq!(service.counts(), before);
    }

    /// what a site sees is, to the byte, what it would see if there were no other.
    async fn a_03_what_others_do_changes_no_byte_of_what_a_site_sees(service) {
        let mut theirs = example();
        (theirs["site_id"], theirs["member_id"]) = (json!(registry::demo::SITES[2].0), json!("HMO0000000051"));
        service.post("other-site", "/v1/authorizations", &theirs).await.expect(201);
        let before = all_that_is_seen(&service, "other-site").await;
        for _ in 0..3 {
            service.submit(&example()).await.expect(201);
        }
        service.get("nurse", "/v1/authorizations").await.expect(200);
        service.drain();
        assert_eq!(all_that_is_seen(&service, "other-site").await, before);
        // The control: what the site does itself is seen.
        theirs["member_id"] = json!("HMO0000000052");
        service.post("other-site", "/v1/authorizations", &theirs).await.expect(201);
        assert_ne!(all_that_is_seen(&service, "other-site").await, before);
    }

    /// a request that names another's site, or another's practitioner, isn't told whether there is one.
    async fn a_04_what_is_anothers_is_not_confirmed(service) {
        let ask = |site: Value, npi: Value| {
            let mut body = example();
            body["site_id"] = site;
            body["requesting_provider"]["npi"] = npi;
            let service = &service;
            async move { service.submit(&body).await }
        };
        let own = json!(registry::demo::SITES[0].3);
        let foreign = ask(json!(registry::demo::SITES[2].0), own.clone()).await;
        let missing = ask(json!("site_ffffffffffffffffffffffffffffffff"), own.clone()).await;
        assert_eq!((shape(&foreign), foreign.status), (shape(&missing), 403));
        // A practitioner of another site, and one who practises nowhere: both are only not of this site.
        let of_others = ask(json!(null), json!("1770626038")).await;
        assert_eq!(of_others.flaws(), ["/requesting_provider/npi not-affiliated AUT-09"]);
        let nowhere = ask(json!(null), json!("1972902351")).await;
        assert_eq!(shape(&of_others), shape(&nowhere));
        assert_eq!(service.texts("select count(*) as it from authorizations"), ["0"]);
        ask(json!(null), own).await.expect(201);
    }

    /// a caller with several sites names one, and one of theirs, and a provider who is of it.
    async fn a_05_a_caller_with_several_sites_names_one_of_them(service) {
        let ask = |change: fn(&mut Value)| {
            let mut body = example();
            change(&mut body);
            let service = &service;
            async move { service.post("multi-site", "/v1/authorizations", &body).await }
        };
        assert_eq!(ask(|it| it["site_id"] = json!(null)).await.flaws(), ["/site_id site-required AUT-09"]);
        let foreign = ask(|it| it["site_id"] = json!(registry::demo::SITES[2].0)).await;
        assert_eq!(foreign.problem(403), "site-not-permitted");
        let elsewhere = ask(|it| {
            it["site_id"] = json!(registry::demo::SITES[1].0);
            it["requesting_provider"]["npi"] = json!("1104816123");
        });
        assert_eq!(elsewhere.await.flaws(), ["/requesting_provider/npi not-affiliated AUT-09"]);
        ask(|_| ()).await.expect(201);
    }

    /// what each role is shown, against a list written by hand.
    async fn a_07_each_role_sees_its_fields_and_no_others(service) {
        let mut body = example();
        body["member_id"] = json!("MCF0000000042");
        service.submit(&body).await.expect(201);
        let of = |answer: Answer| {
            let mut found = BTreeSet::new();
            fields(&answer.expect(200), "", &mut found);
            found.into_iter().collect::<Vec<_>>().join(" ")
        };
        let list = |text: &str| text.split_whitespace().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ");
        for who in ["single-site", "multi-site", "site-administrator", "billing-agent", "coordinator", "nurse", "physician", "ehr-vendor", "clearinghouse"] {
            assert_eq!(of(service.get(who, "/v1/authorizations/26335R00001").await), list(VIEWER), "{who}");
            assert_eq!(of(service.get(who, "/v1/authorizations").await), list(ROW), "{who}");
        }
        for who in ["single-site", "billing-agent", "coordinator", "nurse", "physician", "appeals-reviewer", "ehr-vendor"] {
            let found = service.post(who, "/v1/members/search", &json!({"member_id": "MCF0000000042"})).await;
            assert_eq!(of(found), list(MEMBER), "{who}");
        }
    }
}
