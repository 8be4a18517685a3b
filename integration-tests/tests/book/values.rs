//! `docs/dates-and-money.md`: the forms of values.

use serde_json::{Value, json};

use super::{but, code, contract, hold, page, table};
use crate::support::{Answer, Kind, Service, start};

/// What was sent at a pointer, and what is answered at another; or how it is refused.
async fn form(service: &Service, at: &str, sent: Value, answered: &str) -> [String; 3] {
    let answer = service.submit(&but(&[(at, sent.clone())])).await;
    let said = if answer.status == 201 {
        format!("`{}` as `{answered}`", answer.json().pointer(answered).expect(answered))
    } else {
        let flaw = &answer.json()["errors"][0];
        format!(
            "{}: {}",
            code(flaw["code"].as_str().expect("a code")),
            flaw["detail"].as_str().expect("words")
        )
    };
    let text = sent.to_string().replace('\u{301}', "\\u0301");
    let shown = if text.len() > 60 {
        format!("`{}`, {} times in all", &text[1..3], text.chars().count() - 2)
    } else {
        code(text)
    };
    [code(at), shown, said]
}

async fn forms(service: &Service) -> String {
    let (line, units) = ("/lines/0/code", "/lines/0/units");
    let mut rows = Vec::new();
    for (at, sent, answered) in [
        ("/start_date", json!("2026-12-01"), "/service_start"),
        ("/start_date", json!("12/01/2026"), ""),
        ("/start_date", json!("9999-12-31"), ""),
        ("/start_date", json!("2026-12-01T00:00:00Z"), ""),
        (units, json!(12), "/lines/0/units/requested"),
        (units, json!(12.0), "/lines/0/units/requested"),
        (units, json!("12"), ""),
        (units, json!(10_000), ""),
        ("/servicing_provider/contact/phone", json!("+16175550123"), "/refer_to/contact/phone"),
        ("/servicing_provider/contact/phone", json!("617-555-0123"), ""),
        ("/diagnoses/0", json!("e119"), "/diagnoses/0/code"),
        (line, json!("551"), "/lines/0/code"),
        ("/urgency", Value::Null, "/urgency"),
        ("/remarks", json!("cafe\u{301}"), "/remarks"),
        ("/remarks", json!("é".repeat(256)), ""),
        ("/servicing_provider/contact/name", json!("  "), ""),
    ] {
        rows.push(form(service, at, sent, answered).await);
    }
    table(["field", "sent", "answered"], rows)
}

/// The named forms of the contract.
fn words() -> String {
    let schemas = contract()["components"]["schemas"].as_object().expect("schemas").clone();
    let row = |(name, schema): (String, Value)| {
        let pattern = schema["pattern"].as_str()?.to_owned();
        let like = schema["examples"][0].as_str()?.to_owned();
        let about = schema["description"].as_str()?.lines().next()?.to_owned();
        Some([code(name), about, code(like), code(pattern)])
    };
    table(["schema", "is", "such as", "pattern"], schemas.into_iter().filter_map(row))
}

#[test]
fn the_page_of_values_is_true() {
    start(Kind::Sqlite, |service| async move {
        hold("dates-and-money.md", &[("forms", forms(&service).await), ("words", words())]);
    });
}

/// The day of receipt, the ID and the request id are as the page says.
#[test]
fn the_day_of_receipt_is_the_plans() {
    start(Kind::Sqlite, |service| async move {
        let text = page("dates-and-money.md");
        service.set("2026-12-02T02:00:00Z");
        let it = service.submit(&but(&[])).await.expect(201);
        for name in ["authorization_date", "id", "created_at"] {
            let shown = it[name].as_str().expect("text");
            assert!(name == "authorization_date" || text.contains(&code(shown)), "{name}: {shown}");
        }
        assert_eq!(it["authorization_date"], "2026-12-01");
        assert_eq!(it["remarks"], "Clinical notes attached.");
        let named = |id: &str| {
            service
                .request("single-site", reqwest::Method::GET, "/v1/me")
                .header("x-request-id", id.to_owned())
        };
        assert_eq!(Answer::of(named("mine-1")).await.header("x-request-id"), Some("mine-1"));
        let ours = Answer::of(named("not mine")).await;
        assert!(ours.header("x-request-id").is_some_and(|it| it.starts_with("req_")));
        // Null is said, not left out; a policy's `decided_by` has no id and no role.
        assert!(it["pend_reason"].is_null() && it.get("pend_reason").is_some());
        assert_eq!(it["decision"]["decided_by"], json!({"kind": "system"}));
        // No amount of money is in the contract.
        let contract = contract().to_string();
        assert!(!contract.contains("amount") && !contract.contains("dollar"));
    });
}
