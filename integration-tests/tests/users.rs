//! Users, and what each is granted (AUT-09, S-10).

use futures_util::future::join_all;
use kernel::Clock;
use registry::Role;
use registry::demo::{PRINCIPALS, SITES};
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, ISSUER, Service};

/// The id of a caller of the demo.
pub(crate) fn id(who: &str) -> &'static str {
    PRINCIPALS.iter().find(|it| it.1 == who).expect("a caller").0
}

/// The id of a grant of the demo: of the caller, for the site at this place, or for the plan.
pub(crate) fn demo_grant(who: &str, site: Option<usize>) -> String {
    let place = PRINCIPALS.iter().position(|it| it.1 == who).expect("a caller");
    format!("grt_0198c1f2a4b37c10a1b2c3d4{place:04x}{:04x}", site.unwrap_or(0xffff))
}

/// A token for whoever has this login, with the scopes of a role.
pub(crate) fn token(service: &Service, login: &str, role: Role, changed: &Value) -> String {
    let now = service.clock.now().timestamp();
    let scopes: Vec<_> = role.scopes().iter().map(|it| it.as_str()).collect();
    let mut claims = json!({
        "iss": ISSUER, "aud": "lanyard", "sub": login, "client_id": "test", "scope": scopes.join(" "), "iat": now,
        "exp": now + 900, "jti": "j1", "acr": "mfa", "auth_time": now,
    });
    for (name, value) in changed.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    crate::caller::signed(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "demo"}), &claims)
}

/// Sends `body` with this token.
pub(crate) async fn send(service: &Service, token: &str, path: &str, body: &Value) -> Answer {
    Answer::of(service.anonymous(Method::POST, path).bearer_auth(token).json(body)).await
}

async fn look(service: &Service, token: &str, path: &str) -> Answer {
    Answer::of(service.anonymous(Method::GET, path).bearer_auth(token)).await
}

fn person(login: &str, site: &str, role: &str) -> Value {
    json!({"login": login, "name": "Ana Rivera", "kind": "person", "site_id": site, "role": role})
}

/// Adds someone, and has it approved by the other administrator if it must be; the id of the user and of the last grant.
async fn added(service: &Service, who: &str, body: &Value) -> (String, String) {
    let user = service.post(who, "/v1/users", body).await.expect(201);
    let grant = user["grants"].as_array().expect("grants").last().expect("a grant").clone();
    let (user, id) = (user["id"].as_str().expect("an id"), grant["id"].as_str().expect("an id"));
    if grant["status"] == "requested" {
        let path = format!("/v1/users/{user}/grants/{id}/approve");
        service.post("second-administrator", &path, &json!({})).await.expect(200);
    }
    (user.to_owned(), id.to_owned())
}

fn staff(login: &str, role: &str) -> Value {
    json!({"login": login, "name": "Lee Chan", "kind": "staff", "role": role})
}

fn why() -> Value {
    json!({"reason": "As agreed."})
}

/// What is kept of users; unchanged, where something was refused.
fn kept(service: &Service) -> Vec<String> {
    let grants = "select id || principal_id || role || coalesce(approved_by, '-') || coalesce(ended_by, '-') as it from grants order by id";
    let users =
        "select id || cast(version as text) || cast(active as text) as it from principals order by id";
    let events = "select id as it from outbox order by id";
    [grants, users, events].iter().flat_map(|it| service.texts(it)).collect()
}

