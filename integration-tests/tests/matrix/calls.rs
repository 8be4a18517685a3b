//! The calls of the matrix, each on a thing of the relation and the state that its row names.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::table::Row;
use crate::support::{Answer, Service, example};
use crate::users::{demo_grant, id};

/// What the calls need, and what was sent so far.
pub(super) struct Calls {
    sent: usize,
    made: usize,
    /// Things that no call has changed yet.
    kept: HashMap<(String, String), Thing>,
    /// The id and the NPI of a site of each relation, and who asks for it.
    sites: HashMap<&'static str, (String, String, &'static str)>,
    members: Vec<String>,
}

#[derive(Clone)]
struct Thing {
    id: String,
    etag: String,
}

impl Calls {
    pub(super) fn new(service: &Service) -> Self {
        let site = |place: usize, who| {
            let sql = format!("select id || ' ' || npi as it from sites order by id limit 1 offset {place}");
            let text = service.texts(&sql).concat();
            let (id, npi) = text.split_once(' ').expect("a site");
            (id.to_owned(), npi.to_owned(), who)
        };
        let sites = [
            ("own", site(0, "single-site")),
            ("other", site(1, "multi-site")),
            // The agency's, whom no actor works for.
            ("foreign", site(5, "agency")),
        ];
        let members = service.texts(
            "select member_id as it from coverages where product_id = 'mcf' and last_on is null and first_on < '2026-11-01' \
             and member_id > 'MCF0000001000' order by member_id limit 400",
        );
        crate::webhooks::keep(service, webhook("own"), "site-administrator", registry::demo::SITES[0].0);
        crate::webhooks::keep(service, webhook("foreign"), "agency", sites[2].1.0.as_str());
        Self { sent: 0, made: 0, kept: HashMap::new(), sites: sites.into(), members }
    }

    /// The ids of what was sent.
    pub(super) fn requests(&self) -> impl Iterator<Item = String> {
        (1..=self.sent).map(|it| format!("mx-{it}"))
    }

    /// Sends what `row` says, as `who` or without a token: the status, and the problem if it is one.
    pub(super) async fn send(&mut self, service: &Service, row: &Row, who: Option<&str>) -> (u16, String) {
        self.sent += 1;
        let id = format!("mx-{}", self.sent);
        let thing = match (&*row.relation, &*row.state) {
            (_, "-") => Thing { id: "26335R99999".to_owned(), etag: "\"1.00000000\"".to_owned() },
            (relation, state) => self.thing(service, relation, state).await,
        };
        let (method, path, body) = self.call(row, &thing);
        let request = match who {
            Some(who) => service.request(who, method.clone(), &path),
            None => service.anonymous(method.clone(), &path),
        };
        let request = request.header("x-request-id", &id);
        // Others count it where it is sent, and what is changed here isn't read first.
        let versioned =
            path.starts_with("/v1/authorizations") || [Method::PUT, Method::PATCH].contains(&method);
        let request = if versioned { request.header("if-match", &thing.etag) } else { request };
        let request = if method == Method::POST { request.header("idempotency-key", &id) } else { request };
        let answer = Answer::of(if body.is_null() { request } else { request.json(&body) }).await;
        if answer.status < 300 && method == Method::POST {
            // What was changed is no longer in this state.
            self.kept.remove(&(row.relation.clone(), row.state.clone()));
        }
        (answer.status, answer.text.chars().take(200).collect())
    }

