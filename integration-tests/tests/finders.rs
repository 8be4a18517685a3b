//! Finding members and providers.

use kernel::Scope;
use registry::fold;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Service, example};

const MEMBERS: &str = "/v1/members/search";

/// Adds a member whose spans of coverage are these, an open end empty.
pub(crate) fn add(
    service: &Service,
    id: &str,
    first: &str,
    last: &str,
    born: &str,
    spans: &[(&str, &str, &str)],
) {
    let text = |it: &str| format!("'{}'", it.replace('\'', "''"));
    let names = [first, last, &fold(first), &fold(last)].map(text).join(", ");
    service.execute(&format!(
        "insert into members (id, date_of_birth, first_name, last_name, first_folded, last_folded)
         values ('{id}', '{born}', {names})"
    ));
    for (product, start, end) in spans {
        let end = if end.is_empty() { "null".to_owned() } else { text(end) };
        service.execute(&format!(
            "insert into coverages (member_id, product_id, first_on, last_on) values ('{id}', '{product}', '{start}', {end})"
        ));
    }
}

async fn search(service: &Service, body: Value) -> Answer {
    service.post("single-site", MEMBERS, &body).await
}

/// The numbers of the members that a search finds, by their last two digits.
async fn found(service: &Service, body: Value) -> Vec<String> {
    let page = search(service, body).await.expect(200);
    let number = |it: &Value| it["id"].as_str().expect("an id")[11..].to_owned();
    page["data"].as_array().expect("rows").iter().map(number).collect()
}

/// What is found from page to page, following `next_cursor`, with `between` done after the first one.
async fn pages(service: &Service, mut body: Value, between: impl FnOnce()) -> Vec<Vec<String>> {
    let (mut pages, mut between) = (Vec::new(), Some(between));
    loop {
        let page = search(service, body.clone()).await.expect(200);
        let names = page["data"].as_array().expect("rows").iter();
        pages.push(names.map(|it| it["name"].as_str().expect("a name").to_owned()).collect());
        if let Some(between) = between.take() {
            between();
        }
        match &page["next_cursor"] {
            Value::Null => return pages,
            cursor => body["cursor"] = cursor.clone(),
        }
    }
}

