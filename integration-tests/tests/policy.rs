//! What the plan decides by: seen by its people, checked, replayed; and `docs/policy.md`, which says how one is written.

use std::fmt::Write;
use std::fs;

use authorizations::{AllowedCode, Policies, Policy, Service};
use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::cli::{folder, run};
use crate::on_both;
use crate::support::{Answer, example, same_as_file};

const SHIPPED: &str = include_str!("../../crates/authorizations/policy/2026-11.toml");

on_both! {
    async fn the_policy_is_for_the_plans_people(service) {
        let it = service.get("nurse", "/v1/policy").await.expect(200);
        assert_eq!((&it["version"], &it["in_force_from"]), (&json!("2026-11"), &json!("2026-01-01")));
        let row = it["rows"].as_array().expect("rows").iter().find(|it| it["id"] == "snc-wound").expect("a row");
        assert_eq!(row["conditions"], json!([
            "the service is Skilled Nursing Care",
            "a diagnosis is of the group wound",
            "at most 40 units in 60 days, on average, are asked for",
        ]));
        assert!(it["decide_reasons"]["deny"]["not_medically_necessary"].is_string());
        for who in ["single-site", "ehr-vendor"] {
            assert_eq!(service.get(who, "/v1/policy").await.problem(403), "not-permitted");
        }
    }

    /// Each decision of a policy is kept with its inputs, and made again the same; another file would change some.
    async fn every_decision_can_be_made_again(service) {
        let mut ids = Vec::new();
        for (units, member) in [(12, "MCF0000000042"), (20, "HMO0000000051"), (21, "HMO0000000052"), (12, "MCF0000000042")] {
            let mut body = example();
            (body["lines"][0]["units"], body["member_id"]) = (json!(units), json!(member));
            ids.push(service.submit(&body).await.expect(201)["id"].as_str().expect("an id").to_owned());
        }
        // A decision of a person's is none of the policy's; what the policy had ruled before it is.
        let request = service.request("nurse", reqwest::Method::POST, &format!("/v1/authorizations/{}/decide", ids[2]));
        let body = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "As the notes show."});
        Answer::of(request.header("if-match", "\"1.00000000\"").json(&body)).await.expect(200);

        let database = service.database.url.clone();
        let folder = folder(&format!("replay-{:?}", service.kind));
        let replay = |more: &[&str], variables: &[(&str, &str)]| {
            let arguments = [&["--demo", "policy", "replay"], more].concat();
            let variables = [&[("LANYARD_DATABASE__URL", &*database)], variables].concat();
            let output = run(&folder, &arguments, &variables);
            (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        assert_eq!(replay(&[], &[]), (true, "4 decisions of policies, of which 0 do not come out the same\n".to_owned()));

        let stricter = SHIPPED.replace("\"2026-11\"", "\"stricter\"").replace("units_at_most = 20", "units_at_most = 19");
        fs::write(folder.join("stricter.toml"), &stricter).expect("a file");
        let would = format!(
            "{}: APPROVED by snc-usual of 2026-11, now MEDREVIEW by otherwise of stricter\n\
             4 decisions of policies, of which 1 would change\n", ids[1]
        );
        assert_eq!(replay(&["--with", "stricter.toml"], &[]), (true, would));

        // A version that is gone, or that now rules otherwise, is told.
        service.execute("update authorizations set decision = replace(decision, '\"policy_row\":\"snc-usual\"', '\"policy_row\":\"other\"') where number_seq = 2");
        let (good, told) = replay(&[], &[]);
        assert!(!good && told.contains(&format!("{}: APPROVED by other of 2026-11, now APPROVED by snc-usual", ids[1])), "{told}");
        service.execute("update authorizations set decision = replace(decision, '2026-11\"', 'gone\"') where number_seq = 2");
        assert!(replay(&[], &[]).1.contains("of gone, a version that isn't here"));
    }
}

