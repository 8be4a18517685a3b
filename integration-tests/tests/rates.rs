//! Who calls too often is told to wait, and no one else (I-13); who tries numbers is stopped (I-14).

use std::collections::BTreeSet;

use api::config::{Rate, Rates};
use chrono::TimeDelta;
use kernel::Clock;
use registry::demo::PRINCIPALS;
use reqwest::Method;
use serde_json::{Value, json};

use crate::contract::operations;
use crate::on_both;
use crate::support::{Answer, Options, Service, example};

/// Three at once, and one more each twenty seconds.
const FEW: Rate = Rate { minute: 3, burst: 3 };

/// The same for every class.
fn all(rate: Rate) -> Rates {
    Rates { read: rate, search: rate, write: rate, token: rate, anonymous: rate, misses: Rate::default() }
}

fn limited(service: &Service, rates: Rates) -> Service {
    service.twin(Options { rates, ..Options::default() })
}

fn later(service: &Service, seconds: i64) {
    service.clock.set(service.clock.now() + TimeDelta::seconds(seconds));
}

/// What an answer tells of its limit.
fn told(it: &Answer) -> [Option<&str>; 3] {
    ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| it.header(name))
}

#[track_caller]
fn refused(it: &Answer) {
    assert_eq!(it.problem(429), "too-many-requests");
    let wait = it.header("retry-after").and_then(|it| it.parse::<u64>().ok());
    assert!(wait.is_some_and(|it| it >= 1), "{:?}", it.headers);
    assert_eq!(it.header("cache-control"), Some("no-store"));
}