    fn call(&mut self, row: &Row, thing: &Thing) -> (Method, String, Value) {
        let site = self.sites.get(&*row.relation).map(|it| it.0.clone());
        let at = |tail: &str| format!("/v1/authorizations/{}{tail}", thing.id);
        let get = |path: String| (Method::GET, path, Value::Null);
        let post = |path: &str, body| (Method::POST, path.to_owned(), body);
        match &*row.operation {
            "get_authorization" => get(at("")),
            "list_authorizations" => {
                get(site
                    .map_or("/v1/authorizations".to_owned(), |it| format!("/v1/authorizations?site_id={it}")))
            }
            "search_authorizations" => {
                post("/v1/authorizations/search", json!({"site_id": site, "diagnosis": "I10"}))
            }
            "create_authorization" => {
                let body = self.body(&row.relation, 1);
                post("/v1/authorizations", body)
            }
            "decide_authorization" => post(&at("/decide"), decision(&row.variant)),
            "close_authorization" => post(&at("/close"), json!({"reason_code": "replaced", "reason": "x"})),
            "search_members" => post("/v1/members/search", json!({"last_name": "whit"})),
            "get_eligibility" => post("/v1/members/eligibility", json!({"member_id": "MCF0000000042"})),
            "list_providers" => get("/v1/providers?limit=1".to_owned()),
            "get_policy" => get("/v1/policy".to_owned()),
            "list_services" => get("/v1/services".to_owned()),
            "list_procedure_codes" => get("/v1/procedure-codes".to_owned()),
            "list_diagnosis_codes" => get("/v1/diagnosis-codes?q=i10".to_owned()),
            "get_me" => get("/v1/me".to_owned()),
            "list_deadlines" => get("/v1/deadlines?limit=1".to_owned()),
            "list_jobs" => get("/v1/jobs?limit=1".to_owned()),
            "list_trail" => get("/v1/trail?subject=26335R00001".to_owned()),
            "open_emergency_access" => post(
                "/v1/emergency-access",
                json!({"member_id": "MCF0000000042", "reason_code": "treatment", "reason": "In our emergency room."}),
            ),
            "list_emergency_accesses" => get("/v1/emergency-access".to_owned()),
            "get_emergency_access" => get(format!("/v1/emergency-access/{NO_EMERGENCY}")),
            "review_emergency_access" => post(
                &format!("/v1/emergency-access/{NO_EMERGENCY}/review"),
                json!({"finding": "justified", "reason": "x"}),
            ),
            "create_client" => post(
                "/v1/clients",
                json!({"name": "A", "scopes": ["authorizations:read"], "jwks_url": "https://client.example/jwks.json"}),
            ),
            "list_clients" => get("/v1/clients?limit=1".to_owned()),
            "get_client" => get(format!("/v1/clients/{}", client(row))),
            "replace_client_keys" => (
                Method::PUT,
                format!("/v1/clients/{}/keys", client(row)),
                json!({"jwks_url": "https://client.example/jwks.json"}),
            ),
            "disable_client" => post(&format!("/v1/clients/{}/disable", client(row)), json!({"reason": "x"})),
            "search_trail" => post("/v1/trail/search", json!({"member_id": "MCF0000000042"})),
            _ => self.of_users(row),
        }
    }

    /// A call about users, on what the demo's plan has.
    fn of_users(&self, row: &Row) -> (Method, String, Value) {
        let site = self.sites.get(&*row.relation).map(|it| it.0.clone());
        let user = |own: &str| match &*row.relation {
            "own" => format!("/v1/users/{}", id(own)),
            "foreign" => format!("/v1/users/{}", id("agency")),
            _ => "/v1/users/usr_ffffffffffffffffffffffffffffffff".to_owned(),
        };
        let grant = |own: &str| match &*row.relation {
            "foreign" => format!("{}/grants/{}", user(own), demo_grant("agency", Some(5))),
            _ => format!("{}/grants/{}", user(own), demo_grant(own, Some(0))),
        };
        let list = |path: &str| {
            let query = site.as_ref().map(|it| format!("?site_id={it}")).unwrap_or_default();
            (Method::GET, format!("{path}{query}"), Value::Null)
        };
        let post = |path: String, body| (Method::POST, path, body);
        let why = json!({"reason": "x"});
        match &*row.operation {
            "list_users" => list("/v1/users"),
            "list_delegations" => list("/v1/delegations"),
            "get_user" => (Method::GET, user("single-site"), Value::Null),
            "create_user" => {
                let login = format!("mx-{}", self.sent);
                let body = json!({"login": login, "name": "A", "kind": "person", "role": "portal_user", "site_id": site});
                post("/v1/users".to_owned(), body)
            }
            "grant_role" => {
                let site = site.unwrap_or_else(|| self.sites["own"].0.clone());
                post(
                    format!("{}/grants", user("single-site")),
                    json!({"role": "portal_user", "site_id": site}),
                )
            }
            "approve_grant" => post(format!("{}/approve", grant("single-site")), json!({})),
            "withdraw_grant" => post(format!("{}/withdraw", grant("site-administrator")), why),
            "disable_user" => post(format!("{}/disable", user("site-administrator")), why),
            "enable_user" => post(format!("{}/enable", user("single-site")), why),
            "record_delegation" => {
                let paper = (row.variant == "letter").then_some("files/1");
                let body = json!({"agent_id": id("billing-agent"), "site_id": site, "channel": row.variant, "paper": paper,
                    "first_on": "2026-12-01"});
                post("/v1/delegations".to_owned(), body)
            }
            "end_delegation" => {
                post("/v1/delegations/grt_ffffffffffffffffffffffffffffffff/end".to_owned(), why)
            }
            _ => self.of_webhooks(row),
        }
    }