on_both! {
    async fn aut_10_one_thing_about_a_member_is_enough(service) {
        let open = [("mcf", "2025-03-01", "")];
        add(&service, "MCF0000009001", "Máire", "Xyill-O'Dea", "1961-02-28", &open);
        add(&service, "MCF0000009002", "Mairead", "Xyill", "1961-02-28", &[]);
        add(&service, "MCF0000009003", "Bo", "Xyuncey", "1990-07-01", &[]);
        for (body, expected) in [
            (json!({"member_id": "MCF0000009001"}), &["01"][..]),
            (json!({"member_id": "MCF0000009001", "last_name": null, "cursor": null}), &["01"]),
            (json!({"member_id": "MCF0000009999"}), &[]),
            (json!({"last_name": "Xy"}), &["02", "01", "03"]),
            (json!({"last_name": "xyill"}), &["02", "01"]),
            (json!({"last_name": "XYILL-ODEA"}), &["01"]),
            (json!({"last_name": " Xyill O\u{2019}D"}), &["01"]),
            (json!({"last_name": "Xyillo"}), &[]),
            (json!({"last_name": "Xyill", "first_name": "Mairéa"}), &["02"]),
            (json!({"last_name": "Xyill", "first_name": "mair"}), &["02", "01"]),
            (json!({"last_name": "Xyill", "first_name": "Xyill"}), &[]),
            (json!({"date_of_birth": "1961-02-28"}), &["02", "01"]),
            (json!({"date_of_birth": "1961-02-27"}), &[]),
        ] {
            assert_eq!(found(&service, body.clone()).await, expected, "{body}");
        }
        let page = search(&service, json!({"member_id": "MCF0000009001"})).await.expect(200);
        assert_eq!(page, json!({"data": [{
            "id": "MCF0000009001", "name": "Máire Xyill-O'Dea", "birth_year": 1961, "status": "active", "terminated": false,
            "coverage": {"product": "My Care Family", "my_care_family": true, "effective_date": "2025-03-01", "termination_date": null},
        }], "next_cursor": null}));
    }

    async fn aut_10_a_search_asks_for_exactly_one_thing(service) {
        let (id, born) = ("MCF0000000042", "1951-04-02");
        for (body, flaws) in [
            (json!({}), &["/member_id required AUT-10", "/last_name required AUT-10", "/date_of_birth required AUT-10"][..]),
            (json!({"first_name": "Al"}), &[
                "/member_id required AUT-10", "/last_name required AUT-10", "/date_of_birth required AUT-10",
                "/first_name not-applicable AUT-10",
            ]),
            (json!({"member_id": id, "last_name": "Al"}), &["/member_id not-applicable AUT-10", "/last_name not-applicable AUT-10"]),
            (json!({"member_id": id, "last_name": "Al", "date_of_birth": born}), &[
                "/member_id not-applicable AUT-10", "/last_name not-applicable AUT-10", "/date_of_birth not-applicable AUT-10",
            ]),
            // A broken one was given all the same.
            (json!({"member_id": "42", "date_of_birth": born}), &[
                "/member_id format AUT-10", "/member_id not-applicable AUT-10", "/date_of_birth not-applicable AUT-10",
            ]),
            (json!({"member_id": id, "first_name": "Al"}), &["/first_name not-applicable AUT-10"]),
            (json!({"last_name": "A"}), &["/last_name length AUT-10"]),
            (json!({"last_name": "%_"}), &["/last_name length AUT-10"]),
            (json!({"last_name": "'A"}), &["/last_name length AUT-10"]),
            (json!({"last_name": "Al", "first_name": "-"}), &["/first_name length AUT-10"]),
            (json!({"last_name": 7}), &["/last_name type AUT-10"]),
            (json!({"date_of_birth": "1951-4-2"}), &["/date_of_birth format AUT-10"]),
            (json!({"last_name": "Al", "limit": 0}), &["/limit range AUT-10"]),
            (json!({"last_name": "Al", "limit": 201}), &["/limit range AUT-10"]),
            (json!({"last_name": "Al", "cursor": "x"}), &["/cursor format AUT-10"]),
            (json!({"last_name": "Al", "product": "mcf"}), &["/product unknown -"]),
        ] {
            assert_eq!(search(&service, body.clone()).await.flaws(), flaws, "{body}");
        }
        // Nothing about a member is in an address.
        let answer = service.post("single-site", "/v1/members/search?last_name=Al", &json!({"last_name": "Al"})).await;
        assert_eq!(answer.problem(400), "invalid-parameter");
    }

    async fn aut_02_a_search_shows_where_the_coverage_stands(service) {
        for (spans, status, shown) in [
            (&[][..], "none", None),
            (&[("mcf", "2025-01-01", "")][..], "active", Some(("My Care Family", "2025-01-01", None))),
            (&[("mcf", "2025-01-01", "2026-12-01")], "active", Some(("My Care Family", "2025-01-01", Some("2026-12-01")))),
            (&[("mcf", "2025-01-01", "2026-11-30")], "terminated", Some(("My Care Family", "2025-01-01", Some("2026-11-30")))),
            (&[("hmo", "2026-12-02", "")], "future", Some(("Complete HMO", "2026-12-02", None))),
            (
                &[("mcf", "2024-01-01", "2024-12-31"), ("hmo", "2025-01-01", "2025-06-30")],
                "terminated",
                Some(("Complete HMO", "2025-01-01", Some("2025-06-30"))),
            ),
            (
                &[("mcf", "2025-01-01", "2026-12-31"), ("hmo", "2027-01-01", "")],
                "active",
                Some(("My Care Family", "2025-01-01", Some("2026-12-31"))),
            ),
            (
                &[("mcf", "2025-01-01", "2026-06-30"), ("hmo", "2027-01-01", "")],
                "future",
                Some(("Complete HMO", "2027-01-01", None)),
            ),
            (&[("hmo", "2027-01-01", "2027-12-31"), ("mcf", "2028-01-01", "")], "future", Some(("Complete HMO", "2027-01-01", Some("2027-12-31")))),
        ] {
            service.execute("delete from coverages where member_id = 'MCF0000009001'; delete from members where id = 'MCF0000009001'");
            add(&service, "MCF0000009001", "Abe", "Xyill", "1961-02-28", spans);
            // Another's coverage is none of this one's.
            if spans.is_empty() {
                add(&service, "MCF0000009002", "Bea", "Xyill", "1961-02-28", &[("hmo", "2025-01-01", "")]);
            }
            let page = search(&service, json!({"last_name": "xyill"})).await.expect(200);
            let row = &page["data"][0];
            assert_eq!((&row["status"], &row["terminated"]), (&json!(status), &json!(status == "terminated")), "{spans:?}");
            let coverage = shown.map(|(product, start, end)| {
                let family = product == "My Care Family";
                json!({"product": product, "my_care_family": family, "effective_date": start, "termination_date": end})
            });
            assert_eq!(row["coverage"], json!(coverage), "{spans:?}");
            assert_eq!(page["data"][1]["coverage"]["product"], "Complete HMO");
        }
        // Whoever is found as terminated is refused.
        add(&service, "MCF0000009003", "Cy", "Xyill", "1961-02-28", &[("mcf", "2025-01-01", "2026-11-30")]);
        let mut body = example();
        body["member_id"] = json!("MCF0000009003");
        assert_eq!(service.submit(&body).await.flaws(), ["/member_id terminated AUT-02"]);
    }

    async fn aut_10_a_search_is_paged_by_name(service) {
        for (id, first, last) in [
            ("MCF0000009005", "Ann", "Xyill"), ("MCF0000009001", "Bob", "Xyill"), ("MCF0000009002", "Ann", "Xyillan"),
            ("MCF0000009003", "Ann", "Xyill"), ("MCF0000009004", "Zoe", "Xyilla"),
        ] {
            add(&service, id, first, last, "1961-02-28", &[]);
        }
        let all = ["Ann Xyill", "Ann Xyill", "Bob Xyill", "Zoe Xyilla", "Ann Xyillan"];
        for body in [json!({"last_name": "xyil"}), json!({"date_of_birth": "1961-02-28"})] {
            assert_eq!(pages(&service, body.clone(), || ()).await, [all], "{body}");
            for limit in 1..=6 {
                let mut body = body.clone();
                body["limit"] = json!(limit);
                let pages = pages(&service, body.clone(), || ()).await;
                assert_eq!(pages.concat(), all, "{body}");
                assert_eq!(pages.len(), all.len().div_ceil(limit), "{body}");
            }
        }
        let narrow = json!({"last_name": "xyil", "first_name": "an", "limit": 1});
        assert_eq!(pages(&service, narrow, || ()).await, [["Ann Xyill"], ["Ann Xyill"], ["Ann Xyillan"]]);
        assert_eq!(found(&service, json!({"last_name": "xyill", "limit": 2})).await, ["03", "05"]);
        // Who comes later in the order is met, who comes earlier isn't, and no one twice.
        let grown = pages(&service, json!({"last_name": "xyil", "limit": 2}), || {
            add(&service, "MCF0000009006", "Aaron", "Xyill", "1961-02-28", &[]);
            add(&service, "MCF0000009007", "Yan", "Xyilla", "1961-02-28", &[]);
        });
        assert_eq!(grown.await.concat(), ["Ann Xyill", "Ann Xyill", "Bob Xyill", "Yan Xyilla", "Zoe Xyilla", "Ann Xyillan"]);
        // A cursor of another search leads no further than this one.
        let early = search(&service, json!({"last_name": "xyill", "limit": 1})).await.expect(200);
        let late = json!({"last_name": "xyilla", "cursor": early["next_cursor"]});
        assert_eq!(found(&service, late).await.len(), found(&service, json!({"last_name": "xyilla"})).await.len());
        // A cursor is of its list, and none is made up.
        let page = search(&service, json!({"last_name": "xyil", "limit": 1})).await.expect(200);
        let cursor = page["next_cursor"].as_str().expect("a cursor");
        let (head, tail) = cursor.split_at(5);
        let foreign = service.get("single-site", "/v1/providers?limit=1").await.expect(200);
        for cursor in [&format!("{tail}{head}"), &cursor[..9], foreign["next_cursor"].as_str().expect("a cursor")] {
            let answer = search(&service, json!({"last_name": "xyil", "cursor": cursor})).await;
            assert_eq!(answer.flaws(), ["/cursor format AUT-10"]);
        }
        for path in ["/v1/providers", "/v1/authorizations"] {
            let answer = service.get("single-site", &format!("{path}?cursor={cursor}")).await;
            assert_eq!(answer.problem(400), "invalid-parameter", "{path}");
        }
    }

    /// AUT-10: a prefix is one of characters, whatever the script and the database's own order of letters.
    async fn aut_10_a_prefix_is_right_in_any_script(service) {
        let names = ["Straße", "Strasse", "Strz", "Łukasz", "Lukas", "王小明", "王小", "王尐", "Zz\u{10400}a", "Zz\u{10401}", "Ñandú", "Nzz"];
        for (place, name) in (10..).zip(names) {
            add(&service, &format!("MCF00000090{place}"), "Q", name, "1911-01-01", &[]);
        }
        for (typed, expected) in [
            ("straß", &["10"][..]), ("stra", &["11", "10"]), ("łu", &["13"]), ("王小", &["16", "15"]), ("王小明", &["15"]),
            ("ZZ\u{10400}", &["18"]), ("nand", &["20"]), ("NZ", &["21"]),
        ] {
            let body = json!({"last_name": typed, "first_name": "q"});
            assert_eq!(found(&service, body).await, expected, "{typed}");
        }
    }

    async fn aut_11_a_provider_is_found_by_npi_or_name(service) {
        service.execute(
            "insert into providers (npi, name, kind) values ('1003000134', 'Zsófia Xyill-Bay, MD', 'person'), \
             ('1003000142', 'Xyill Bayside Nursing', 'organization')",
        );
        for (npi, words) in [("1003000134", ["zsofia", "xyill", "bay", "md"]), ("1003000142", ["xyill", "bayside", "nursing", "x"])] {
            for word in words {
                service.execute(&format!("insert into provider_words (word, npi) values ('{word}', '{npi}')"));
            }
        }
        let (person, place) = ("1003000134", "1003000142");
        for (query, expected) in [
            ("npi=1003000134", &[person][..]),
            ("npi=1003000118", &[]),
            ("q=xyill", &[person, place]),
            ("q=XYIL", &[person, place]),
            ("q=xyill+bay", &[person, place]),
            ("q=bays+xyil", &[place]),
            ("q=ZS%C3%B3f", &[person]),
            ("q=xyill&type=person", &[person]),
            ("q=xyill&type=organization", &[place]),
            ("q=xyill&npi=1003000142", &[place]),
            ("q=xyill&npi=1003000142&type=person", &[]),
            ("q=xyill-bay", &[person, place]),
            ("q=uill", &[]),
            ("q=xyill+nothing", &[]),
        ] {
            let page = service.get("single-site", &format!("/v1/providers?{query}")).await.expect(200);
            let npis: Vec<_> = page["data"].as_array().expect("rows").iter().map(|it| &it["npi"]).collect();
            assert_eq!(json!(npis), json!(expected), "{query}");
        }
        let page = service.get("single-site", "/v1/providers?npi=1003000134").await.expect(200);
        let row = json!({"npi": "1003000134", "name": "Zsófia Xyill-Bay, MD", "type": "person"});
        assert_eq!(page, json!({"data": [row], "next_cursor": null}));
        for query in [
            "q=", "q=-", "q=%25", &format!("q={}", "a".repeat(101)), "q=a+b+c+d+e+f+g+h+i", "npi=1003000135", "npi=", "type=Person",
            "type=", "limit=0", "limit=201", "cursor=x", "name=xyill", "q=a&q=b",
        ] {
            let answer = service.get("single-site", &format!("/v1/providers?{query}")).await;
            assert_eq!(answer.problem(400), "invalid-parameter", "{query}");
        }
    }

    async fn aut_11_the_providers_are_paged_by_npi(service) {
        let all = service.texts("select npi as it from providers");
        let expected = all.into_iter().collect::<std::collections::BTreeSet<_>>();
        service.execute(&format!("insert into provider_words (word, npi) select '{}', npi from providers", fold("Łódź")));
        for query in ["limit=1", "limit=3", "limit=4&q=%C5%82%C3%B3d%C5%BA", "limit=200"] {
            let (mut next, mut seen) = (Some(format!("/v1/providers?{query}")), Vec::new());
            while let Some(path) = next {
                let answer = service.get("nurse", &path).await;
                let rows = answer.expect(200)["data"].as_array().expect("rows").clone();
                seen.extend(rows.iter().map(|it: &Value| it["npi"].as_str().expect("an NPI").to_owned()));
                let link = answer.header("link").map(str::to_owned);
                assert_eq!(link.is_some(), answer.json()["next_cursor"].is_string());
                next = link.and_then(|it| Some(it.strip_prefix('<')?.split_once('>')?.0.to_owned()));
            }
            assert!(seen.iter().eq(&expected), "{query}: {seen:?}");
        }
    }

    async fn whoever_is_known_may_look_up(service) {
        for (_, who, role, ..) in registry::demo::PRINCIPALS {
            let status = |may| if may { 200 } else { 403 };
            let members = service.post(who, MEMBERS, &json!({"last_name": "whit"})).await;
            assert_eq!(members.status, status(role.permits(Scope::MembersSearch)), "{who}");
            let providers = service.get(who, "/v1/providers").await;
            assert_eq!(providers.status, status(role.permits(Scope::ProvidersRead)), "{who}");
            service.get(who, "/v1/diagnosis-codes?q=i10").await.expect(200);
        }
        for (method, path) in [(Method::POST, MEMBERS), (Method::GET, "/v1/providers"), (Method::GET, "/v1/diagnosis-codes?q=i10")] {
            assert_eq!(Answer::of(service.anonymous(method, path)).await.problem(401), "unauthenticated");
        }
    }
}
