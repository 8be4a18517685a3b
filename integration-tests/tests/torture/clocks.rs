//! C-16: clocks that are wrong, days that are longer, years that are.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use serde_json::json;

use super::report;
use crate::on_both;
use crate::support::{Service, example};

/// Instants of the service's clock, one after another, and the day of each in New York.
const SHIFTS: [(&str, &str); 16] = [
    ("2026-12-01T15:00:00Z", "26335"),
    // Nearly midnight, and past it.
    ("2026-12-02T04:59:59Z", "26335"),
    ("2026-12-02T05:00:00Z", "26336"),
    // Back over it, and forth again.
    ("2026-12-02T04:59:58Z", "26335"),
    ("2026-12-02T05:00:01Z", "26336"),
    ("2026-12-01T15:00:00Z", "26335"),
    // The last day of the year.
    ("2027-01-01T04:59:59Z", "26365"),
    ("2027-01-01T05:00:00Z", "27001"),
    // The night in which an hour is left out, and the days around it.
    ("2027-03-14T06:59:59Z", "27073"),
    ("2027-03-14T07:00:00Z", "27073"),
    ("2027-03-15T03:59:59Z", "27073"),
    ("2027-03-15T04:00:00Z", "27074"),
    // The night in which one comes twice.
    ("2027-11-07T05:30:00Z", "27311"),
    ("2027-11-07T06:30:00Z", "27311"),
    // A leap day.
    ("2028-02-29T12:00:00Z", "28060"),
    ("2028-03-01T05:00:00Z", "28061"),
];

/// A request for the day on which it is sent, which a clinician reviews, standard or expedited.
async fn ask(service: &Service, urgency: &str) -> serde_json::Value {
    let now: DateTime<Utc> = kernel::Clock::now(&*service.clock);
    let mut body = example();
    body["start_date"] = json!(now.with_timezone(&New_York).date_naive());
    body["end_date"] = body["start_date"].clone();
    body["lines"][0]["units"] = json!(99);
    body["urgency"] = json!(urgency);
    if urgency == "expedited" {
        body["urgency_reason"] = json!("The member would be harmed by waiting.");
    }
    service.submit(&body).await.expect(201)
}

on_both! {
    async fn torture_c_16_clocks_that_shift_keep_numbers_and_deadlines_right(service) {
        let mut last = std::collections::BTreeMap::<String, i64>::new();
        let mut deadlines = Vec::new();
        for (at, day) in SHIFTS {
            service.set(at);
            let now: DateTime<Utc> = at.parse().expect("a time");
            for (urgency, hours) in [("standard", 7 * 24), ("expedited", 72)] {
                let it = ask(&service, urgency).await;
                let (of, seq) = it["id"].as_str().and_then(|it| it.split_once('R')).expect("a number");
                let seq: i64 = seq.parse().expect("a place");
                // AUT-25: of its day in the plan's zone, and in the order of allocation, however the clock came there.
                assert_eq!(of, day, "at {at}");
                let before = last.insert(of.to_owned(), seq).unwrap_or(0);
                assert!(seq > before, "{of}R{seq} at {at}, after {before}");
                let due = now + TimeDelta::hours(hours);
                deadlines.push((it["id"].as_str().expect("an id").to_owned(), due));
            }
        }
        // FED-01, FED-02: each is where it was set, whatever the clock did since.
        for (id, due) in &deadlines {
            let sql = format!("select due_at as it from deadlines where subject = '{id}' and met_at is null");
            let kept = service.texts(&sql).concat();
            assert_eq!(chrono::NaiveDateTime::parse_from_str(&kept, "%Y-%m-%d %H:%M:%S%.f"), Ok(due.naive_utc()), "{id}");
        }
        // What was decided while the clock was behind is still in the order of its versions.
        service.set("2026-12-01T14:00:00Z");
        let path = format!("/v1/authorizations/{}", deadlines[0].0);
        for (outcome, code) in [("pend", "clinical_notes_needed"), ("review", "information_received"), ("approve", "medically_necessary")] {
            let version = service.get("physician", &path).await.expect(200)["version"].clone();
            let request = service.request("physician", reqwest::Method::POST, &format!("{path}/decide"));
            let body = json!({"outcome": outcome, "reason_code": code, "reason": "x"});
            let answer = crate::support::Answer::of(request.header("if-match", format!("\"{version}.00000000\"")).json(&body)).await;
            assert_eq!(answer.expect(200)["version"], json!(version.as_i64().expect("a version") + 1));
        }
        let sql = format!("select sequence || ' ' || version as it from outbox where subject = '{}' order by sequence", deadlines[0].0);
        assert_eq!(service.texts(&sql), ["1 1", "2 2", "3 3", "4 4"]);
        // The control: another zone has other days, and would be noticed.
        let elsewhere = SHIFTS.iter().filter(|(at, day)| {
            let now: DateTime<Utc> = at.parse().expect("a time");
            now.format("%y%j").to_string() != *day
        });
        assert!(elsewhere.count() > 3);
        report("C-16", service.kind, "numbers and deadlines right", &format!("{} shifts of the clock", SHIFTS.len()));
    }
}