on_both! {
    /// I-13: each class counts down, is refused, and comes back with time; others are as before.
    async fn i_13_a_caller_beyond_their_rate_waits_and_no_one_else(service) {
        service.submit(&example()).await.expect(201);
        let few = limited(&service, all(FEW));
        let search = json!({"last_name": "whit"});
        for (class, method, path, body) in [
            ("read", Method::GET, "/v1/authorizations/26335R00001", Value::Null),
            ("search", Method::POST, "/v1/members/search", search),
            ("write", Method::POST, "/v1/authorizations", example()),
        ] {
            let ask = async |who: &str| {
                let request = few.request(who, method.clone(), path).header("idempotency-key", format!("{who}-{class}"));
                Answer::of(if body.is_null() { request } else { request.json(&body) }).await
            };
            let policy = format!("\"{class}\";q=3;w=60");
            for (left, wait) in [(2, 20), (1, 40), (0, 20)] {
                let answer = ask("single-site").await;
                assert!(answer.status < 300, "{class} {}", answer.text);
                assert_eq!(told(&answer), [Some(&*policy), Some(&*format!("\"{class}\";r={left};t={wait}")), None]);
            }
            let before = service.counts();
            for _ in 0..3 {
                let answer = ask("single-site").await;
                refused(&answer);
                assert_eq!(told(&answer), [Some(&*policy), Some(&*format!("\"{class}\";r=0;t=20")), Some("20")]);
            }
            assert_eq!(service.counts(), before);
            // The control: someone else, and the same one elsewhere.
            assert!(ask("multi-site").await.status < 300, "{class}");
            few.get("single-site", "/openapi.json").await.expect(200);
            later(&few, 19);
            refused(&ask("single-site").await);
            later(&few, 1);
            assert!(ask("single-site").await.status < 300, "{class}");
            refused(&ask("single-site").await);
            later(&few, 600);
        }
    }

    /// I-12, in part: of ten thousand requests in a moment as many are taken as the caller may send, and no more is written.
    async fn i_12_ten_thousand_creates_by_one_client(service) {
        let few = limited(&service, Rates { write: Rate { minute: 60, burst: 20 }, ..Rates::default() });
        let (mut taken, body) = (0, example());
        for number in 0..10_000 {
            let request = few.request("ehr-vendor", Method::POST, "/v1/authorizations").header("idempotency-key", number.to_string());
            let answer = Answer::of(request.json(&body)).await;
            match answer.status {
                201 => taken += 1,
                _ => refused(&answer),
            }
        }
        assert_eq!((taken, &*service.counts()[0]), (20, "20"));
        // The control.
        service.submit(&body).await.expect(201);
    }

    /// I-13: one who floods the service leaves the others' answers as they were.
    async fn i_13_one_caller_cannot_starve_another(service) {
        service.submit(&example()).await.expect(201);
        let rates = Rates { read: Rate { minute: 60, burst: 20 }, ..Rates::default() };
        let twin = limited(&service, rates);
        let flood = futures_util::future::join_all((0..300).map(|_| twin.get("single-site", "/v1/authorizations/26335R00001")));
        let calm = async {
            let mut statuses = BTreeSet::new();
            for _ in 0..20 {
                statuses.insert(twin.get("nurse", "/v1/authorizations/26335R00001").await.status);
            }
            statuses
        };
        let (flood, calm) = futures_util::future::join(flood, calm).await;
        assert_eq!(flood.iter().filter(|it| it.status == 200).count(), 20);
        assert!(flood.iter().all(|it| [200, 429].contains(&it.status)));
        assert_eq!(calm, BTreeSet::from([200]));
    }

    /// I-13: what is refused asks the database nothing: it is refused without one, too.
    async fn i_13_what_is_refused_costs_no_query(service) {
        let few = limited(&service, all(FEW));
        for _ in 0..3 {
            few.get("nurse", "/v1/me").await.expect(200);
        }
        service.execute("alter table principals rename to elsewhere");
        refused(&few.get("nurse", "/v1/me").await);
        // The control.
        assert_eq!(few.get("single-site", "/v1/me").await.status, 500);
    }

    /// I-13: every operation of the contract, and whatever isn't one, but health.
    async fn i_13_every_operation_is_in_a_class(service) {
        let one = limited(&service, all(Rate { minute: 1, burst: 1 }));
        let mut seen = BTreeSet::new();
        for (path, method, it) in operations() {
            later(&one, 61);
            let id = it["operationId"].as_str().expect("an id");
            let path = path.replace("{id}", "26335R00001").replace("{slug}", "not-json");
            let ask = || {
                let request = one.request("physician", method.to_uppercase().parse().expect("a method"), &path);
                Answer::of(request.json(&json!({})))
            };
            let first = ask().await;
            assert_ne!(first.status, 429, "{id}");
            let second = ask().await;
            if path.starts_with("/healthz/") {
                assert_eq!((second.status, told(&second)), (200, [None; 3]), "{id}");
                continue;
            }
            refused(&second);
            assert!(first.header("ratelimit").is_some_and(|it| it.ends_with(";r=0;t=60")), "{id} {:?}", first.headers);
            let class = second.header("ratelimit").and_then(|it| it.split('"').nth(1)).expect("a class").to_owned();
            let usual = match (path.starts_with("/v1/"), id.split('_').next().expect("a verb")) {
                (false, _) => "anonymous",
                (true, "create") if id == "create_token" => "token",
                (true, "create" | "change" | "decide" | "close" | "grant" | "approve" | "withdraw" | "disable" | "enable" | "record" | "end" | "open" | "review" | "replace" | "replay" | "rotate" | "test") => "write",
                (true, _) => if class == "search" { "search" } else { "read" },
            };
            assert_eq!(class, usual, "{id}");
            let answers = it["responses"].as_object().expect("answers");
            assert!(answers["429"]["headers"]["Retry-After"].is_object(), "{id}");
            assert!(answers.values().all(|it| it["headers"]["RateLimit"].is_object()), "{id}");
            seen.insert(class);
        }
        assert_eq!(seen, ["anonymous", "read", "search", "token", "write"].map(str::to_owned).into());
        for path in ["/", "/docs", "/healthz/none", "/healthz/", "/book/README.md", "/assets/mark.svg", "/nowhere", "/v1/nowhere", "/v1/oauth/token"] {
            later(&one, 61);
            assert_ne!(Answer::of(one.anonymous(Method::GET, path)).await.status, 429, "{path}");
            refused(&Answer::of(one.anonymous(Method::GET, path)).await);
        }
    }

    /// I-13: calls without a good token are counted by address, and those with one aren't held up by them.
    async fn i_13_strangers_are_counted_by_address(service) {
        let few = limited(&service, all(FEW));
        let stranger = |token: &str| Answer::of(few.anonymous(Method::GET, "/v1/me").bearer_auth(token));
        for token in ["x", "", "a.b.c"] {
            assert_eq!(stranger(token).await.problem(401), "unauthenticated");
        }
        refused(&stranger("x").await);
        refused(&Answer::of(few.anonymous(Method::GET, "/v1/me")).await);
        refused(&Answer::of(few.anonymous(Method::GET, "/openapi.json")).await);
        few.get("nurse", "/v1/me").await.expect(200);
        // No proxy was named, so no one is believed.
        let said = few.anonymous(Method::GET, "/v1/me").header("x-forwarded-for", "203.0.113.7");
        refused(&Answer::of(said).await);
        for path in ["/healthz/live", "/healthz/ready"] {
            assert_eq!(Answer::of(few.anonymous(Method::GET, path)).await.status, 200);
        }
        later(&few, 20);
        assert_eq!(stranger("x").await.status, 401);
    }

    /// I-13, I-15: what is refused before anything else is readable for a page that may call, which isn't charged for asking whether it may.
    async fn i_13_a_page_that_may_call_can_read_that_it_must_wait(service) {
        let few = limited(&service, all(FEW));
        let ours = "https://portal.example";
        let preflight = |origin: &str| {
            let request = few.anonymous(Method::OPTIONS, "/v1/authorizations").header("origin", origin);
            Answer::of(request.header("access-control-request-method", "POST"))
        };
        let usual = few.anonymous(Method::GET, "/openapi.json").header("origin", ours);
        let usual = Answer::of(usual).await;
        for _ in 0..5 {
            assert_eq!(preflight(ours).await.status, 200);
        }
        // The control: others' are charged.
        for _ in 0..2 {
            assert_eq!(preflight("https://evil.example").await.problem(403), "origin-not-permitted");
        }
        refused(&preflight("https://evil.example").await);
        assert_eq!(preflight(ours).await.status, 200);
        let sorted = |it: &Answer| {
            let mut all: Vec<_> = it.header("access-control-expose-headers").expect("some").split(", ").map(str::to_owned).collect();
            all.sort();
            all
        };
        for (host, status) in [("localhost", 429), ("evil.example", 400)] {
            let ask = |origin: &str| Answer::of(few.anonymous(Method::GET, "/openapi.json").header("host", host).header("origin", origin));
            let answer = ask(ours).await;
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(ours)));
            assert_eq!(sorted(&answer), sorted(&usual).iter().map(|it| it.trim().to_owned()).collect::<Vec<_>>());
            assert_eq!(answer.header("vary"), Some("Origin"));
            let answer = ask("https://evil.example").await;
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, None));
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }

    /// J-08: `X-Forwarded-For` is believed as far as trusted proxies said it.
    async fn j_08_an_address_is_believed_from_a_trusted_proxy_only(service) {
        let proxies = ["127.0.0.1", "10.0.0.9"].map(|it| it.parse().expect("an address")).to_vec();
        let one = Rate { minute: 1, burst: 1 };
        let few = service.twin(Options { rates: all(one), proxies, ..Options::default() });
        let ask = async |said: &[&str]| {
            let request = few.anonymous(Method::GET, "/openapi.json");
            let request = said.iter().fold(request, |it, said| it.header("x-forwarded-for", *said));
            Answer::of(request).await.status
        };
        for (said, status) in [
            (&["203.0.113.7"][..], 200),
            (&["203.0.113.7"], 429),
            (&["203.0.113.8"], 200),
            // What comes before may be anyone's invention.
            (&["198.51.100.1, 203.0.113.7"], 429),
            (&["198.51.100.1", "203.0.113.7"], 429),
            (&["198.51.100.1,203.0.113.7 , 10.0.0.9"], 429),
            (&["198.51.100.1"], 200),
            // A network of IPv6 is one address.
            (&["2001:db8:0:1::1"], 200),
            (&["2001:db8:0:1:ffff::2"], 429),
            (&["2001:db8:0:2::1"], 200),
            (&["::ffff:203.0.113.7"], 429),
            // Nothing that can be read is the proxy's own.
            (&[], 200),
            (&["unknown"], 429),
            (&["203.0.113.9, <x>"], 429),
        ] {
            assert_eq!(ask(said).await, status, "{said:?}");
        }
        let direct = limited(&service, all(one));
        for (said, status) in [("203.0.113.7", 200), ("203.0.113.8", 429)] {
            let request = direct.anonymous(Method::GET, "/openapi.json").header("x-forwarded-for", said);
            assert_eq!(Answer::of(request).await.status, status);
        }
    }

    /// I-14: one number after another is one answer, and soon none.
    async fn i_14_numbers_in_sequence_are_stopped_and_told(service) {
        service.submit(&example()).await.expect(201);
        let misses = Rate { minute: 10, burst: 100 };
        let twin = limited(&service, Rates { misses, ..Rates::default() });
        let there = "/v1/authorizations/26335R00001";
        for _ in 0..3 {
            twin.get("single-site", there).await.expect(200);
        }
        let (mut seen, mut absent, mut stopped) = (BTreeSet::new(), 0, 0);
        for number in 2..5002 {
            let answer = twin.get("single-site", &format!("/v1/authorizations/26335R{number:05}")).await;
            if answer.status == 404 {
                seen.insert(answer.text.replace(answer.header("x-request-id").expect("an id"), ""));
                absent += 1;
            } else {
                refused(&answer);
                assert_eq!(answer.header("retry-after"), Some("600"));
                stopped += 1;
            }
        }
        assert_eq!((seen.len(), absent, stopped), (1, 100, 4900));
        // What is there isn't told, either; and no one else notices.
        refused(&twin.get("single-site", there).await);
        refused(&twin.post("single-site", "/v1/members/eligibility", &json!({"member_id": "MCF0000000042"})).await);
        for who in ["multi-site", "nurse"] {
            twin.get(who, there).await.expect(200);
        }
        twin.get("single-site", "/v1/me").await.expect(200);
        twin.submit(&example()).await.expect(201);
        let subject = format!("{}/misses", PRINCIPALS[0].0);
        let events = || service.texts(
            "select topic || ' ' || subject || ' ' || status || ' ' || cast(sequence as text) || coalesce(site_id, '') as it \
             from outbox where topic like 'security.%' order by sequence"
        );
        let trail = || service.texts("select actor || ' ' || subject as it from trail where action like 'security.%' order by at");
        let event = |sequence| format!("security.enumeration_suspected {subject} limited {sequence}");
        assert_eq!((events(), trail()), (vec![event(1)], vec![format!("system {subject}")]));
        later(&twin, 599);
        refused(&twin.get("single-site", there).await);
        later(&twin, 1);
        twin.get("single-site", there).await.expect(200);
        for number in 2..120 {
            twin.get("single-site", &format!("/v1/authorizations/26335R{number:05}")).await;
        }
        assert_eq!((events(), trail().len()), (vec![event(1), event(2)], 2));
    }

    /// I-14: members' numbers and NPIs, by whatever tells whether there is one.
    async fn i_14_members_and_npis_in_sequence_are_stopped(service) {
        let misses = Rate { minute: 4, burst: 8 };
        let twin = limited(&service, Rates { misses, ..Rates::default() });
        let unknown = |number: u32| format!("MCF000000{number:04}");
        for (way, who) in [("eligibility", "single-site"), ("search", "multi-site"), ("npi", "other-site"), ("create", "ehr-vendor")] {
            let look = async |number: u32| match way {
                "eligibility" => twin.post(who, "/v1/members/eligibility", &json!({"member_id": unknown(number)})).await,
                "search" => twin.post(who, "/v1/members/search", &json!({"member_id": unknown(number)})).await,
                "npi" => twin.get(who, &format!("/v1/providers?npi={}", npi(number))).await,
                _ => {
                    let mut body = example();
                    body["member_id"] = json!(unknown(number));
                    let request = twin.request(who, Method::POST, "/v1/authorizations").header("idempotency-key", number.to_string());
                    Answer::of(request.json(&body)).await
                }
            };
            let first = look(9_000).await;
            assert!([200, 422].contains(&first.status), "{way} {}", first.text);
            let bare = |it: &Answer| it.text.replace(it.header("x-request-id").expect("an id"), "");
            for number in 9_001..9_008 {
                let answer = look(number).await;
                assert_eq!((answer.status, bare(&answer)), (first.status, bare(&first)), "{way}");
            }
            let next = look(9_008).await;
            if way == "create" {
                // What is wrong would tell whether there is such a member; what is right is taken all the same.
                refused(&next);
                let keyed = |key: &str| twin.request(who, Method::POST, "/v1/authorizations").header("idempotency-key", key);
                let mut broken = example();
                broken["lines"][0]["units"] = json!(0);
                refused(&Answer::of(keyed("broken").json(&broken)).await);
                Answer::of(keyed("whole").json(&example())).await.expect(201);
                // The control: whoever isn't stopped is told what is wrong.
                assert_eq!(service.submit(&broken).await.flaws(), ["/lines/0/units range AUT-18"]);
                refused(&twin.post(who, "/v1/authorizations/search", &json!({})).await);
            } else {
                refused(&next);
                assert_eq!(next.header("retry-after"), Some("120"));
            }
            // The control: names find no one as often as they like.
            for _ in 0..20 {
                twin.post("nurse", "/v1/members/search", &json!({"last_name": "qqqq"})).await.expect(200);
            }
        }
        let events = service.texts("select subject as it from outbox where topic = 'security.enumeration_suspected'");
        assert_eq!(events.len(), 4, "{events:?}");
    }
}

/// An NPI of no one: nine digits, and the one that checks them.
fn npi(number: u32) -> String {
    let digits = format!("199{number:06}");
    let odd = |place: usize, it: u32| if place.is_multiple_of(2) { it * 2 / 10 + it * 2 % 10 } else { it };
    let sum: u32 =
        digits.chars().enumerate().map(|(place, it)| odd(place, it.to_digit(10).expect("a digit"))).sum();
    format!("{digits}{}", (10 - (sum + 24) % 10) % 10)
}