on_both! {
    async fn a_11_a_site_administrator_grants_below_its_ceiling(service) {
        let before = kept(&service);
        let admin = "site-administrator";
        let (own, other, plan) = (SITES[0].0, SITES[2].0, "physician_reviewer");
        let grants = |who: &str| format!("/v1/users/{}/grants", id(who));
        for (path, body, slug) in [
            // A payer role.
            (grants("single-site"), json!({"role": plan}), "role-not-grantable"),
            (grants("single-site"), json!({"role": "plan_administrator"}), "role-not-grantable"),
            (grants("single-site"), json!({"role": "practitioner"}), "role-not-grantable"),
            ("/v1/users".into(), person("x@y", own, plan), "role-not-grantable"),
            ("/v1/users".into(), staff("x@y", plan), "plan-only"),
            ("/v1/users".into(), json!({"login": "x@y", "name": "A", "kind": "person", "site_id": own, "role": "portal_user",
                "same_person_as": id("single-site")}), "plan-only"),
            // An agent's, which needs a delegation.
            (grants("single-site"), json!({"role": "billing_agent", "site_id": own}), "role-not-grantable"),
            // A foreign site.
            (grants("single-site"), json!({"role": "portal_user", "site_id": other}), "site-not-permitted"),
            ("/v1/users".into(), person("x@y", other, "portal_user"), "site-not-permitted"),
            // Itself.
            (grants(admin), json!({"role": "portal_user", "site_id": own}), "own-grant"),
            ("/v1/users".into(), person(id(admin), own, "portal_user"), "own-grant"),
            (format!("{}/{}/withdraw", grants(admin), demo_grant(admin, Some(0))), why(), "own-grant"),
            // What only the plan does.
            (format!("/v1/users/{}/disable", id("single-site")), why(), "plan-only"),
            (format!("{}/{}/approve", grants("single-site"), demo_grant("single-site", Some(0))), json!({}), "plan-only"),
            // An agent's is the delegation's to end.
            (format!("{}/{}/withdraw", grants("billing-agent"), demo_grant("billing-agent", Some(0))), why(), "role-not-grantable"),
        ] {
            let answer = service.post(admin, &path, &body).await;
            assert_eq!(answer.problem(403), slug, "{path} {body}");
        }
        // Whom it doesn't see isn't there, and neither is a grant at another's site.
        let foreign = format!("{}/{}/withdraw", grants("ehr-vendor"), demo_grant("ehr-vendor", Some(2)));
        for (path, slug) in [
            (grants("other-site"), "user-not-found"), (format!("/v1/users/{}/disable", id("nurse")), "user-not-found"),
            (foreign, "grant-not-found"),
        ] {
            let body = if path.ends_with("grants") { json!({"role": "portal_user", "site_id": own}) } else { why() };
            assert_eq!(service.post(admin, &path, &body).await.problem(404), slug, "{path}");
        }
        assert_eq!(kept(&service), before);

        // The controls.
        let it = service.post(admin, &grants("single-site"), &json!({"role": "portal_user", "site_id": SITES[1].0})).await.expect(201);
        let granted = it["grants"].as_array().expect("grants").last().expect("a grant");
        assert_eq!((&granted["status"], &granted["approved_by"]), (&json!("active"), &json!(id(admin))));
        let path = format!("{}/{}/withdraw", grants("single-site"), granted["id"].as_str().expect("an id"));
        let it = service.post(admin, &path, &why()).await.expect(200);
        assert_eq!(it["grants"].as_array().expect("grants").last().expect("a grant")["status"], "ended");
        assert_eq!(it["version"], 3);
        assert_eq!(service.post(admin, &path, &why()).await.problem(409), "grant-action-not-permitted");
        // What a site's administrator may, in the trail, with its reason.
        let trail = service.texts("select actor || ' ' || action || ' ' || coalesce(reason, '-') as it from trail where action like 'user.%' order by action");
        assert_eq!(trail, [format!("{} user.grant -", id(admin)), format!("{} user.withdraw As agreed.", id(admin))]);
    }

    /// A-11: the last administrator of a site stays, whoever would have it otherwise, and so do two of the plan's.
    async fn a_11_the_last_administrators_stay(service) {
        let (site, administrator) = (SITES[0].0, id("site-administrator"));
        let withdraw = format!("/v1/users/{administrator}/grants/{}/withdraw", demo_grant("site-administrator", Some(0)));
        let disable = format!("/v1/users/{administrator}/disable");
        let before = kept(&service);
        for path in [&withdraw, &disable] {
            assert_eq!(service.post("administrator", path, &why()).await.problem(409), "last-administrator");
        }
        // Of two administrators of the plan neither goes; least of all by their own hand.
        let second = id("second-administrator");
        let plan = format!("/v1/users/{second}/grants/{}/withdraw", demo_grant("second-administrator", None));
        for path in [plan.clone(), format!("/v1/users/{second}/disable")] {
            assert_eq!(service.post("compliance", &path, &why()).await.problem(409), "last-administrator");
            assert_eq!(service.post("second-administrator", &path, &why()).await.problem(403), "own-grant");
        }
        assert_eq!(kept(&service), before);
        // Once there is another one.
        added(&service, "site-administrator", &person("two@site", site, "site_administrator")).await;
        service.post("administrator", &withdraw, &why()).await.expect(200);
        assert_eq!(service.post("administrator", &disable, &why()).await.problem(409), "last-administrator");
        added(&service, "administrator", &person("two@quincy", SITES[1].0, "site_administrator")).await;
        service.post("administrator", &disable, &why()).await.expect(200);
        assert_eq!(service.post("administrator", &disable, &why()).await.problem(409), "user-unchanged");
        let (third, _) = added(&service, "administrator", &staff("third@plan", "plan_administrator")).await;
        service.post("administrator", &plan, &why()).await.expect(200);
        // A person who has two logins is one of them.
        let twin = json!({"login": "twin@plan", "name": "Lee Chan", "kind": "staff", "role": "plan_administrator", "same_person_as": third});
        let it = service.post("administrator", "/v1/users", &twin).await.expect(201);
        let approve = format!("/v1/users/{}/grants/{}/approve", it["id"].as_str().expect("an id"), it["grants"][0]["id"].as_str().expect("an id"));
        service.post("compliance", &approve, &json!({})).await.expect(200);
        let first = format!("/v1/users/{}/disable", id("administrator"));
        assert_eq!(service.post("compliance", &first, &why()).await.problem(409), "last-administrator");
    }

    /// A-11, raced: of two administrators one goes and one stays.
    async fn a_11_of_the_last_two_administrators_one_goes(service) {
        let (second, grant) = added(&service, "site-administrator", &person("two@site", SITES[0].0, "site_administrator")).await;
        let one = format!("/v1/users/{}/grants/{}/withdraw", id("site-administrator"), demo_grant("site-administrator", Some(0)));
        let other = format!("/v1/users/{second}/grants/{grant}/withdraw");
        let body = why();
        let asked = (0..8).map(|it| {
            let who = if it % 4 < 2 { "administrator" } else { "compliance" };
            service.post(who, if it % 2 == 0 { &one } else { &other }, &body)
        });
        let mut answers: Vec<_> = join_all(asked).await.iter().map(|it| it.status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [200, 409, 409, 409, 409, 409, 409, 409]);
        let left = service.texts(&format!("select id as it from grants where role = 'site_administrator' and site_id = '{}' and ended_at is null", SITES[0].0));
        assert_eq!(left.len(), 1);

        // The plan's three: one goes, two stay.
        let (third, _) = added(&service, "administrator", &staff("third@plan", "plan_administrator")).await;
        let one = format!("/v1/users/{}/grants/{}/withdraw", id("second-administrator"), demo_grant("second-administrator", None));
        let other = format!("/v1/users/{third}/disable");
        let asked = (0..8).map(|it| service.post("compliance", if it % 2 == 0 { &one } else { &other }, &body));
        let mut answers: Vec<_> = join_all(asked).await.iter().map(|it| it.status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [200, 409, 409, 409, 409, 409, 409, 409]);
    }

    /// A-09, S-10: a role of the plan's takes two people, and one person under two logins isn't two.
    async fn a_09_a_role_of_the_plan_takes_two_people(service) {
        let asked = service.post("administrator", "/v1/users", &staff("nurse@plan", "medical_review_nurse")).await.expect(201);
        assert_eq!(asked["grants"][0]["status"], "requested");
        let (user, grant) = (asked["id"].as_str().expect("an id"), asked["grants"][0]["id"].as_str().expect("an id"));
        let nurse = token(&service, "nurse@plan", Role::MedicalReviewNurse, &json!({}));
        assert_eq!(look(&service, &nurse, "/v1/me").await.expect(200)["roles"], json!([]));
        let approve = format!("/v1/users/{user}/grants/{grant}/approve");
        let before = kept(&service);
        assert_eq!(service.post("administrator", &approve, &json!({})).await.problem(403), "second-person-required");
        // The same person under another login, who is an administrator, too.
        service.execute(&format!("update principals set person = '{}' where id = '{}'", id("administrator"), id("second-compliance")));
        assert_eq!(service.post("second-compliance", &approve, &json!({})).await.problem(403), "second-person-required");
        // And the one whom it is for, under another login.
        service.execute(&format!("update principals set person = '{}' where id = '{user}'", id("compliance")));
        assert_eq!(service.post("compliance", &approve, &json!({})).await.problem(403), "own-grant");
        assert_eq!(kept(&service), before);
        let it = service.post("second-administrator", &approve, &json!({"reason": "Seen."})).await.expect(200);
        assert_eq!((&it["grants"][0]["status"], &it["grants"][0]["approved_by"]), (&json!("active"), &json!(id("second-administrator"))));
        assert_eq!(look(&service, &nurse, "/v1/me").await.expect(200)["roles"], json!(["medical_review_nurse"]));
        let again = service.post("second-administrator", &approve, &json!({})).await;
        assert_eq!(again.problem(409), "grant-action-not-permitted");
        assert_eq!(again.json()["allowed_actions"], json!(["withdraw"]));
        // Neither may the one who made it all, to themselves.
        let own = format!("/v1/users/{}/grants", id("administrator"));
        assert_eq!(service.post("administrator", &own, &json!({"role": "compliance_officer"})).await.problem(403), "own-grant");
        assert_eq!(service.post("second-compliance", &own, &json!({"role": "compliance_officer"})).await.problem(403), "own-grant");
        // Each event is one more of the user's or of the grant's, without a gap.
        let events = service.texts(&format!("select topic || ' ' || cast(sequence as text) || ' ' || cast(version as text) as it from outbox where subject in ('{user}', '{grant}') order by subject desc, sequence"));
        assert_eq!(events, ["user.created 1 1", "grant.requested 1 1", "grant.approved 2 2"]);
        assert_eq!(it["version"], 3);
    }

    async fn a_09_of_two_approvals_at_once_one_counts(service) {
        let asked = service.post("administrator", "/v1/users", &staff("nurse@plan", "medical_review_nurse")).await.expect(201);
        let approve = format!("/v1/users/{}/grants/{}/approve", asked["id"].as_str().expect("an id"), asked["grants"][0]["id"].as_str().expect("an id"));
        let whos = ["second-administrator", "compliance", "second-compliance", "second-administrator"];
        let body = json!({});
        let mut answers: Vec<_> =
            join_all(whos.iter().map(|it| service.post(it, &approve, &body))).await.iter().map(|it| it.status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [200, 409, 409, 409]);
        // The same grant, asked for by several at once, is one.
        let path = format!("/v1/users/{}/grants", id("single-site"));
        let body = json!({"role": "portal_user", "site_id": SITES[1].0});
        let asked = ["site-administrator", "administrator", "compliance", "second-compliance"].map(|it| service.post(it, &path, &body));
        let mut answers: Vec<_> = join_all(asked).await.iter().map(|it| it.status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [201, 409, 409, 409]);
        // And so is a user.
        let body = person("new@site", SITES[0].0, "portal_user");
        let asked = (0..6).map(|_| service.post("site-administrator", "/v1/users", &body));
        let made = join_all(asked).await.iter().filter(|it| it.status == 201).count();
        assert_eq!(made, 1);
        assert_eq!(service.texts("select id as it from principals where login = 'new@site'").len(), 1);
    }

    /// A move that names a version is for that one only.
    async fn a_user_is_moved_as_they_were_read(service) {
        let (user, grant) = added(&service, "site-administrator", &person("new@site", SITES[0].0, "portal_user")).await;
        let path = format!("/v1/users/{user}");
        let etag = service.get("administrator", &path).await.header("etag").expect("a version").to_owned();
        let send = async |tail: &str, etag: &str| {
            let request = service.request("administrator", reqwest::Method::POST, &format!("{path}{tail}")).header("if-match", etag);
            crate::support::Answer::of(request.json(&why())).await
        };
        let before = kept(&service);
        for tail in ["/disable", "/enable", &format!("/grants/{grant}/withdraw"), &format!("/grants/{grant}/approve")] {
            assert_eq!(send(tail, "\"1.00000000\"").await.problem(412), "user-stale", "{tail}");
            assert_eq!(send(tail, "*").await.problem(400), "if-match-invalid", "{tail}");
        }
        assert_eq!(kept(&service), before);
        let off = send("/disable", &etag).await;
        assert_eq!((&off.expect(200)["active"], &off.json()["updated_at"]), (&json!(false), &json!("2026-12-01T15:00:00Z")));
        assert_eq!(send("/enable", &etag).await.problem(412), "user-stale");
        send("/enable", off.header("etag").expect("a version")).await.expect(200);
        // An event names the grant alone; whose it is can be asked.
        for (who, count) in [("site-administrator", 1), ("administrator", 1), ("provider-relations", 1)] {
            let it = service.get(who, &format!("/v1/users?grant_id={grant}")).await.expect(200);
            assert_eq!(it["data"].as_array().expect("rows").len(), count, "{who}");
            assert_eq!(it["data"][0]["id"], user, "{who}");
        }
        let foreign = format!("/v1/users?grant_id={}", demo_grant("agency", Some(5)));
        assert_eq!(service.get("site-administrator", &foreign).await.expect(200)["data"], json!([]));
        assert_eq!(service.get("administrator", &foreign).await.expect(200)["data"].as_array().expect("rows").len(), 1);
    }

    /// J-04: what is withdrawn is in force no more at the next request, with the same token; who is disabled is no one.
    async fn j_04_what_is_withdrawn_is_gone_at_the_next_request(service) {
        let (user, grant) = added(&service, "site-administrator", &person("new@site", SITES[0].0, "portal_user")).await;
        let theirs = token(&service, "new@site", Role::PortalUser, &json!({}));
        look(&service, &theirs, "/v1/authorizations").await.expect(200);
        let path = format!("/v1/users/{user}");
        service.post("site-administrator", &format!("{path}/grants/{grant}/withdraw"), &why()).await.expect(200);
        assert_eq!(look(&service, &theirs, "/v1/authorizations").await.problem(403), "not-permitted");
        // The same role again, which is another grant.
        let again = json!({"role": "portal_user", "site_id": SITES[0].0});
        service.post("site-administrator", &format!("{path}/grants"), &again).await.expect(201);
        assert_eq!(service.post("site-administrator", &format!("{path}/grants"), &again).await.problem(409), "grant-exists");
        look(&service, &theirs, "/v1/authorizations").await.expect(200);
        let off = service.post("administrator", &format!("{path}/disable"), &why()).await.expect(200);
        assert_eq!(off["active"], false);
        assert_eq!(look(&service, &theirs, "/v1/me").await.problem(401), "unauthenticated");
        service.post("administrator", &format!("{path}/enable"), &why()).await.expect(200);
        look(&service, &theirs, "/v1/authorizations").await.expect(200);
        let events = |of: &str| service.texts(&format!("select topic || ' ' || status || ' ' || cast(sequence as text) || ' ' || cast(version as text) as it from outbox where subject = '{of}' order by sequence"));
        assert_eq!(events(&user), ["user.created active 1 1", "user.disabled disabled 2 5", "user.enabled active 3 6"]);
        assert_eq!(events(&grant), ["grant.approved active 1 1", "grant.ended ended 2 2"]);
    }

    async fn j_07_a_grant_takes_a_recent_and_strong_login(service) {
        let now = service.clock.now().timestamp();
        let body = json!({"role": "portal_user", "site_id": SITES[1].0});
        let user = format!("/v1/users/{}", id("single-site"));
        let own = demo_grant("single-site", Some(0));
        let before = kept(&service);
        for changed in [json!({"acr": "1"}), json!({"auth_time": now - 15 * 60 - 1}), json!({"auth_time": now - 86_400, "acr": "pwd"})] {
            let weak = token(&service, id("site-administrator"), Role::SiteAdministrator, &changed);
            let plan = token(&service, id("administrator"), Role::PlanAdministrator, &changed);
            for (token, path, body) in [
                (&weak, format!("{user}/grants"), &body),
                (&weak, format!("{user}/grants/{own}/withdraw"), &why()),
                (&weak, "/v1/users".to_owned(), &person("x@y", SITES[0].0, "portal_user")),
                (&weak, format!("/v1/delegations/{}/end", demo_grant("billing-agent", Some(0))), &why()),
                (&plan, format!("{user}/grants/{own}/approve"), &json!({})),
                (&plan, format!("{user}/disable"), &why()),
                (&plan, format!("{user}/enable"), &why()),
            ] {
                let answer = send(&service, token, &path, body).await;
                assert_eq!(answer.problem(401), "step-up-required", "{path}");
                let wanted = r#"Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="900""#;
                assert_eq!(answer.header("www-authenticate"), Some(wanted));
                assert_eq!(answer.json()["title"], "The login is too old or too weak");
            }
            // To look takes no more than to be known.
            look(&service, &weak, &user).await.expect(200);
        }
        assert_eq!(kept(&service), before);
        let strong = token(&service, id("site-administrator"), Role::SiteAdministrator, &json!({"auth_time": now - 15 * 60}));
        send(&service, &strong, &format!("{user}/grants"), &body).await.expect(201);
    }

    async fn aut_09_a_site_sees_its_users_and_no_others(service) {
        let shape = |it: &Answer| it.text.replace(it.header("x-request-id").expect("an id"), "…");
        let missing = service.get("site-administrator", "/v1/users/usr_ffffffffffffffffffffffffffffffff").await;
        assert_eq!(missing.problem(404), "user-not-found");
        for path in [format!("/v1/users/{}", id("other-site")), format!("/v1/users/{}", id("nurse")), "/v1/users/nonsense".to_owned()] {
            let foreign = service.get("site-administrator", &path).await;
            assert_eq!((foreign.status, shape(&foreign)), (404, shape(&missing)), "{path}");
        }
        // Of someone with roles at several sites, those at its own.
        let vendor = format!("/v1/users/{}", id("ehr-vendor"));
        for (who, sites) in [("site-administrator", 1), ("provider-relations", 1), ("administrator", 2), ("compliance", 2)] {
            let it = service.get(who, &vendor).await.expect(200);
            assert_eq!(it["grants"].as_array().expect("grants").len(), sites, "{who}");
            assert_eq!(it["grants"][0]["delegation"]["channel"], "letter");
            assert_eq!(it["login"].is_string(), who != "provider-relations", "{who}");
        }
        for who in ["single-site", "nurse", "operator", "billing-agent"] {
            assert_eq!(service.get(who, &vendor).await.problem(403), "not-permitted", "{who}");
        }
        let answer = service.get("administrator", &vendor).await;
        let etag = answer.header("etag").expect("an ETag").to_owned();
        let again = service.request("administrator", Method::GET, &vendor).header("if-none-match", &etag);
        assert_eq!(Answer::of(again).await.status, 304);

        let ids = |it: Value| it["data"].as_array().expect("rows").iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>();
        let mine = ids(service.get("site-administrator", "/v1/users").await.expect(200));
        let here = ["ehr-vendor", "single-site", "multi-site", "site-administrator", "credential", "billing-agent", "provider-relations", "clearinghouse"];
        assert!(mine.contains(&id("single-site").to_owned()) && !mine.contains(&id("other-site").to_owned()));
        assert_eq!(mine.len(), here.len(), "{mine:?}");
        let all = ids(service.get("administrator", "/v1/users?limit=200").await.expect(200));
        assert_eq!(all.len(), PRINCIPALS.len());
        // Page by page, the same.
        let (mut seen, mut next) = (Vec::new(), Some("/v1/users?limit=5".to_owned()));
        while let Some(path) = next {
            let answer = service.get("administrator", &path).await;
            seen.extend(ids(answer.expect(200)));
            next = answer.header("link").map(|it| it.trim_start_matches('<').split('>').next().expect("a link").to_owned());
        }
        assert_eq!(seen, all);
        let page = |who, query: String| service.get(who, format!("/v1/users?{query}").leak());
        let by = ids(page("administrator", format!("site_id={}&role=portal_user", SITES[1].0)).await.expect(200));
        assert_eq!(by, [id("multi-site")]);
        assert_eq!(ids(page("site-administrator", "role=plan_administrator".to_owned()).await.expect(200)), Vec::<String>::new());
        assert_eq!(page("site-administrator", format!("site_id={}", SITES[2].0)).await.problem(403), "site-not-permitted");
        let cursor = service.get("administrator", "/v1/users?limit=1").await.expect(200)["next_cursor"].as_str().expect("a cursor").to_owned();
        assert_eq!(page("compliance", format!("cursor={cursor}")).await.problem(400), "invalid-parameter");
        let wrong = page("administrator", "site_id=x&role=king&limit=0&cursor=x&q=1".to_owned()).await;
        assert_eq!(wrong.expect(400)["errors"].as_array().expect("errors").len(), 5);
    }

    /// AUT-09: sites of two organizations share a person, and neither sees the other's roles nor changes the name.
    async fn aut_09_two_organizations_share_a_person(service) {
        let (user, _) = added(&service, "administrator", &person("other@admin", SITES[2].0, "site_administrator")).await;
        let harbor = token(&service, "other@admin", Role::SiteAdministrator, &json!({}));
        let mut body = person(id("single-site"), SITES[2].0, "portal_user");
        body["name"] = json!("Someone Else");
        let it = send(&service, &harbor, "/v1/users", &body).await;
        assert_eq!(it.header("location"), Some(&*format!("/v1/users/{}", id("single-site"))));
        let it = it.expect(201);
        assert_eq!((&it["name"], it["grants"].as_array().map(Vec::len)), (&json!("single-site"), Some(1)));
        let theirs = service.get("site-administrator", &format!("/v1/users/{}", id("single-site"))).await.expect(200);
        assert_eq!((&theirs["version"], &theirs["grants"][0]["site_id"]), (&json!(2), &json!(SITES[0].0)));
        assert_eq!(theirs["grants"].as_array().map(Vec::len), Some(1));
        assert_eq!(send(&service, &harbor, "/v1/users", &body).await.problem(409), "grant-exists");
        for (login, kind) in [(id("nurse"), "person"), (id("administrator"), "person")] {
            let mut body = body.clone();
            (body["login"], body["kind"]) = (json!(login), json!(kind));
            assert_eq!(send(&service, &harbor, "/v1/users", &body).await.problem(409), "user-exists", "{login}");
        }
        assert_eq!(service.post("administrator", "/v1/users", &staff(id("nurse"), "physician_reviewer")).await.problem(409), "user-exists");
        assert_eq!(look(&service, &harbor, &format!("/v1/users/{user}")).await.expect(200)["id"], *user);
    }

    /// AUT-05: every flaw of a body at once.
    async fn every_flaw_of_a_user_is_named(service) {
        let body = json!({"login": "a b", "name": "", "kind": "robot", "contact": {"name": "A", "phone": "1"}, "site_id": "x", "role": "king", "more": 1});
        let flaws = service.post("administrator", "/v1/users", &body).await.flaws();
        assert_eq!(flaws, [
            "/more unknown -", "/login format AUT-09", "/name length AUT-09", "/contact/phone format AUT-11", "/kind one-of AUT-09",
            "/site_id format AUT-09", "/role one-of AUT-09",
        ]);
        let none = "usr_ffffffffffffffffffffffffffffffff";
        let body = json!({"login": "a", "name": "A", "kind": "staff", "role": "physician_reviewer", "site_id": "site_ffffffffffffffffffffffffffffffff",
            "reports_to": id("single-site"), "same_person_as": none});
        let flaws = service.post("administrator", "/v1/users", &body).await.flaws();
        assert_eq!(flaws, [
            "/site_id not-applicable AUT-09", "/reports_to unknown-user AUT-09",
            "/same_person_as unknown-user AUT-09", "/site_id unknown-site AUT-09",
        ]);
        let body = json!({"login": "a", "name": "A", "kind": "person", "role": "physician_reviewer", "reports_to": id("nurse")});
        let flaws = service.post("administrator", "/v1/users", &body).await.flaws();
        assert_eq!(flaws, ["/role one-of AUT-09", "/reports_to not-applicable AUT-09"]);
        // A token for such a login would be a program's.
        let body = person("cli_a", SITES[0].0, "portal_user");
        assert_eq!(service.post("administrator", "/v1/users", &body).await.flaws(), ["/login format AUT-09"]);
        let body = json!({"login": "a", "name": "A", "kind": "person"});
        let flaws = service.post("site-administrator", "/v1/users", &body).await.flaws();
        assert_eq!(flaws, ["/site_id required AUT-09", "/role required AUT-09"]);
        let grants = format!("/v1/users/{}/grants", id("single-site"));
        let body = json!({"role": "physician_reviewer", "site_id": SITES[0].0, "first_on": "2026-11-30", "last_on": "2026-11-29"});
        let flaws = service.post("administrator", &grants, &body).await.flaws();
        assert_eq!(flaws, ["/site_id not-applicable AUT-09", "/last_on before-start AUT-09", "/role one-of AUT-09", "/last_on range AUT-09"]);
        let flaws = service.post("administrator", &grants, &json!({"role": "portal_user"})).await.flaws();
        assert_eq!(flaws, ["/site_id required AUT-09"]);
        let path = format!("{grants}/{}/withdraw", demo_grant("single-site", Some(0)));
        assert_eq!(service.post("administrator", &path, &json!({"reason": " "})).await.flaws(), ["/reason length AUT-09"]);
        // Who may not is told so before the body is looked at.
        assert_eq!(service.post("nurse", "/v1/users", &json!({"x": 1})).await.problem(403), "not-permitted");
        assert_eq!(service.post("administrator", "/v1/users/x/grants", &json!({})).await.problem(404), "user-not-found");
    }

    async fn a_grant_begins_and_is_over_by_the_calendar(service) {
        let path = format!("/v1/users/{}", id("single-site"));
        let body = json!({"role": "portal_user", "site_id": SITES[1].0, "first_on": "2026-12-03", "last_on": "2026-12-04"});
        service.post("site-administrator", &format!("{path}/grants"), &body).await.expect(201);
        for (at, status, sites) in [
            ("2026-12-02T23:00:00Z", "scheduled", 1), ("2026-12-03T15:00:00Z", "active", 2),
            ("2026-12-05T04:59:59Z", "active", 2), ("2026-12-05T05:00:00Z", "ended", 1),
        ] {
            service.set(at);
            let it = service.get("administrator", &path).await.expect(200);
            assert_eq!(it["grants"][1]["status"], status, "{at}");
            let me = service.get("single-site", "/v1/me").await.expect(200);
            assert_eq!(me["sites"].as_array().map(Vec::len), Some(sites), "{at}");
        }
        // What is over makes way for the same again.
        let again = json!({"role": "portal_user", "site_id": SITES[1].0});
        let it = service.post("site-administrator", &format!("{path}/grants"), &again).await.expect(201);
        assert_eq!(it["version"], 4);
        assert_eq!(it["grants"][1]["ended_by"], "system");
        assert_eq!(it["grants"][2]["status"], "active");
    }

    async fn a_repeated_request_gets_the_first_answer(service) {
        let sent = |path: String, body: Value| {
            let request = service.request("administrator", Method::POST, &path).header("idempotency-key", "k1");
            Answer::of(request.json(&body))
        };
        let body = staff("new@plan", "medical_review_nurse");
        let first = sent("/v1/users".to_owned(), body.clone()).await;
        let second = sent("/v1/users".to_owned(), body).await;
        assert_eq!((first.status, second.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!(first.text, second.text);
        let user = first.json()["id"].as_str().expect("an id").to_owned();
        let first = sent(format!("/v1/users/{user}/disable"), why()).await;
        let second = sent(format!("/v1/users/{user}/disable"), why()).await;
        assert_eq!((first.status, &first.text, second.header("idempotency-replayed")), (200, &second.text, Some("true")));
        assert_eq!(sent(format!("/v1/users/{user}/disable"), json!({"reason": "x"})).await.problem(422), "idempotency-key-reused");
    }
}
