//! The made-up plan: made once, grown, and never mixed into another one.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::cli::{folder, run};
use crate::on_both;
use crate::support::{Answer, Service, example};

/// Runs `lanyard demo` on a database; whether it went well, and what it said last.
fn demo(folder: &Path, url: &str, arguments: &[&str]) -> (bool, String) {
    let arguments = [&["demo"], arguments].concat();
    let Output { status, stdout, stderr } =
        run(folder, &arguments, &[("LANYARD_DATABASE__URL", url), ("LANYARD_DATABASE__POOL", "2")]);
    let [told, complained] = [stdout, stderr].map(|it| String::from_utf8(it).expect("text"));
    assert!(!complained.contains("panicked"), "{complained}");
    let last = if status.success() { told } else { complained };
    (status.success(), last.lines().last().unwrap_or_default().to_owned())
}

fn plan(members: u32) -> String {
    let callers = registry::demo::PRINCIPALS.len();
    format!("3 products, 12 organizations, 40 sites, 300 providers, {callers} callers, {members} members")
}

/// Everything that the plan is made of but the members' days, one line a row.
fn rows(service: &Service) -> Vec<String> {
    let all = [
        "select id || name as it from products",
        "select product_id || service || coalesce(units_a_year, -1) as it from benefits",
        "select id || name as it from organizations",
        "select id || organization_id || name || npi as it from sites",
        "select npi || name || kind || coalesce(pay_to_npi, '') as it from providers",
        "select word || npi as it from provider_words",
        "select npi || site_id as it from affiliations",
        "select id || first_folded || last_folded || coalesce(pcp_npi, '') || coalesce(pcp_site_id, '') as it from members",
        "select member_id || product_id as it from coverages",
        "select id || kind || name || coalesce(contact_phone, '') as it from principals",
        "select principal_id || role || coalesce(site_id, '') as it from grants",
    ];
    all.iter()
        .flat_map(|sql| {
            let mut rows = service.texts(sql);
            rows.sort();
            rows
        })
        .collect()
}

/// A member of the plan beyond its core whose only coverage, by My Care Family, is as `spans` says.
fn member(service: &Service, spans: &str) -> String {
    let sql = format!(
        "select min(member_id) as it from coverages where product_id = 'mcf' and member_id > 'MCF0000001000' and {spans} \
         and member_id in (select member_id from coverages group by member_id having count(*) = 1)"
    );
    service.texts(&sql).concat()
}

/// The example, asked for a member.
fn for_member(id: &str) -> Value {
    let mut body = example();
    body["member_id"] = json!(id);
    body
}

