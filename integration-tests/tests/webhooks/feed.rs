//! The order in which everyone is told, and reading on from a place in it.

use futures_util::future::join4;
use serde_json::{Value, json};

use super::happen;
use crate::on_both;
use crate::support::{Service, example};

async fn page(service: &Service, who: &str, query: &str) -> Value {
    service.get(who, &format!("/v1/events{query}")).await.expect(200)
}

fn words(page: &Value) -> Vec<String> {
    let word = |it: &Value| format!("{} {}", it["type"].as_str().expect("a type"), it["sequence"]);
    page["data"].as_array().expect("rows").iter().map(word).collect()
}

pub(super) async fn other_site(service: &Service) {
    let mut theirs = example();
    (theirs["site_id"], theirs["member_id"]) = (json!(registry::demo::SITES[2].0), json!("HMO0000000051"));
    theirs["requesting_provider"]["npi"] = json!(registry::demo::SITES[2].3);
    service.post("other-site", "/v1/authorizations", &theirs).await.expect(201);
}

on_both! {
    async fn events_are_read_on_from_each_page(service) {
        let nothing = page(&service, "site-administrator", "").await;
        assert_eq!(words(&nothing), Vec::<String>::new());
        for _ in 0..2 {
            happen(&service).await;
        }
        // What has no position yet is told to no one.
        assert_eq!(words(&page(&service, "site-administrator", "").await), Vec::<String>::new());
        service.deliver().await;
        let all = page(&service, "site-administrator", "").await;
        assert_eq!(all["data"].as_array().expect("rows").len(), 4);
        let (mut after, mut read) = (nothing["next_cursor"].clone(), Vec::new());
        for _ in 0..5 {
            let one = page(&service, "site-administrator", &format!("?limit=1&after={}", after.as_str().expect("a cursor"))).await;
            read.extend(one["data"].as_array().expect("rows").clone());
            after = one["next_cursor"].clone();
        }
        assert_eq!(json!(read), all["data"]);
        // From the end on there is what happens next, and what others' sites do changes nothing of it.
        other_site(&service).await;
        service.deliver().await;
        let next = page(&service, "site-administrator", &format!("?after={}", after.as_str().expect("a cursor"))).await;
        assert_eq!((next["data"].clone(), next["next_cursor"].is_string()), (json!([]), true));
        happen(&service).await;
        service.deliver().await;
        for from in [&after, &next["next_cursor"]] {
            let more = page(&service, "site-administrator", &format!("?after={}", from.as_str().expect("a cursor"))).await;
            assert_eq!(more["data"].as_array().expect("rows").len(), 2);
        }
        for wrong in ["nonsense", "authorization.decidedd", "authorization.*"] {
            let refused = service.get("site-administrator", &format!("/v1/events?type={wrong}")).await;
            assert_eq!(refused.problem(400), "invalid-parameter", "{wrong}");
            assert_eq!(refused.json()["errors"][0]["code"], "one-of", "{wrong}");
        }
        let decided = page(&service, "site-administrator", "?type=authorization.decided").await;
        assert!(words(&decided).iter().all(|it| it.starts_with("authorization.decided")) && !words(&decided).is_empty());
    }

    async fn events_of_the_plan_itself_are_the_plans(service) {
        happen(&service).await;
        other_site(&service).await;
        let opened = json!({"member_id": "MCF0000000042", "reason_code": "treatment", "reason": "In our emergency room."});
        service.post("other-site", "/v1/emergency-access", &opened).await.expect(201);
        service.deliver().await;
        let sites = |it: &Value| -> std::collections::BTreeSet<String> {
            it["data"].as_array().expect("rows").iter().map(|it| it["site_id"].as_str().unwrap_or("-").to_owned()).collect()
        };
        let [own, _, other, ..] = registry::demo::SITES.map(|it| it.0.to_owned());
        assert_eq!(sites(&page(&service, "compliance", "").await), ["-".to_owned(), own.clone(), other.clone()].into());
        assert_eq!(sites(&page(&service, "ehr-vendor", "").await), [own.clone(), other].into());
        assert_eq!(sites(&page(&service, "site-administrator", "").await), [own].into());
        for who in ["nurse", "single-site", "administrator", "operator"] {
            assert_eq!(service.get(who, "/v1/events").await.problem(403), "not-permitted", "{who}");
        }
    }

    /// An event whose commit came late has an earlier id, and is told all the same; a subject's events are never told out of order.
    async fn an_event_that_is_committed_late_is_not_missed(service) {
        let site = registry::demo::SITES[0].0;
        let insert = |id: u32, subject: &str, sequence: u32| {
            service.execute(&format!(
                "insert into outbox (id, at, topic, subject, site_id, status, version, sequence) values \
                 ('evt_{id:032x}', '2026-12-01 15:00:00', 'x.happened', '{subject}', '{site}', 'open', 1, {sequence})"
            ));
        };
        insert(5, "a", 2);
        insert(7, "a", 1);
        insert(9, "b", 1);
        service.deliver().await;
        let first = page(&service, "site-administrator", "").await;
        insert(1, "c", 1);
        insert(3, "a", 3);
        service.deliver().await;
        let more = page(&service, "site-administrator", &format!("?after={}", first["next_cursor"].as_str().expect("a cursor"))).await;
        let told = |it: &Value| it["data"].as_array().expect("rows").iter().map(|it| format!("{}{}", it["subject"].as_str().expect("a subject"), it["sequence"])).collect::<Vec<_>>();
        assert_eq!((told(&first), told(&more)), (["a1", "a2", "b1"].map(str::to_owned).into(), ["c1", "a3"].map(str::to_owned).into()));
        let positions = service.texts("select position as it from outbox where position is not null order by position");
        assert_eq!(positions, ["1", "2", "3", "4", "5"]);
    }

    /// Two nodes that relay at once leave no gap and tell nothing twice.
    async fn positions_have_no_gap_while_several_nodes_relay(service) {
        let other = service.twin(crate::support::Options::default());
        for _ in 0..4 {
            let (.., a, b) = join4(happen(&service), happen(&other), service.deliver_once(), other.deliver_once()).await;
            assert!(a + b <= 16);
        }
        service.deliver().await;
        let positions = service.texts("select position as it from outbox order by position");
        assert_eq!(positions, (1..=positions.len()).map(|it| it.to_string()).collect::<Vec<_>>());
        assert!(positions.len() >= 16);
    }
}