#[test]
fn a_policy_file_is_checked_with_file_table_and_key() {
    let folder = folder("policy-check");
    let check = |name: &str, text: &str| {
        fs::write(folder.join(name), text).expect("a file");
        let output = run(&folder, &["policy", "check", name], &[]);
        let said = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    assert_eq!(
        check("good.toml", SHIPPED),
        (true, "good.toml: version 2026-11, 17 rows, is sound\n".to_owned())
    );
    for (from, to, why) in [
        (
            "outcome = \"MEDREVIEW\"",
            "outcome = \"DENIED\"",
            "wrong.toml: rows[2].outcome: a policy neither denies nor grants less",
        ),
        (
            "units_at_most = 20",
            "units_at_most = \"many\"",
            "wrong.toml: rows[10].units_at_most: invalid type",
        ),
        ("title = \"Speech Therapy\"\n", "", "wrong.toml: services.speech_therapy: missing field `title`"),
        ("[contact]", "[contact", "wrong.toml: TOML parse error"),
    ] {
        let (good, said) = check("wrong.toml", &SHIPPED.replacen(from, to, 1));
        assert!(!good && said.starts_with(&format!("lanyard: {why}")), "{said}");
    }
    let (good, said) = (run(&folder, &["policy", "check", "none.toml"], &[]), "none.toml: No such file");
    assert!(!good.status.success() && String::from_utf8_lossy(&good.stderr).contains(said));
    // With one that is wrong in its folder the service doesn't start; a right one beside the shipped ones is in force.
    let variables = [("LANYARD_PLAN__POLICY_FOLDER", "."), ("LANYARD_BIND", "127.0.0.1:0")];
    let wrong = run(&folder, &["--demo", "serve"], &variables);
    assert!(!wrong.status.success());
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("good.toml: version: `2026-11` is that of 2026-11.toml"), "{said}");
}

/// `docs/policy.md`: how a policy is written, and what the shipped one says.
#[test]
fn the_page_of_the_policy_is_true() {
    let policies = Policies::shipped();
    let policy = policies.on(NaiveDate::MAX);
    let page = fs::read_to_string(crate::support::root().join("docs/policy.md")).expect("docs/policy.md");
    let (head, _) = page.split_once("## The shipped policy").expect("a heading");
    let text = format!("{head}## The shipped policy\n\n{}", described(policy));
    same_as_file("docs/policy.md", &text);
    // The page names every key of a row and of a service, and the comments of the file say the same.
    for key in [
        "services",
        "products",
        "age_from",
        "age_under",
        "diagnoses",
        "duplicate",
        "started_days_ago",
        "starts_in_days",
        "days",
        "units_at_most",
        "per_days",
        "title",
        "level_of_care",
        "setting",
        "codes",
        "my_care_family_only",
        "notification",
        "exact_units",
        "evaluation_remark",
        "alongside",
        "topic",
    ] {
        assert!(head.contains(&format!("`{key}`")) && SHIPPED.contains(key), "{key}");
    }
}

fn described(policy: &Policy) -> String {
    let mut text = format!("Version {}, in force from {}.\n\n", policy.version, policy.in_force_from);
    text += "| service | title | codes | besides |\n|---|---|---|---|\n";
    for service in Service::ALL {
        let it = policy.service(*service);
        let code = |it: &AllowedCode| {
            let beside = it.alongside.map(|it| format!(" (alongside `{it}`)")).unwrap_or_default();
            format!("{}{beside}", it.words())
        };
        let codes: Vec<_> = it.codes.iter().map(code).collect();
        let besides: Vec<_> = [
            it.my_care_family_only.then(|| "My Care Family members only".to_owned()),
            it.notification.then(|| "a notification".to_owned()),
            it.exact_units.map(|it| format!("exactly {it} unit")),
            it.evaluation_remark.as_ref().map(|it| format!("an evaluation is said as \"{it}\"")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let _ = writeln!(
            text,
            "| `{service}` | {} | {} | {} |",
            it.title,
            codes.join("<br>"),
            besides.join("<br>")
        );
    }
    text += "\n| row | holds where | outcome | reason |\n|---|---|---|---|\n";
    for row in &policy.rows {
        let conditions = row.conditions(policy);
        let holds = if conditions.is_empty() { "always".to_owned() } else { conditions.join("<br>") };
        let _ = writeln!(text, "| `{}` | {holds} | {} | {} |", row.id, row.outcome, row.reason);
    }
    text += "\n| group | diagnoses that begin with |\n|---|---|\n";
    for (group, codes) in &policy.diagnosis_groups {
        let _ = writeln!(text, "| {group} | {} |", codes.join(", "));
    }
    text += "\n| outcome | reason codes |\n|---|---|\n";
    for (verdict, reasons) in &policy.decide_reasons {
        let _ = writeln!(text, "| {verdict} | {} |", reasons.keys().cloned().collect::<Vec<_>>().join(", "));
    }
    let _ =
        writeln!(text, "| close | {} |", policy.close_reasons.keys().cloned().collect::<Vec<_>>().join(", "));
    text
}

/// What is kept of a decision is enough to read it without the policy.
#[test]
fn the_inputs_of_a_decision_are_kept() {
    let decision = json!({"received_on": "2026-12-01", "service": "skilled_nursing_care", "product": "mcf", "age": 75,
        "diagnoses": ["I10"], "units": 12, "days": 60, "started_days_ago": 0, "duplicate": false});
    let question: authorizations::Question = serde_json::from_value(decision.clone()).expect("a question");
    assert_eq!(serde_json::to_value(question).ok(), Some::<Value>(decision));
}
