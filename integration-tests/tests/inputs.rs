//! What callers may write: text of people, and the questions of lists.

use reqwest::Method;
use serde_json::{Value, json};

use crate::contract::operations;
use crate::finders::add;
use crate::on_both;
use crate::support::{Answer, Service, example};

const NAME: &str = "/servicing_provider/contact/name";

fn with(pointer: &str, value: Value) -> Value {
    let mut body = example();
    *body.pointer_mut(pointer).expect(pointer) = value;
    body
}

/// `text` as a part of an address.
fn encoded(text: &str) -> String {
    text.bytes().flat_map(|it| format!("%{it:02X}").into_bytes()).map(char::from).collect()
}

/// The cursor of the second page, with one row on each.
async fn cursor(service: &Service, who: &str, path: &str, body: Option<Value>) -> String {
    let answer = ask(service, who, path, body, None).await;
    answer.expect(200)["next_cursor"]
        .as_str()
        .unwrap_or_else(|| panic!("{path} has no second page"))
        .to_owned()
}

async fn ask(service: &Service, who: &str, path: &str, body: Option<Value>, cursor: Option<&str>) -> Answer {
    if let Some(mut body) = body {
        body["limit"] = json!(1);
        body["cursor"] = json!(cursor);
        return service.post(who, path, &body).await;
    }
    let cursor = cursor.map(|it| format!("&cursor={}", encoded(it))).unwrap_or_default();
    service.get(who, &format!("{path}?limit=1{cursor}")).await
}

