//! `docs/walkthrough.md`: the thirteen steps of the portal's guide, taken by program for three services, and what is answered.

use std::fmt::Write;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Kind, Service, example, same_as_file, start};

/// A page that is written while its steps are taken.
struct Page<'a> {
    service: &'a Service,
    who: &'static str,
    text: String,
    /// The last body that was written down.
    last: Value,
}

impl Page<'_> {
    fn say(&mut self, words: &str) {
        let _ = write!(self.text, "{words}\n\n");
    }

    /// Asks, and writes down the question and those parts of the answer.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        status: u16,
        parts: &[&str],
    ) -> Answer {
        let mut request = self.service.request(self.who, method.clone(), path);
        if path.ends_with("/decide") {
            request = request.header("if-match", "\"1.00000000\"");
        }
        if self.who == "ehr-vendor" && path == "/v1/authorizations" {
            request = request.header("idempotency-key", "order-7731");
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = Answer::of(request).await;
        let it = answer.expect(status);
        let shown = if parts.is_empty() { it } else { some(&it, parts) };
        let _ = write!(self.text, "```http\n{method} {path}\n");
        if body.is_some_and(|it| self.last == *it) {
            self.text += "\n(the same body)\n";
        } else if let Some(body) = body {
            self.last = body.clone();
            let _ = write!(self.text, "\n{}\n", serde_json::to_string_pretty(body).expect("JSON"));
        }
        let shown = serde_json::to_string_pretty(&shown).expect("JSON");
        let _ = write!(self.text, "```\n\n```json\n{shown}\n```\n\n");
        answer
    }

    async fn get(&mut self, path: &str, parts: &[&str]) -> Answer {
        self.ask(Method::GET, path, None, 200, parts).await
    }

    async fn post(&mut self, path: &str, body: &Value, status: u16, parts: &[&str]) -> Answer {
        self.ask(Method::POST, path, Some(body), status, parts).await
    }

    /// Steps 1 to 12: everything that the form of a request needs.
    async fn fill_in(&mut self, form: &Form) -> Value {
        self.say("**1. Type.** A request for care at home is a `home_health_care`.");
        self.say("**2. Patient search.** By last name; the right one is chosen, and is covered.");
        self.post(
            "/v1/members/search",
            &json!({"last_name": form.last_name, "first_name": form.first_name}),
            200,
            &["/data/0"],
        )
        .await;
        let benefits = format!("/benefits/{}", form.place);
        self.post(
            "/v1/members/eligibility",
            &json!({"member_id": form.member}),
            200,
            &["/eligible", "/coverage", &benefits],
        )
        .await;
        self.say("**3., 4. Requesting provider and contact.** The site, and whom to call, are the caller's.");
        self.get("/v1/me", &["/roles", "/contact", "/sites/0"]).await;
        self.say(&format!("**5. Requested service.** {}", form.about));
        self.get("/v1/services", &[&format!("/data/{}", form.place)]).await;
        self.say("**6., 7. Servicing provider and contact.** By name or NPI; the contact is theirs.");
        self.get(&format!("/v1/providers?q={}&limit=3", form.provider), &["/data/0"]).await;
        self.say("**8. Diagnosis.** By code or words, the primary one first.");
        self.get(&format!("/v1/diagnosis-codes?q={}&limit=3", form.diagnosis), &["/data/0"]).await;
        self.say(&format!("**9. Procedure code.** {}", form.coded));
        self.get(&format!("/v1/procedure-codes?service={}{}", form.service, form.procedure), &["/data/0"])
            .await;
        self.say(&format!("**10., 11. Units.** {}", form.units));
        self.say("**12. Start and end date**, and remarks of at most 255 characters.");
        let mut body = example();
        body["site_id"] = json!(registry::demo::SITES[0].0);
        body["member_id"] = json!(form.member);
        body["requested_service"] = json!(form.service);
        body["diagnoses"] = json!([form.diagnosis_code]);
        body["lines"] = json!([form.line]);
        (body["start_date"], body["end_date"]) = (json!(form.dates.0), json!(form.dates.1));
        body["remarks"] = json!(form.remarks);
        body
    }
}

/// What a walk differs in.
struct Form {
    service: &'static str,
    /// The place of the service among all.
    place: usize,
    about: &'static str,
    last_name: &'static str,
    first_name: &'static str,
    member: &'static str,
    provider: &'static str,
    diagnosis: &'static str,
    diagnosis_code: &'static str,
    procedure: &'static str,
    coded: &'static str,
    line: Value,
    units: &'static str,
    dates: (&'static str, &'static str),
    remarks: &'static str,
}

/// Those parts of a JSON object, each below its own name.
fn some(of: &Value, parts: &[&str]) -> Value {
    let part = |it: &&str| {
        let name = it.trim_start_matches('/').split('/').next().expect("a name");
        let found = of.pointer(it).unwrap_or_else(|| panic!("{it}: {of}")).clone();
        // One of a list is shown as one.
        (name.to_owned(), if it.matches('/').count() == 2 { json!([found]) } else { found })
    };
    Value::Object(parts.iter().map(part).collect())
}

const ANSWERED: &[&str] = &[
    "/id",
    "/status",
    "/re_evaluation",
    "/lines",
    "/evaluation",
    "/decision",
    "/message",
    "/actions",
    "/deadlines",
];