    /// A call about events and webhooks.
    fn of_webhooks(&self, row: &Row) -> (Method, String, Value) {
        let at = |tail: &str| format!("/v1/webhooks/{}{tail}", webhook(&row.relation));
        let post = |tail: &str, body| (Method::POST, at(tail), body);
        match &*row.operation {
            "list_events" => (Method::GET, "/v1/events?limit=1".to_owned(), Value::Null),
            "list_webhooks" => (Method::GET, "/v1/webhooks?limit=1".to_owned(), Value::Null),
            "create_webhook" => {
                let site = &self.sites[&*row.relation].0;
                let body = json!({"url": "https://hooks.example.org/", "site_ids": [site]});
                (Method::POST, "/v1/webhooks".to_owned(), body)
            }
            "get_webhook" => (Method::GET, at(""), Value::Null),
            "change_webhook" => (Method::PATCH, at(""), json!({"description": "x"})),
            "list_webhook_deliveries" => (Method::GET, at("/deliveries"), Value::Null),
            "replay_webhook" => post("/replay", json!({"after": "2026-12-01T00:00:00Z"})),
            "rotate_webhook" => post("/rotate", json!({})),
            "test_webhook" => post("/test", json!({})),
            "enable_webhook" => post("/enable", json!({})),
            "disable_webhook" => post("/disable", json!({})),
            other => panic!("{other} has no call"),
        }
    }

    /// A request for the site of `relation`, like none before.
    fn body(&mut self, relation: &str, units: u32) -> Value {
        let missing = ("site_ffffffffffffffffffffffffffffffff".to_owned(), "1346218294".to_owned(), "");
        let (site, npi, _) = self.sites.get(relation).cloned().unwrap_or(missing);
        self.made += 1;
        let day = format!("2026-12-{:02}", 2 + self.made / self.members.len());
        let mut body = example();
        body["site_id"] = json!(site);
        body["requesting_provider"]["npi"] = json!(npi);
        body["member_id"] = json!(self.members[self.made % self.members.len()]);
        (body["start_date"], body["end_date"]) = (json!(day), json!(day));
        body["lines"][0]["units"] = json!(units);
        body
    }

    /// An authorization of the site of `relation` that stands in `state`.
    async fn thing(&mut self, service: &Service, relation: &str, state: &str) -> Thing {
        let key = (relation.to_owned(), state.to_owned());
        if let Some(thing) = self.kept.get(&key) {
            return thing.clone();
        }
        let who = self.sites[relation].2;
        let body = self.body(relation, if state == "APPROVED" { 1 } else { 99 });
        let made = service.post(who, "/v1/authorizations", &body).await;
        let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
        let moved = match state {
            "PEND" => Some(("nurse", "decide", decision("pend"))),
            "DENIED" => Some(("second-physician", "decide", decision("deny"))),
            "CLOSED" => Some(("coordinator", "close", json!({"reason_code": "replaced", "reason": "x"}))),
            _ => None,
        };
        let mut etag = made.header("etag").expect("a version").to_owned();
        let mut there = made;
        if let Some((who, verb, body)) = moved {
            let request = service.request(who, Method::POST, &format!("/v1/authorizations/{id}/{verb}"));
            there = Answer::of(request.header("if-match", &etag).json(&body)).await;
            there.expect(200);
            etag = there.header("etag").expect("a version").to_owned();
        }
        assert_eq!(there.json()["status"], state, "{}", there.text);
        let thing = Thing { id, etag };
        self.kept.insert(key, thing.clone());
        thing
    }
}

/// The id of a webhook of this relation.
fn webhook(relation: &str) -> &'static str {
    match relation {
        "own" => "whk_0198c1f2a4b37c10a1b2c3d4e5f60751",
        "foreign" => "whk_0198c1f2a4b37c10a1b2c3d4e5f60752",
        _ => "whk_ffffffffffffffffffffffffffffffff",
    }
}

const NO_EMERGENCY: &str = "emg_ffffffffffffffffffffffffffffffff";

/// A system client that there is, or none.
fn client(row: &Row) -> &'static str {
    if row.relation == "missing" { "cli_ffffffffffffffffffffffffffffffff" } else { id("clearinghouse") }
}

fn decision(outcome: &str) -> Value {
    let policy = authorizations::Policies::shipped();
    let policy = policy.on(chrono::NaiveDate::MAX);
    let codes = policy.decide_reasons.iter().find(|it| it.0.to_string() == outcome).expect("an outcome").1;
    let mut body =
        json!({"outcome": outcome, "reason_code": codes.keys().next().expect("a code"), "reason": "x"});
    if outcome == "reduce" {
        body["lines"] = json!([{"line": 1, "outcome": "reduce", "authorized_units": 1}]);
    }
    body
}
