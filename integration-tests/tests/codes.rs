//! The diagnosis codes: searched, and loaded release by release.

use std::io::Write;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::cli::{folder, run};
use crate::on_both;
use crate::support::{Answer, Service, example};

async fn ask(service: &Service, query: &str) -> Answer {
    service.get("single-site", &format!("/v1/diagnosis-codes?{query}")).await
}

async fn found(service: &Service, query: &str) -> Vec<String> {
    let page = ask(service, query).await.expect(200);
    assert_eq!(page["next_cursor"], Value::Null);
    let code = |it: &Value| it["code"].as_str().expect("a code").to_owned();
    page["data"].as_array().expect("rows").iter().map(code).collect()
}

/// Writes a release, and loads it with the command.
async fn load(service: &Service, name: &str, release: &[u8], effective: &str) -> Output {
    let file: PathBuf = folder("codes").join(format!("{:?}-{name}", service.kind));
    std::fs::write(&file, release).expect("a file");
    command(service, &file.display().to_string(), effective).await
}

/// Runs the command on a thread of its own, so that the service goes on.
async fn command(service: &Service, file: &str, effective: &str) -> Output {
    // These releases are too short to be whole ones.
    sure(service, file, effective, &["--force"]).await
}

async fn sure(service: &Service, file: &str, effective: &str, more: &'static [&str]) -> Output {
    let (url, file, effective) = (service.database.url.clone(), file.to_owned(), effective.to_owned());
    let command = move || {
        let arguments = [&["load", "icd10", &*file, "--effective", &*effective], more].concat();
        run(&folder("codes"), &arguments, &[("LANYARD_DATABASE__URL", &url)])
    };
    actix_web::rt::task::spawn_blocking(command).await.expect("an output")
}

fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(words.iter().all(|it| said.contains(it)) && !said.contains("panicked"), "{said}");
}

/// Three codes: one as it was shipped, one with other words, and a new one.
const NEXT: &str = "code,billable,description\n\
    I10,1,Essential (primary) hypertension\n\
    E11.9,1,Sugar disease of the second type\n\
    Z98.Q1,1,\"Encounter with a lanyard, initial\"\n";