on_both! {
    /// AUT-02: the generated members are what they were meant to be.
    async fn aut_02_generated_members_of_each_kind_behave(service) {
        let open = member(&service, "first_on <= '2026-12-01' and last_on is null");
        let created = service.submit(&for_member(&open)).await.expect(201);
        assert_eq!(created["member"]["product"], "My Care Family");
        let terminated = member(&service, "last_on < '2026-12-01'");
        assert_eq!(service.submit(&for_member(&terminated)).await.flaws(), ["/member_id terminated AUT-02"]);
        let future = member(&service, "first_on > '2026-12-01'");
        assert_eq!(service.submit(&for_member(&future)).await.flaws(), ["/member_id not-yet-effective AUT-02"]);
    }

    /// AUT-09: the generated callers may ask for their sites, and for those alone.
    async fn aut_09_generated_sites_have_callers(service) {
        for (who, granted) in [("agency", 4), ("hospital", 4), ("clearinghouse", 17)] {
            let me = service.get(who, "/v1/me").await.expect(200);
            let sites = me["sites"].as_array().expect("sites");
            assert_eq!(sites.len(), granted, "{who}");
            let mut body = example();
            let site = sites.last().expect("a site");
            (body["site_id"], body["requesting_provider"]["npi"]) = (site["id"].clone(), site["npi"].clone());
            let request = service.request(who, reqwest::Method::POST, "/v1/authorizations").json(&body);
            Answer::of(request.header("idempotency-key", "k1")).await.expect(201);
            body["site_id"] = json!(registry::demo::SITES[1].0);
            let request = service.request(who, reqwest::Method::POST, "/v1/authorizations").json(&body);
            let answer = Answer::of(request.header("idempotency-key", "k2")).await;
            assert_eq!(answer.problem(403), "site-not-permitted", "{who}");
        }
    }

    async fn a_plan_is_completed_and_grown_and_stays_as_it_is(service) {
        let folder = folder("grown");
        let (url, before) = (service.database.url.clone(), rows(&service));
        assert_eq!(demo(&folder, &url, &[]), (true, format!("nothing to add: {}", plan(2_000))));
        // A smaller one is there already.
        assert_eq!(demo(&folder, &url, &["--members", "5"]), (true, format!("nothing to add: {}", plan(2_000))));
        assert_eq!(rows(&service), before);
        // As a run leaves it that was interrupted, or an earlier build.
        let last = "select id from members where id like '___000000299_'";
        service.execute(&format!(
            "delete from coverages where member_id in ({last}); delete from members where id in ({last}); \
             delete from affiliations where npi like '2%'; delete from provider_words; delete from benefits"
        ));
        assert!(rows(&service).len() < before.len());
        let (well, told) = demo(&folder, &url, &[]);
        assert!(well && told.contains(&plan(2_000)), "{told}");
        assert_eq!(rows(&service), before);
        let (well, told) = demo(&folder, &url, &["--members", "2500"]);
        assert!(well && told.contains(&plan(2_500)), "{told}");
        assert_eq!(service.texts("select count(*) as it from members where id like '___0000003%'"), ["500"]);
        // The service went on beside it, and knows who was added.
        let added = "member_id > 'MCF0000003000' and first_on < '2026-11-01' and last_on is null";
        service.submit(&for_member(&member(&service, added))).await.expect(201);
    }

    async fn another_plan_is_left_alone(service) {
        let folder = folder("another");
        let url = service.database.url.clone();
        let organization = "insert into organizations (id, name) \
                            values ('org_ffffffffffffffffffffffffffffffff', 'Some agency')";
        for (add, remove) in [
            (organization, "delete from organizations where id like 'org_ffff%'"),
            ("delete from delegations; delete from grants; delete from principals", "select 1"),
        ] {
            service.execute(add);
            let before = rows(&service);
            let (well, told) = demo(&folder, &url, &["--members", "2100"]);
            assert!(!well && told.contains("another plan"), "{told}");
            assert_eq!(rows(&service), before);
            service.execute(remove);
        }
    }
}

/// A database of a configuration's own, outside the demo profile, and the demo's own one: both from nothing.
#[test]
fn a_plan_is_made_from_nothing() {
    let folder = folder("nothing");
    std::fs::write(folder.join("lanyard.toml"), "[database]\nurl = \"sqlite:test.db\"\n").expect("a file");
    for (arguments, file) in
        [(&["--config", "lanyard.toml"][..], "test.db"), (&[], "lanyard-demo/lanyard.db")]
    {
        let output = run(&folder, &[&["demo", "--members", "2100"], arguments].concat(), &[]);
        let [told, progress] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).expect("text"));
        assert!(told.contains(&plan(2_100)) && progress.contains("2100 of 2100 members"), "{told}{progress}");
        assert!(folder.join(file).exists(), "{file}");
    }
}

on_both! {
    /// The hundred authorizations: of two months, in every status, each by the domain itself, and made once.
    async fn the_plans_authorizations_are_in_every_status(service) {
        let folder = folder(&format!("hundred-{:?}", service.kind));
        let url = service.database.url.clone();
        let (good, told) = demo(&folder, &url, &[]);
        assert!(good && told.starts_with("nothing to add"), "{told}");
        let all = || {
            let mut all = service.texts("select number_day || ' ' || number_seq || ' ' || status || ' ' || version as it from authorizations");
            all.sort();
            all
        };
        let made = all();
        assert_eq!(made.len(), api::demo::REQUESTS);
        let count = |what: &str| service.texts(&format!("select count(*) as it from {what}")).concat().parse::<u32>().expect("a number");
        for status in ["APPROVED", "MEDREVIEW", "PEND", "DENIED", "CLOSED"] {
            assert!(count(&format!("authorizations where status = '{status}'")) >= 5, "{status}");
        }
        assert!(count("authorizations where pend_reason = 'information_requested'") >= 3);
        assert!(count("authorizations where decision like '%REDUCED%'") >= 3);
        assert!(count("(select distinct requested_service from authorizations) as services") >= 10);
        assert!(count("(select distinct number_day from authorizations) as days") >= 30);
        // What waits is not late, and what was decided was decided in time.
        assert_eq!(count("deadlines where met_at > due_at"), 0);
        assert!(demo(&folder, &url, &[]).0);
        assert_eq!(all(), made);
    }
}