on_both! {
    /// I-03: scalar values after NFC, the same on both databases, and read back as NFC.
    async fn i_03_remarks_are_counted_in_scalar_values_after_nfc(service) {
        for (unit, kept) in [
            ("a", "a"),
            ("\u{e9}", "\u{e9}"),
            ("e\u{301}", "\u{e9}"),
            // Composes in another order than it was typed.
            ("a\u{302}\u{323}", "\u{1ead}"),
            // Composes to nothing.
            ("q\u{303}", "q\u{303}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            // Comes apart.
            ("\u{958}", "\u{915}\u{93c}"),
            ("\u{fb2c}", "\u{5e9}\u{5bc}\u{5c1}"),
            ("\u{212b}", "\u{c5}"),
            ("\u{fb01}", "\u{fb01}"),
            ("\u{1f469}", "\u{1f469}"),
            ("\u{1f469}\u{1f3fd}\u{200d}\u{2695}\u{fe0f}", "\u{1f469}\u{1f3fd}\u{200d}\u{2695}\u{fe0f}"),
            ("\u{20000}", "\u{20000}"),
        ] {
            let (each, most) = (kept.chars().count(), 255 / kept.chars().count());
            let pad = "x".repeat(255 - each * most);
            let created = service.submit(&with("/remarks", json!(unit.repeat(most) + &pad))).await.expect(201);
            let (id, whole) = (created["id"].as_str().expect("an id"), kept.repeat(most) + &pad);
            assert_eq!(created["remarks"], whole, "{unit}");
            let found = service.get("single-site", &format!("/v1/authorizations/{id}")).await.expect(200);
            assert_eq!(found["remarks"], whole, "{unit}");
            assert!(service.texts("select length(remarks) as it from authorizations").iter().all(|it| it == "255"), "{unit}");
            let over = service.submit(&with("/remarks", json!(unit.repeat(most) + &pad + "x"))).await;
            assert_eq!(over.flaws(), ["/remarks length AUT-22"], "{unit}");
        }
    }

    /// What no text holds, told without what was sent.
    async fn i_03_text_of_people_holds_no_controls_and_nothing_that_deceives(service) {
        let before = service.counts();
        let nowhere = [
            "\0", "\u{1}", "\u{7}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{9b}", "\u{202a}", "\u{202d}", "\u{202e}",
            "\u{2060}", "\u{2066}", "\u{2069}", "\u{feff}", "\u{fdd0}", "\u{fff9}", "\u{fffe}", "\u{ffff}", "\u{1fffe}", "\u{10ffff}",
        ];
        let in_no_line = ["\t", "\n", "\r", "\u{2028}", "\u{2029}", "\u{ad}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{200e}", "\u{fe0f}", "\u{3164}"];
        for it in nowhere.iter().chain(&in_no_line) {
            let answer = service.submit(&with(NAME, json!(format!("Dr {it}Mark7")))).await;
            assert_eq!(answer.flaws(), [format!("{NAME} format AUT-11")], "{it:?}");
            let detail = answer.json()["errors"][0]["detail"].as_str().expect("a sentence").to_owned();
            assert!(detail.starts_with("Must be one line") && !answer.text.contains("Mark7"), "{detail}");
        }
        for it in nowhere {
            let answer = service.submit(&with("/remarks", json!(format!("a{it}Mark7")))).await;
            assert_eq!(answer.flaws(), ["/remarks format AUT-22"], "{it:?}");
            assert!(!answer.text.contains("Mark7"));
        }
        for blank in ["", " ", "\t\n", "\u{a0}", "\u{2003}", "\u{3000}", "\u{200b}", "\u{200d}\u{200c}", "\u{2800}", "\u{3164}", "\u{115f}"] {
            let answer = service.submit(&with(NAME, json!(blank))).await;
            assert_eq!(answer.flaws(), [format!("{NAME} length AUT-11")], "{blank:?}");
        }
        for (path, who, body) in [
            ("/v1/members/search", "nurse", json!({"last_name": "Wh\u{202e}it"})),
            ("/v1/members/search", "nurse", json!({"last_name": "Whit", "first_name": "A\u{200b}l"})),
        ] {
            assert_eq!(service.post(who, path, &body).await.flaws().len(), 1, "{body}");
        }
        assert_eq!(service.counts(), before);
    }

    /// The control: names and remarks in scripts and emoji that need what can't be seen.
    async fn i_03_text_in_any_script_is_taken_and_read_back(service) {
        for text in [
            "O\u{2019}Rourke-D\u{ed}az, MD",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{1781}\u{17d2}\u{1798}\u{17c2}\u{179a}\u{200b}\u{1797}\u{17b6}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{2695}\u{fe0f} Intake",
            "\u{738b}\u{5c0f}\u{660e}",
            "a'b\"c\\d%_;--",
            "<script>&amp;${x}{{x}}",
        ] {
            let mut body = with(NAME, json!(text));
            body["remarks"] = json!(text);
            let created = service.submit(&body).await.expect(201);
            assert_eq!((&created["remarks"], &created["refer_to"]["contact"]["name"]), (&json!(text), &json!(text)));
        }
        let lines = "One\ttwo\r\nthree\u{2028}four\u{200b}five";
        assert_eq!(service.submit(&with("/remarks", json!(lines))).await.expect(201)["remarks"], lines);
    }

    /// I-11: every query parameter of the contract, with what would mean something to a database.
    async fn i_11_a_parameter_is_a_value_and_nothing_else(service) {
        service.submit(&example()).await.expect(201);
        crate::webhooks::keep(&service, crate::webhooks::KEPT, "site-administrator", registry::demo::SITES[0].0);
        let before = service.counts();
        let marks = ["'", "\"", "' or '1'='1", "%", "_", "*", "\\", "\\'", "\0", "a\0", "%00", "';--", "`", "$1", "?1", "\u{202e}", "\n", "\u{1f469}"];
        for (path, method, it) in operations().into_iter().filter(|it| it.0.starts_with("/v1/")) {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let hooks = ["/v1/webhooks", "/v1/events"].iter().any(|it| path.starts_with(it));
            let path = path.replace("{id}", if hooks { crate::webhooks::KEPT } else { "26335R00001" });
            let of_users = ["/v1/users", "/v1/delegations", "/v1/clients"].iter().any(|it| path.starts_with(it));
            let looks = if hooks { "site-administrator" } else if of_users { "administrator" } else if path == "/v1/jobs" { "operator" } else if path.ends_with("review") { "compliance" } else { "nurse" };
            let known: Vec<_> = it["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "query").collect();
            for name in known.iter().map(|it| it["name"].as_str().expect("a name")) {
                for mark in marks {
                    let answer = service.get(looks, &format!("{path}?{name}={}", encoded(mark))).await;
                    assert!((name == "q" && answer.status == 200) || answer.problem(400) == "invalid-parameter", "{path} {name} {mark:?} {}", answer.text);
                    assert_eq!(service.get(looks, &format!("{path}?{name}=1&{name}=1")).await.problem(400), "invalid-parameter");
                }
            }
            let who = match &*path {
                "/v1/authorizations" => "single-site",
                it if it.ends_with("close") => "coordinator",
                _ => looks,
            };
            for query in ["sort=id", "order=desc", "offset=1", "fields=id", "LIMIT=1", "limit%00=1", "limit[]=1", "_method=DELETE", "'", "=", "&x", "%ff=1"] {
                let mut request = service.request(who, method.clone(), &format!("{path}?{query}")).header("if-match", "\"1.00000000\"");
                if method == Method::POST {
                    request = request.json(&it["requestBody"]["content"]["application/json"]["example"]);
                }
                assert_eq!(Answer::of(request).await.problem(400), "invalid-parameter", "{method} {path} {query}");
            }
        }
        assert_eq!(service.counts(), before);
    }

    /// I-11: what stands for any text elsewhere stands for itself here.
    async fn i_11_wildcards_find_nothing(service) {
        service.submit(&example()).await.expect(201);
        let rows = |it: &Answer| it.expect(200)["data"].as_array().expect("rows").len();
        for name in ["%hitfield", "W%field", "W_itfield", "*hitfield", "W?itfield", "[Ww]hitfield", "Whit' or '1'='1"] {
            let answer = service.post("nurse", "/v1/members/search", &json!({"last_name": name})).await;
            assert_eq!(rows(&answer), 0, "{name}");
        }
        for q in ["%iverside", "R%side", "R_verside", "*iverside", "r' or 1=1"] {
            assert_eq!(rows(&service.get("nurse", &format!("/v1/providers?q={}", encoded(q))).await), 0, "{q}");
        }
        for q in ["%ypertension", "hyper_ension", "I1_", "*"] {
            for list in ["diagnosis-codes", "procedure-codes"] {
                let answer = service.get("nurse", &format!("/v1/{list}?q={}", encoded(q))).await;
                assert!(answer.status == 400 || rows(&answer) == 0, "{list} {q}");
            }
        }
        for body in [json!({"member_id": "MCF%"}), json!({"member_id": "MCF000000004_"}), json!({"diagnosis": "I1_"}), json!({"site_id": "%"})] {
            assert_eq!(service.post("nurse", "/v1/authorizations/search", &body).await.flaws().len(), 1, "{body}");
        }
        // The control.
        for (path, query) in [("providers", "Riverside"), ("diagnosis-codes", "hypertension"), ("procedure-codes", "nursing")] {
            assert!(rows(&service.get("nurse", &format!("/v1/{path}?q={query}")).await) > 0, "{path}");
        }
        assert!(rows(&service.post("nurse", "/v1/members/search", &json!({"last_name": "Whitfield"})).await) > 0);
    }

    /// I-11: a cursor is of one list, of one caller, and whole.
    async fn i_11_a_cursor_that_is_not_ours_is_refused(service) {
        for _ in 0..2 {
            service.submit(&example()).await.expect(201);
        }
        for (id, name) in [("MCF0000009001", "Ann"), ("MCF0000009002", "Bea")] {
            add(&service, id, name, "Xyill", "1961-02-28", &[]);
        }
        let lists = [
            ("/v1/authorizations", None),
            ("/v1/authorizations/search", Some(json!({}))),
            ("/v1/members/search", Some(json!({"last_name": "xyill"}))),
            ("/v1/providers", None),
        ];
        let mut mine = Vec::new();
        for (path, body) in &lists {
            mine.push(cursor(&service, "single-site", path, body.clone()).await);
        }
        for ((path, body), own) in lists.iter().zip(&mine) {
            let mut bad = vec![String::new(), "x".to_owned(), " ".to_owned(), "%".to_owned(), "\0".to_owned(), "=".to_owned(), "A".repeat(22), "A".repeat(3000)];
            bad.extend([format!("{own}="), format!("{own}A"), format!("A{own}"), format!(" {own}"), own.to_uppercase(), own.chars().rev().collect()]);
            bad.extend((0..own.len()).step_by(3).map(|it| own[..it].to_owned()));
            bad.extend((0..own.len()).map(|place| {
                let mut bytes = own.clone().into_bytes();
                bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                String::from_utf8(bytes).expect("text")
            }));
            // The list and the search are one list.
            let kin = |it: &str| it.trim_end_matches("/search").to_owned();
            bad.extend(lists.iter().zip(&mine).filter(|it| kin(it.0.0) != kin(path)).map(|it| it.1.clone()));
            for who in ["multi-site", "nurse"] {
                bad.push(cursor(&service, who, path, body.clone()).await);
            }
            for it in bad {
                let answer = ask(&service, "single-site", path, body.clone(), Some(&it)).await;
                if body.is_some() {
                    let flaws = answer.flaws();
                    assert!(flaws.len() == 1 && flaws[0].starts_with("/cursor "), "{path} {it} {flaws:?}");
                } else {
                    assert_eq!(answer.problem(400), "invalid-parameter", "{path} {it}");
                }
                assert!(it.len() < 9 || !answer.text.contains(&it), "{path} {it}");
            }
            ask(&service, "single-site", path, body.clone(), Some(own)).await.expect(200);
        }
    }
}