async fn evaluation(page: &mut Page<'_>) {
    page.say("## A Home Skilled Nursing Evaluation");
    page.say("A user of one site notifies the plan of an evaluation visit.");
    let body = page.fill_in(&Form {
        service: "skilled_nursing_evaluation",
        place: 3,
        about: "A notification of the evaluation visit alone; treatment needs an authorization of its own (AUT-15).",
        last_name: "whitf", first_name: "al", member: "MCF0000000042",
        provider: "bay+state", diagnosis: "heart+failure+unspecified", diagnosis_code: "I50.9",
        procedure: "", coded: "Revenue code 0551 (AUT-17).",
        line: json!({"code_type": "revenue", "code": "0551", "units": 1}), units: "Exactly 1 visit.",
        dates: ("2026-12-02", "2026-12-02"), remarks: "Discharged home on 12/01.",
    }).await;
    page.say("**13. Submit.** Two visits are refused, and nothing is changed:");
    let mut two = body.clone();
    two["lines"][0]["units"] = json!(2);
    page.post("/v1/authorizations", &two, 422, &["/type", "/errors"]).await;
    page.say("One is accepted at once:");
    page.post("/v1/authorizations", &body, 201, ANSWERED).await;
    page.say("Each re-evaluation is a new notification, and marked as one:");
    page.post("/v1/authorizations", &body, 201, &["/id", "/status", "/re_evaluation"]).await;
}

async fn therapy(page: &mut Page<'_>) {
    page.say("## Physical Therapy, with an evaluation");
    page.say("An EHR vendor's program asks for one of the sites that it is granted, with an `Idempotency-Key`, so that it may send the request again.");
    page.who = "ehr-vendor";
    let mut body = page.fill_in(&Form {
        service: "physical_therapy",
        place: 7,
        about: "For My Care Family members only (AUT-14).\nOccupational therapy would be a request of its own (AUT-12).",
        last_name: "o'rour", first_name: "p", member: "MCF0000000045",
        provider: "granite+home", diagnosis: "I69.351", diagnosis_code: "I69.351",
        procedure: "", coded: "Revenue code 0421.",
        line: json!({"code_type": "revenue", "code": "0421", "units": 9}),
        units: "Eight visits of treatment and one for the evaluation: the total includes it, and the remarks say so (AUT-19).",
        dates: ("2026-12-03", "2026-12-31"), remarks: "1 visit for Evaluation.",
    }).await;
    page.say("**13. Submit.** A code of another discipline is refused:");
    let mut two = body.clone();
    two["lines"] = json!([body["lines"][0].clone(), {"code_type": "revenue", "code": "0431", "units": 4}]);
    page.post("/v1/authorizations", &two, 422, &["/errors"]).await;
    page.say("By itself it is approved, and the evaluation is shown apart:");
    body["servicing_provider"]["npi"] = json!("1770626038");
    page.post("/v1/authorizations", &body, 201, ANSWERED).await;
    page.say("The same request with the same key, sent again because the answer was lost, gets the same answer and no second number:");
    page.post("/v1/authorizations", &body, 201, &["/id", "/status"]).await;
}

async fn infusion(page: &mut Page<'_>) {
    page.say("## Home Infusion");
    page.say("A user of two sites asks for an infusion, which a clinician always reviews.");
    page.who = "multi-site";
    let body = page
        .fill_in(&Form {
            service: "home_infusion",
            place: 2,
            about: "It takes CPT codes, and HCPCS codes of home infusion.",
            last_name: "iyer",
            first_name: "tho",
            member: "HMO0000000051",
            provider: "bay+skilled",
            diagnosis: "osteomyelitis+unspecified",
            diagnosis_code: "M86.9",
            procedure: "&q=anti&limit=3",
            coded: "Found by words of our own; any CPT code is taken by its form.",
            line: json!({"code_type": "hcpcs", "code": "S9500", "units": 14}),
            units: "Fourteen days.",
            dates: ("2026-12-04", "2026-12-17"),
            remarks: "PICC line placed 11/30. Clinical notes follow by fax.",
        })
        .await;
    page.say(
        "**13. Submit.** The answer is in real time, the decision a clinician's, on the clock (FED-02):",
    );
    let asked = page.post("/v1/authorizations", &body, 201, ANSWERED).await;
    page.say("Later the plan's nurse reads the notes, and approves it with the ETag of the authorization as she read it in `If-Match`:");
    page.who = "nurse";
    let path = format!("/v1/authorizations/{}", asked.json()["id"].as_str().expect("an id"));
    let approval = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "Culture and plan of care support 14 days of IV therapy."});
    page.post(
        &format!("{path}/decide"),
        &approval,
        200,
        &["/status", "/lines", "/decision", "/message", "/deadlines"],
    )
    .await;
    page.say("The site finds it again, by the member or in its list:");
    page.who = "multi-site";
    page.post(
        "/v1/authorizations/search",
        &json!({"member_id": "HMO0000000051"}),
        200,
        &["/data", "/next_cursor"],
    )
    .await;
}

/// AUT-01 to AUT-20, as a user meets them.
#[test]
fn the_walkthrough_is_what_the_service_answers() {
    start(Kind::Sqlite, |service| async move {
        let text = String::from(
            "# Walkthrough\n\nThe thirteen steps of the portal's guide to home health care, taken by program for three services.\n\
             Each question was sent to the service and each answer is its own, on 2026-12-01 with the made-up plan; of long answers only some members are shown.\n\
             A test writes this page, and holds it.\n\n",
        );
        let mut page = Page { service: &service, who: "single-site", text, last: Value::Null };
        evaluation(&mut page).await;
        therapy(&mut page).await;
        infusion(&mut page).await;
        same_as_file("docs/walkthrough.md", &(page.text.trim_end().to_owned() + "\n"));
    });
}
