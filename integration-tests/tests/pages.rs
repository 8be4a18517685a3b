//! What a stranger meets: the pages, and who may lead a browser here.

use std::collections::BTreeMap;
use std::io::Read;

use api::refusal::all;
use api::{book, remedies};
use flate2::read::GzDecoder;
use kernel::FlawCode;
use reqwest::Method;

use crate::on_both;
use crate::support::{Answer, Service, root};

async fn get(service: &Service, path: &str) -> Answer {
    Answer::of(service.anonymous(Method::GET, path)).await
}

/// The text of a page, without its marks.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    let text =
        text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Markdown's own marks aside.
fn plain(markdown: &str) -> String {
    let bare = markdown.replace(['`', '{', '}'], "");
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

on_both! {
    async fn each_problem_has_its_page(service) {
        let list = text(&get(&service, "/problems").await.text);
        for it in all() {
            let page = get(&service, &format!("/problems/{}", it.slug)).await;
            assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
            let page = text(&page.text);
            let bare = page.replace(['{', '}'], "");
            for words in [it.slug, it.status.as_str(), it.about, it.message, it.rule, remedies::remedy(&it)] {
                assert!(bare.contains(&plain(words)), "{}: {words} isn't in {page}", it.slug);
            }
            assert!(!it.about.is_empty() && list.contains(it.slug), "{}", it.slug);
            let (told, _) = page.split_once("What it looks like").expect("an example");
            assert!(!told.contains('`') && !["{status}", "{action}", "{role}"].iter().any(|it| page.contains(it)), "{page}");
            assert!(page.contains(&format!("\"type\": \"/problems/{}\"", it.slug)), "{page}");
            assert!(page.contains(&plain(remedies::of(it.slug).expect(it.slug).again)), "{page}");
        }
        let codes = text(&get(&service, "/problems/invalid-body").await.text);
        for code in FlawCode::ALL {
            assert!(codes.contains(code.as_str()) && codes.contains(&plain(code.about())), "{code}");
        }
        assert!(text(&get(&service, "/problems/site-not-permitted").await.text).contains("The rule AUT-09"));
        assert_eq!(get(&service, "/problems/none").await.problem(404), "route-not-found");
        // Two of one status ask for different things.
        let reused = text(&get(&service, "/problems/idempotency-key-reused").await.text);
        assert!(codes.contains("is free again") && !reused.contains("is free again"));
        assert!(!reused.contains("The rule") && reused.contains("POST /v1/authorizations Ask for"), "{reused}");
    }

    /// Who would rather read a page gets one where there is none; a program, a problem.
    async fn what_is_not_there_is_a_page_to_who_reads(service) {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let ask = |path: &str, accept: &str| Answer::of(service.anonymous(Method::GET, path).header("accept", accept));
        for path in ["/none", "/problems/none", "/book/none.md", "/book/none", "/assets/none.css"] {
            let page = ask(path, browser).await;
            assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")), "{path}");
            assert!(page.text.contains("href=\"/book\""), "{}", page.text);
            assert!(page.header("x-request-id").is_some() && page.header("cache-control") == Some("no-store"));
            for other in ["*/*", "application/json", "application/json, text/html"] {
                assert_eq!(ask(path, other).await.problem(404), "route-not-found");
                let sent = service.anonymous(Method::GET, path).header("accept", other).send().await.expect("an answer");
                assert!(sent.headers().get_all("vary").iter().any(|it| it == "Accept"), "{:?}", sent.headers());
            }
        }
        assert_eq!(ask("/v1/none", browser).await.problem(404), "route-not-found");
        for (path, word) in [("/book/", "<h1>The book</h1>"), ("/book", "<h1>The book</h1>"), ("/book/errors", "<h1>Errors</h1>")] {
            let page = ask(path, browser).await;
            assert!(page.status == 200 && page.text.contains(word), "{path}: {}", page.text);
        }
    }

    /// Each page has its parts listed where they are many, leads on to the next, and shows what is drawn.
    async fn the_book_is_walked_through(service) {
        for (place, (name, _)) in book::PAGES.iter().enumerate() {
            let html = get(&service, &format!("/book/{name}")).await.text;
            let about = html.split("<meta name=\"description\" content=\"").nth(1).and_then(|it| it.split('"').next());
            assert!(about.is_some_and(|it| it.len() > 20 && it.len() < 200), "{name}: {about:?}");
            let next = book::PAGES.get(place + 1).map(|it| format!("href=\"/book/{}\" rel=\"next\"", it.0));
            assert_eq!(next.is_some_and(|it| html.contains(&it)), place + 1 < book::PAGES.len(), "{name}");
            let (parts, listed) = (html.matches("<h2").count(), html.contains("aria-label=\"On this page\""));
            assert_eq!(listed, parts > 3, "{name} has {parts} parts");
        }
        let life = get(&service, "/book/lifecycle.md").await.text;
        let arrows = book::text("lifecycle.md").expect("the page").lines().filter(|it| it.contains("-->") && !it.contains("<!--") && !it.ends_with("[*]")).count();
        assert!(arrows > 8 && life.matches("class=\"move\"").count() == arrows && !life.contains("stateDiagram"), "{arrows}");
        assert!(text(&life).contains("From PEND to DENIED: deny."));
        let rules = get(&service, "/book/rules.md").await.text;
        assert!(rules.contains("id=\"AUT-09\"") && rules.contains("permissions.") && !rules.contains(".rs") && !rules.contains("aut_09"));
        assert!(get(&service, "/book/errors.md").await.text.contains("<a href=\"/problems/beyond-benefit\">"));
        let walk = get(&service, "/book/walkthrough.md").await.text;
        assert_eq!((walk.matches(">You send<").count(), walk.matches(">You get<").count()), (30, 30));
    }

    async fn the_pages_take_nothing_from_elsewhere(service) {
        for path in ["/", "/docs", "/problems", "/problems/not-json", "/book", "/book/rules.md"] {
            let page = get(&service, path).await;
            assert_eq!(page.status, 200, "{path}");
            let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            assert_eq!(page.header("content-security-policy"), Some(policy));
            let parts = page.text.split('"').filter(|it| it.starts_with('/')).collect::<Vec<_>>();
            assert!(!page.text.contains("=\"http") && !page.text.contains("=\"//") && !page.text.contains("style=") && !page.text.contains("<style"));
            for part in parts {
                let part = part.split('#').next().expect("a path");
                let status = get(&service, part).await.status;
                assert_eq!(status, 200, "{path} leads to {part}");
            }
        }
        assert!(get(&service, "/").await.text.contains(&format!("curl {}/v1/me", service.base)));
        for (path, word) in [("/docs/", "swagger-ui-bundle.js"), ("/problems/", "authorization-not-found")] {
            let slashed = get(&service, path).await;
            assert!(slashed.status == 200 && slashed.text.contains(word), "{}", slashed.text);
        }
        let answer = get(&service, "/v1/me").await;
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let files = std::fs::read_dir(root().join("docs")).expect("the book");
        let files = files.map(|it| it.expect("a page").file_name().into_string().expect("a name"));
        let files = files.filter(|it| it != "alerts.yaml").map(|it| format!("/book/{it}"));
        let mut there = BTreeMap::<String, Answer>::new();
        for name in files.chain(all().iter().map(|it| format!("/problems/{}", it.slug))) {
            let page = get(&service, &name).await;
            assert_eq!(page.status, 200, "{name}");
            let links = page.text.split("href=\"").skip(1).map(|it| it.split('"').next().expect("an address"));
            for link in links.filter(|it| !it.starts_with("https:")) {
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = match file.strip_prefix("../") {
                    Some(file) => format!("/{file}"),
                    None if file.starts_with('/') => file.to_owned(),
                    None if file.is_empty() => name.clone(),
                    None => format!("/book/{file}"),
                };
                if !there.contains_key(&target) {
                    there.insert(target.clone(), get(&service, &target).await);
                }
                let there = &there[&target];
                let found = anchor.is_empty() || anchor.starts_with('/') || there.text.contains(&format!("id=\"{anchor}\""));
                assert!(there.status == 200 && found, "{name} leads to {link}");
            }
        }
        for path in ["/docs/other.js", "/docs/../etc/passwd", "/docs/%2e%2e%2fCargo.toml", "/assets/none.css", "/assets/"] {
            assert_eq!(get(&service, path).await.problem(404), "route-not-found", "{path}");
        }
        for path in ["/", "/docs", "/docs/", "/problems", "/problems/", "/problems/not-json", "/assets/docs.js"] {
            let posted = Answer::of(service.anonymous(Method::POST, path)).await;
            assert_eq!((posted.problem(405), posted.header("allow")), ("method-not-allowed".to_owned(), Some("GET, HEAD")));
            assert_eq!(Answer::of(service.anonymous(Method::HEAD, path)).await.status, 200);
        }
    }

    async fn what_a_build_does_not_change_is_sent_once(service) {
        for path in ["/openapi.json", "/openapi.yaml", "/assets/swagger-ui-bundle.js", "/assets/docs.js",
            "/", "/docs", "/book/errors.md", "/problems", "/problems/not-json"] {
            let first = get(&service, path).await;
            let etag = first.header("etag").expect("an ETag");
            assert!(first.text.len() > 1000 && first.header("cache-control") == Some("no-cache"));
            for (known, status) in [(etag, 304), ("\"0\"", 200)] {
                let again = Answer::of(service.anonymous(Method::GET, path).header("if-none-match", known)).await;
                assert_eq!((again.status, again.text.is_empty()), (status, status == 304), "{path}");
            }
        }
    }

    /// Compressed for whoever takes that, and only what is no one's: the length of a compressed answer tells of what it holds.
    async fn what_is_large_and_public_is_compressed(service) {
        let ask = |path: &str, takes: &str| Answer::of(service.anonymous(Method::GET, path).header("accept-encoding", takes));
        for path in ["/openapi.json", "/openapi.yaml", "/assets/swagger-ui-bundle.js", "/assets/docs.css", "/docs", "/", "/problems", "/problems/not-json", "/book/rules.md"] {
            let plain = ask(path, "identity").await;
            assert_eq!(plain.header("content-encoding"), None, "{path}");
            let varies = |it: Option<&str>| it.is_some_and(|it| it.contains("Accept-Encoding"));
            assert!(varies(plain.header("vary")), "{path}");
            for takes in ["br", "gzip;q=0", "*, gzip;q=0.0", "deflate, x"] {
                assert_eq!(ask(path, takes).await.header("content-encoding"), None, "{path} {takes}");
            }
            for takes in ["gzip", "br, GZIP;q=0.5", "*"] {
                let sent = service.anonymous(Method::GET, path).header("accept-encoding", takes).send().await.expect("an answer");
                let head = |name: &str| sent.headers().get(name).map(|it| it.to_str().expect("text").to_owned());
                let (encoding, vary, kind, etag) = (head("content-encoding"), head("vary"), head("content-type"), head("etag"));
                assert_eq!((encoding.as_deref(), kind.as_deref()), (Some("gzip"), plain.header("content-type")), "{path} {takes}");
                assert!(varies(vary.as_deref()), "{path}");
                let bytes = sent.bytes().await.expect("a body");
                let mut text = String::new();
                GzDecoder::new(&*bytes).read_to_string(&mut text).expect("gzip");
                assert!(text == plain.text && bytes.len() < text.len(), "{path}");
                // Other bytes have another name, and each is known again.
                assert_eq!(etag.is_some(), plain.header("etag").is_some());
                if let Some((etag, other)) = etag.as_deref().zip(plain.header("etag")) {
                    assert_ne!(etag, other);
                    for (takes, known, status) in [(takes, etag, 304), (takes, other, 200), ("identity", other, 304), ("identity", etag, 200), (takes, "*", 304)] {
                        let answer = service.anonymous(Method::GET, path).header("accept-encoding", takes).header("if-none-match", known).send().await.expect("an answer");
                        assert_eq!(answer.status().as_u16(), status, "{path} {takes} {known}");
                    }
                }
            }
        }
        let small = ask("/assets/mark.svg", "gzip").await;
        assert!(small.text.len() > 1024 || small.header("content-encoding").is_none());
        // What a caller is shown, and whatever a problem says, is sent as it is.
        service.submit(&crate::support::example()).await.expect(201);
        for path in ["/v1/authorizations/26335R00001", "/v1/services", "/v1/nowhere", "/v1/me"] {
            let answer = Answer::of(service.request("single-site", Method::GET, path).header("accept-encoding", "gzip")).await;
            assert!(answer.header("content-encoding").is_none() && answer.text.starts_with('{'), "{path}");
        }
    }

    /// The line that is made to be pasted into a shell holds nothing of the caller's but a name and a port.
    async fn the_landing_page_names_the_service_alone(service) {
        let ask = |host: &str| {
            let request = service.anonymous(Method::GET, "/").header("host", host);
            Answer::of(request.header("x-forwarded-host", "evil.example").header("x-forwarded-proto", "ftp"))
        };
        for (host, shown) in [
            ("plan.example", "https://plan.example/v1"), ("PLAN.example.:8443", "https://plan.example:8443/v1"),
            ("localhost:80", "http://localhost:80/v1"), ("[0:0::1]:8080", "http://[::1]:8080/v1"),
        ] {
            let page = ask(host).await;
            assert!(page.text.contains(&format!("curl {shown}")) && !page.text.contains("evil"), "{}", page.text);
        }
    }

    async fn i_15_only_named_origins_are_granted_anything(service) {
        let preflight = |origin: &str, method: &str, header: &str| {
            let request = service.anonymous(Method::OPTIONS, "/v1/authorizations").header("origin", origin);
            Answer::of(request.header("access-control-request-method", method).header("access-control-request-headers", header))
        };
        let ours = "https://portal.example";
        let granted = preflight(ours, "POST", "authorization,content-type,idempotency-key,if-match").await;
        assert_eq!(granted.status, 200);
        assert_eq!(granted.header("access-control-allow-origin"), Some(ours));
        assert_eq!(granted.header("access-control-allow-credentials"), None);
        let set = |it: &Answer, name: &str| {
            let mut all: Vec<_> = it.header(name).expect(name).split(',').map(|it| it.trim().to_owned()).collect();
            all.sort();
            all.join(" ")
        };
        let headers = "authorization content-type emergency-access idempotency-key if-match if-none-match x-request-id";
        assert_eq!(set(&granted, "access-control-allow-headers"), headers);
        assert_eq!(set(&granted, "access-control-allow-methods"), "GET HEAD PATCH POST PUT");
        let me = Answer::of(service.request("single-site", Method::GET, "/v1/me").header("origin", ours)).await;
        let exposed = "etag idempotency-replayed link location ratelimit ratelimit-policy retry-after www-authenticate x-request-id";
        assert_eq!(set(&me, "access-control-expose-headers"), exposed);
        for (origin, method, header) in [
            ("https://evil.example", "POST", "authorization"),
            ("https://portal.example.evil.example", "POST", "authorization"),
            ("http://portal.example", "POST", "authorization"),
            ("null", "POST", "authorization"),
            (ours, "DELETE", "authorization"),
            (ours, "POST", "x-user-id"),
        ] {
            let refused = preflight(origin, method, header).await;
            assert_eq!(refused.problem(403), "origin-not-permitted", "{origin} {method} {header}");
            assert!(refused.header("vary").is_some_and(|it| it.contains("Origin")));
        }
        // Answers and problems alike, so that a page can read why.
        for (origin, granted) in [(ours, Some(ours)), ("https://evil.example", None), ("null", None)] {
            for (token, status) in [(service.token("single-site"), 200), ("x".to_owned(), 401)] {
                let request = service.anonymous(Method::GET, "/v1/me").bearer_auth(token).header("origin", origin);
                let answer = Answer::of(request).await;
                assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, granted), "{origin}");
                assert!(answer.header("vary").is_some_and(|it| it.contains("Origin")));
            }
        }
    }

    async fn i_15_another_services_name_is_refused(service) {
        let port = service.base.rsplit(':').next().expect("a port").to_owned();
        let ask = |path: &str, host: &str| Answer::of(service.request("single-site", Method::GET, path).header("host", host));
        for host in ["plan.example", "PLAN.example:443", "plan.example.", "localhost", &format!("localhost:{port}"), "[::1]:80", "127.0.0.1"] {
            assert_eq!(ask("/v1/me", host).await.status, 200, "{host}");
            assert_eq!(ask("/metrics", host).await.status, 200, "{host}");
        }
        for host in ["evil.example", "plan.example.evil.example", "127.0.0.1.evil.example", "user@localhost", "127.0.0.2", "0.0.0.0", "", "localhost:$(id)",
            "localhost:80;id", "localhost:8185,evil", "localhost:99999", "localhost:", "localhost..", "[::1]x", "[::1", "[::2]", "a b"] {
            for path in ["/v1/me", "/", "/openapi.json", "/none"] {
                assert_eq!(ask(path, host).await.problem(400), "wrong-host", "{host}");
            }
            assert_eq!(ask("/healthz/live", host).await.status, 200);
            assert_eq!(ask("/healthz/ready", host).await.status, 200);
            // A page of another name, led to this machine, reads no numbers.
            assert_eq!(ask("/metrics", host).await.problem(400), "wrong-host", "{host}");
            assert_eq!(ask("/healthz/none", host).await.problem(400), "wrong-host", "{host}");
        }
    }
}