on_both! {
    async fn aut_16_codes_are_found_by_code_or_description(service) {
        for (query, expected) in [
            ("q=i10", &["I10"][..]),
            ("q=I10.", &["I10"]),
            ("q=%20i10%20", &["I10"]),
            ("q=E11&limit=3", &["E11", "E11.8", "E11.9"]),
            ("q=e114", &["E11.4", "E11.40", "E11.41", "E11.42", "E11.43", "E11.44", "E11.49"]),
            ("q=E11.4&limit=2", &["E11.4", "E11.40"]),
            ("q=essential+hypertension&limit=1", &["I10"]),
            ("q=HYPERTENS+essent&limit=1", &["I10"]),
            ("q=charcots+arthropathy&limit=1", &["A52.16"]),
            ("q=charc%C3%B4t%E2%80%99s+tab&limit=1", &["A52.16"]),
            ("q=e11.4+autonomic", &["E11.43"]),
            ("q=hypertension+zebra", &[]),
            ("q=zzzz", &[]),
        ] {
            assert_eq!(found(&service, query).await, expected, "{query}");
        }
        assert_eq!(found(&service, "q=diabetes").await.len(), 20);
        assert_eq!(found(&service, "q=a&limit=50").await.len(), 50);
        let page = ask(&service, "q=i10").await.expect(200);
        assert_eq!(page["data"], json!([{
            "code": "I10", "description": "Essential (primary) hypertension", "billable": true,
            "first_on": "2026-04-01", "last_on": null,
        }]));
        for query in [
            "", "q=", "q=%20", "q=-.", "limit=3", &format!("q={}", "a".repeat(101)), "q=i10&limit=0", "q=i10&limit=51",
            "q=i10&on=2026-4-1", "q=i10&on=%2B2026-04-01", "q=i10&on=", "q=i10&on=2026-02-30", "q=i10&cursor=x", "q=i10&q=i11",
        ] {
            assert_eq!(ask(&service, query).await.problem(400), "invalid-parameter", "{query}");
        }
    }

    async fn aut_16_only_codes_of_the_day_are_found(service) {
        // Today, in the plan's zone, is the last day but one of this code.
        service.execute(
            "update diagnosis_codes set last_on = '2026-12-02' where code = 'I10'; \
             insert into diagnosis_codes (code, first_on, billable, description) values ('I10', '2026-12-03', false, 'Another')",
        );
        assert_eq!(found(&service, "q=i10&on=2026-04-01").await, ["I10"]);
        assert!(found(&service, "q=i10&on=2026-03-31").await.is_empty());
        for (now, description) in [
            ("2026-12-01T15:00:00Z", "Essential (primary) hypertension"),
            ("2026-12-03T04:59:59Z", "Essential (primary) hypertension"),
            ("2026-12-03T05:00:00Z", "Another"),
        ] {
            service.set(now);
            assert_eq!(ask(&service, "q=i10").await.expect(200)["data"][0]["description"], description, "{now}");
        }
    }

    /// AUT-16: whoever is first makes the others wait, not fail; what can't be read is a problem until it can.
    async fn aut_16_the_first_searches_come_at_once(service) {
        service.execute("update diagnosis_codes set code = '?' where code = 'I10'");
        assert_eq!(ask(&service, "q=i11").await.problem(500), "internal");
        service.execute("update diagnosis_codes set code = 'I10' where code = '?'");
        let all = futures_util::future::join_all((0..8).map(|_| found(&service, "q=i10"))).await;
        assert!(all.iter().all(|it| it == &["I10"]), "{all:?}");
    }

    /// However soon whoever asked first goes away, what was begun for them is there for the next.
    async fn aut_16_the_codes_are_kept_though_no_one_waited_for_them(service) {
        let stamp = service.store.read(registry::code_stamp).await.expect("a release");
        let (codes, none) = (&service.state.codes, Duration::ZERO);
        let late = codes.index(&service.store, stamp, none).await.err().expect("too slow");
        assert!(format!("{late:?}").contains("still being read"), "{late:?}");
        assert!(codes.kept(stamp).is_none());
        let mut begun = Box::pin(codes.index(&service.store, stamp, Duration::MAX));
        assert!((&mut begun).now_or_never().is_none());
        service.store.ping().await.expect("a database");
        drop(begun);
        assert!(codes.kept(stamp).is_none());
        while codes.kept(stamp).is_none() {
            service.store.ping().await.expect("a database");
        }
        let index = codes.index(&service.store, stamp, none).await.expect("what was kept");
        assert!(Arc::ptr_eq(&index, &codes.kept(stamp).expect("what was kept")));
        assert_eq!(found(&service, "q=i10").await, ["I10"]);
    }

    async fn aut_16_a_release_holds_until_the_next_one(service) {
        let mut body = example();
        body["diagnoses"] = json!(["J44.9"]);
        (body["start_date"], body["end_date"]) = (json!("2027-01-01"), json!("2027-01-31"));
        service.submit(&body).await.expect(201);
        assert_eq!(found(&service, "q=lanyard").await, [""; 0]);

        let output = load(&service, "next.csv", NEXT.as_bytes(), "2027-01-01").await;
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{told}");
        assert_eq!(said.trim(), "ICD-10-CM from 2027-01-01 on: 1 codes added, 1 changed, 98184 ended");

        // The running service knows at once.
        assert_eq!(service.submit(&body).await.flaws(), ["/diagnoses/0 not-valid-on-date AUT-16"]);
        body["diagnoses"] = json!(["I10", "E11.9", "Z98.Q1"]);
        let diagnoses = service.submit(&body).await.expect(201)["diagnoses"].clone();
        assert_eq!(diagnoses[1]["description"], "Sugar disease of the second type");
        (body["diagnoses"], body["start_date"]) = (json!(["J44.9", "Z98.Q1"]), json!("2026-12-31"));
        assert_eq!(service.submit(&body).await.flaws(), ["/diagnoses/1 not-valid-on-date AUT-16"]);
        for (query, expected) in [
            ("q=j44.9&on=2026-12-31", &["J44.9"][..]),
            ("q=j44.9&on=2027-01-01", &[]),
            ("q=lanyard", &[]),
            ("q=lanyard&on=2027-01-01", &["Z98.Q1"]),
            ("q=i10", &["I10"]),
            ("q=i10&on=2099-01-01", &["I10"]),
            ("q=sugar+disease&on=2026-12-31", &[]),
            ("q=sugar+disease&on=2027-01-01", &["E11.9"]),
        ] {
            assert_eq!(found(&service, query).await, expected, "{query}");
        }
        let ended = ask(&service, "q=j44.9").await.expect(200);
        assert_eq!(ended["data"][0]["last_on"], "2026-12-31");
        // What is the same in both goes on, in the same row.
        let rows = "select code || ' ' || first_on || ' ' || coalesce(cast(last_on as text), '-') as it from diagnosis_codes
                    where code in ('I10', 'E11.9') order by code, first_on";
        assert_eq!(service.texts(rows), ["E11.9 2026-04-01 2026-12-31", "E11.9 2027-01-01 -", "I10 2026-04-01 -"]);
        let releases = "select first_on || ' ' || codes as it from code_releases order by first_on";
        assert_eq!(service.texts(releases), ["2026-04-01 98186", "2027-01-01 3"]);
        let trail = "select actor || ' ' || action || ' ' || subject as it from trail where action like 'code%'";
        assert_eq!(service.texts(trail), ["system code_set.load icd-10-cm"]);

        // Compressed, in the other form, and with a code that comes back.
        let line = |code, text| format!("00001 {code:<7} 1 {text:<60} {text}\n");
        let text = line("J449", "Chronic obstructive pulmonary disease, unspecified") + &line("I10", "Essential (primary) hypertension");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).expect("compressed");
        let output = load(&service, "order.txt.gz", &gzip.finish().expect("compressed"), "2027-04-01").await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.trim(), "ICD-10-CM from 2027-04-01 on: 1 codes added, 0 changed, 2 ended", "{output:?}");
        for (day, expected) in [("2026-12-31", 1), ("2027-03-31", 0), ("2027-04-01", 1)] {
            assert_eq!(found(&service, &format!("q=j44.9&on={day}")).await.len(), expected, "{day}");
        }
    }

    /// AUT-16: a release is loaded whole or not at all.
    async fn aut_16_a_release_that_is_wrong_changes_nothing(service) {
        let before = service.texts("select count(*) as it from diagnosis_codes where last_on is null");
        let broken = NEXT.replace("E11.9,1", "E11.9,yes");
        refused(&load(&service, "broken.csv", broken.as_bytes(), "2027-01-01").await, &["broken.csv", "row 3", "neither 0 nor 1"]);
        let twice = NEXT.to_owned() + "I10,1,x\n";
        refused(&load(&service, "twice.csv", twice.as_bytes(), "2027-01-01").await, &["row 5", "row 2"]);
        let short = &NEXT[..NEXT.len() - 40];
        refused(&load(&service, "short.csv", short.as_bytes(), "2027-01-01").await, &["row 4"]);
        let mut cut = GzEncoder::new(Vec::new(), Compression::fast());
        cut.write_all(NEXT.as_bytes()).expect("compressed");
        let cut = cut.finish().expect("compressed");
        refused(&load(&service, "cut.gz", &cut[..cut.len() - 12], "2027-01-01").await, &["cut.gz: row"]);
        refused(&load(&service, "other.txt", b"%PDF-1.7\n", "2027-01-01").await, &["row 1", "code,billable,description"]);
        refused(&load(&service, "empty", b"", "2027-01-01").await, &["row 1"]);
        let part = folder("codes").join(format!("{:?}-part.csv", service.kind));
        std::fs::write(&part, NEXT).expect("a file");
        let unsure = sure(&service, &part.display().to_string(), "2027-01-01", &[]).await;
        refused(&unsure, &["would end 98184 of 98186 codes", "is it whole?"]);
        // No later than the last one: the one that is shipped.
        for day in ["2026-04-01", "2025-10-01"] {
            refused(&load(&service, "early.csv", NEXT.as_bytes(), day).await, &[day, "holds from 2026-04-01 on"]);
        }
        refused(&command(&service, "nowhere", "2027-01-01").await, &["nowhere"]);
        assert_eq!(command(&service, "nowhere", "soon").await.status.code(), Some(2));
        assert_eq!(service.texts("select count(*) as it from diagnosis_codes where last_on is null"), before);
        assert_eq!(service.texts("select count(*) as it from code_releases"), ["1"]);

        load(&service, "next.csv", NEXT.as_bytes(), "2027-01-01").await;
        refused(&load(&service, "again.csv", NEXT.as_bytes(), "2027-01-01").await, &["holds from 2027-01-01 on"]);
        assert_eq!(service.texts("select count(*) as it from code_releases"), ["2"]);
    }
}
