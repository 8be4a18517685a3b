//! The ID of an authorization (AUT-25).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::on_both;
use crate::support::{Kind, Service, example};

async fn id(service: &Service) -> String {
    service.submit(&example()).await.expect(201)["id"].as_str().expect("an id").to_owned()
}

/// Makes `place` the last number of the day that was given.
fn skip_to(service: &Service, place: i64) {
    match service.kind {
        Kind::Sqlite => service.execute(&format!("update number_days set mark = {place}")),
        Kind::Postgres => {
            service
                .execute(&format!("select setval('authorization_number', mark + {place}) from number_days"));
        }
    }
}

on_both! {
    async fn aut_25_an_id_is_year_day_and_place(service) {
        assert_eq!(id(&service).await, "26335R00001");
        assert_eq!(id(&service).await, "26335R00002");
        skip_to(&service, 144);
        assert_eq!(id(&service).await, "26335R00145");
    }

    async fn aut_25_sixty_four_at_once_are_numbered_without_a_gap(service) {
        let members: Vec<_> = ["MCF0000000042", "HMO0000000051", "HMO0000000052", "ASO0000000061"].repeat(16);
        let bodies: Vec<_> = members.iter().map(|member| {
            let mut body = example();
            body["member_id"] = json!(member);
            body
        }).collect();
        let answers = join_all(bodies.iter().map(|it| service.submit(it))).await;
        let ids: BTreeSet<_> = answers.iter().map(|it| it.expect(201)["id"].as_str().expect("an id").to_owned()).collect();
        let expected: BTreeSet<_> = (1..=64).map(|it| format!("26335R{it:05}")).collect();
        assert_eq!(ids, expected);
        assert_eq!(service.counts()[0], "64");
        assert_eq!(service.texts("select count(distinct subject) as it from outbox where sequence = 1"), ["64"]);
    }

    async fn aut_25_the_hundred_thousandth_of_a_day_has_a_sixth_digit(service) {
        id(&service).await;
        skip_to(&service, 99_998);
        for expected in ["26335R99999", "26335R100000", "26335R100001"] {
            assert_eq!(id(&service).await, expected);
        }
        let path = "/v1/authorizations/26335R100000";
        assert_eq!(service.get("single-site", path).await.expect(200)["id"], "26335R100000");
        // Sorted by number, never by the text.
        let listed = service.get("single-site", "/v1/authorizations").await.expect(200);
        let ids: Vec<_> = listed["data"].as_array().expect("rows").iter().map(|it| it["id"].clone()).collect();
        assert_eq!(ids, ["26335R100001", "26335R100000", "26335R99999", "26335R00001"]);
    }

    async fn aut_25_the_day_begins_at_midnight_in_the_plans_zone(service) {
        for (at, expected) in [
            ("2026-12-02T04:59:59.999999Z", "26335R00001"),
            ("2026-12-02T05:00:00Z", "26336R00001"),
            ("2026-12-31T12:00:00Z", "26365R00001"),
            ("2027-01-01T05:00:00Z", "27001R00001"),
            // Daylight saving, and a leap year's last day.
            ("2027-07-01T03:59:59Z", "27181R00001"),
            ("2027-07-01T04:00:00Z", "27182R00001"),
            ("2028-12-31T12:00:00Z", "28366R00001"),
        ] {
            service.set(at);
            assert_eq!(id(&service).await, expected, "{at}");
        }
    }

    async fn aut_25_ids_of_another_form_are_not_there(service) {
        id(&service).await;
        service.get("single-site", "/v1/authorizations/26335R00001").await.expect(200);
        for other in ["26335R1", "26335R000001", "26335r00001", "26335R00001x", "26000R00001", "26366R00001", "26335R00000", "%00", "26335R99999999999999999999"] {
            let answer = service.get("single-site", &format!("/v1/authorizations/{other}")).await;
            assert_eq!(answer.problem(404), "authorization-not-found", "{other}");
        }
    }
}
