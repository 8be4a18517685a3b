//! The pages for people: what this is, the contract to be tried, and what each problem means.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HOST};
use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use kernel::FlawCode;
use pulldown_cmark::{Parser, html::push_html};
use utoipa_swagger_ui::Config;

use crate::refusal::{INVALID, NO_ROUTE, Refusal, all, remedy, title};
use crate::{Problem, hosts, problem};

/// The paths of pages that aren't of the contract.
pub const PATHS: &[&str] = &["/", "/docs", "/docs/{file}", "/problems", "/assets/{file}"];

/// Nothing from elsewhere, nothing inline. Swagger UI shows its arrows as images of `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a page is made of, and what Swagger UI is made of.
const ASSETS: &[(&str, &str, &str)] = &[
    ("lanyard.css", "text/css; charset=utf-8", include_str!("../assets/lanyard.css")),
    ("docs.css", "text/css; charset=utf-8", include_str!("../assets/docs.css")),
    ("docs.js", "text/javascript; charset=utf-8", include_str!("../assets/docs.js")),
    ("mark.svg", "image/svg+xml", include_str!("../assets/mark.svg")),
];
const SWAGGER: &[&str] = &["swagger-ui.css", "swagger-ui-bundle.js"];

/// The rules, and what each says.
static RULES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let rows = include_str!("../../docs/rules.md").lines().filter_map(|it| {
        let mut cells = it.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?, cells.next()?))
    });
    rows.collect()
});

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    base: String,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs;

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    groups: Vec<(u16, &'static str, Vec<Refusal>)>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    it: Refusal,
    title: &'static str,
    remedy: &'static str,
    rules: Vec<(&'static str, &'static str)>,
    codes: &'static [FlawCode],
}

/// Registers the pages that aren't of the contract.
pub fn configure(service: &mut ServiceConfig) {
    service
        .route("/", web::get().to(home))
        .route("/docs", web::get().to(docs))
        .service(web::redirect("/docs/", "/docs"))
        .route("/docs/{file}", web::get().to(swagger))
        .route("/problems", web::get().to(problems))
        .route("/assets/{file}", web::get().to(asset));
}

async fn home(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let host = request.headers().get(HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    // Beyond loopback there is TLS in front, whatever of it is seen here.
    let scheme = if hosts::local(host) { "http" } else { "https" };
    page(&Home { base: format!("{scheme}://{host}") })
}

async fn docs() -> Result<HttpResponse, Problem> {
    page(&Docs)
}

async fn problems() -> Result<HttpResponse, Problem> {
    let all = all();
    let groups = all.chunk_by(|one, other| one.status == other.status);
    let group = |it: &[Refusal]| (it[0].status.as_u16(), title(it[0].status), it.to_vec());
    page(&Problems { groups: groups.map(group).collect() })
}

/// The page of the problem `slug`.
///
/// # Errors
/// That there is none.
pub fn problem(slug: &str) -> Result<HttpResponse, Problem> {
    let it = all().into_iter().find(|it| it.slug == slug).ok_or_else(|| NO_ROUTE.problem())?;
    let rules = RULES.get_key_value(it.rule).map(|(id, says)| (*id, *says)).into_iter().collect();
    let codes = if it.slug == INVALID.slug { FlawCode::ALL } else { &[] };
    page(&Page { it, title: title(it.status), remedy: remedy(it.status), rules, codes })
}

async fn swagger(file: Path<String>) -> Result<HttpResponse, Problem> {
    static CONFIG: LazyLock<Arc<Config<'_>>> = LazyLock::new(Arc::default);
    let file = SWAGGER.iter().find(|it| **it == *file).ok_or_else(|| NO_ROUTE.problem())?;
    let found = utoipa_swagger_ui::serve(file, Arc::clone(&CONFIG)).ok().flatten();
    let found = found.ok_or_else(|| problem::INTERNAL.problem())?;
    Ok(part(&found.content_type, found.bytes.into_owned()))
}

async fn asset(file: Path<String>) -> Result<HttpResponse, Problem> {
    let (_, kind, text) = ASSETS.iter().find(|it| it.0 == *file).ok_or_else(|| NO_ROUTE.problem())?;
    Ok(part(kind, text.as_bytes().to_vec()))
}

fn page(it: &impl Template) -> Result<HttpResponse, Problem> {
    let text = it.render().map_err(|_| problem::INTERNAL.problem())?;
    let policy = (CONTENT_SECURITY_POLICY, POLICY);
    let mut answer = HttpResponse::Ok();
    Ok(answer
        .insert_header(ContentType::html())
        .insert_header(policy)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text))
}

/// Markdown as HTML; a place that a message fills in (`{status}`) is set off.
fn marked(text: &str) -> String {
    let mut html = String::new();
    push_html(&mut html, Parser::new(&text.replace(['{', '}'], "_")));
    html
}

fn part(kind: &str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((CACHE_CONTROL, "public, max-age=3600")).body(bytes)
}
