//! The pages for people: what this is, the contract to be tried, and what each problem means.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::{self, Bytes, Data, Path, Redirect, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use kernel::FlawCode;
use pulldown_cmark::{Parser, html::push_html};
use utoipa_swagger_ui::Config;

use crate::fixed::{self, Fixed};
use crate::refusal::{INVALID, NO_ROUTE, Refusal, all, title};
use crate::{Problem, State, book, problem};

/// The paths of pages that aren't of the contract.
pub const PATHS: &[&str] =
    &["/", "/docs", "/docs/", "/problems", "/problems/", "/book", "/book/{page}", "/assets/{file}"];

/// Nothing from elsewhere, nothing inline. Swagger UI shows its arrows as images of `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a page is made of, and what Swagger UI is made of.
static ASSETS: LazyLock<[(&str, Fixed); 6]> = LazyLock::new(|| {
    let (css, js) = ("text/css; charset=utf-8", "text/javascript; charset=utf-8");
    [
        ("lanyard.css", Fixed::new(css, include_str!("../assets/lanyard.css"))),
        ("mark.svg", Fixed::new("image/svg+xml", include_str!("../assets/mark.svg"))),
        ("docs.css", Fixed::new(css, include_str!("../assets/docs.css"))),
        ("docs.js", Fixed::new(js, include_str!("../assets/docs.js"))),
        ("swagger-ui.css", Fixed::new(css, swagger("swagger-ui.css"))),
        ("swagger-ui-bundle.js", Fixed::new(js, swagger("swagger-ui-bundle.js"))),
    ]
});

/// A part of Swagger UI.
fn swagger(name: &str) -> Bytes {
    let found = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok().flatten();
    match found.map(|it| it.bytes) {
        Some(Cow::Borrowed(it)) => Bytes::from_static(it),
        Some(Cow::Owned(it)) => it.into(),
        None => Bytes::new(),
    }
}

/// The rules, and what each says.
static RULES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let rows = book::text("rules.md").unwrap_or_default().lines().filter_map(|it| {
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
#[template(path = "book.html")]
struct BookPage {
    title: &'static str,
    html: &'static str,
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    groups: Vec<(u16, &'static str, Vec<Refusal>)>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    it: Refusal,
    title: &'static str,
    remedy: &'static str,
    rule: Option<(&'static str, &'static str)>,
    codes: &'static [FlawCode],
}

/// Registers the pages that aren't of the contract.
pub fn configure(service: &mut ServiceConfig) {
    service
        .route("/", web::get().to(home))
        .route("/docs", web::get().to(docs))
        .route("/docs/", web::get().to(async || Redirect::to("/docs")))
        .route("/problems/", web::get().to(async || Redirect::to("/problems")))
        .route("/problems", web::get().to(problems))
        .route("/book", web::get().to(async || Redirect::to("/book/README.md")))
        .route("/book/{page}", web::get().to(book))
        .route("/assets/{file}", web::get().to(asset));
}

async fn home(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let host = state.hosts.asked(&request).ok_or_else(|| problem::WRONG_HOST.problem())?;
    // Beyond loopback there is TLS in front, whatever of it is seen here.
    let scheme = if host.is_loopback() { "http" } else { "https" };
    page(&request, &Home { base: format!("{scheme}://{host}") })
}

async fn docs(request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&request, &Docs)
}

async fn book(request: HttpRequest, name: Path<String>) -> Result<HttpResponse, Problem> {
    let (title, html) = book::page(&name).ok_or_else(|| NO_ROUTE.problem())?;
    page(&request, &BookPage { title, html })
}

async fn problems(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let all = all();
    let groups = all.chunk_by(|one, other| one.status == other.status);
    let group = |it: &[Refusal]| (it[0].status.as_u16(), title(it[0].status), it.to_vec());
    page(&request, &Problems { groups: groups.map(group).collect() })
}

/// The page of the problem `slug`.
///
/// # Errors
/// That there is none.
pub fn of_problem(request: &HttpRequest, slug: &str) -> Result<HttpResponse, Problem> {
    let it = all().into_iter().find(|it| it.slug == slug).ok_or_else(|| NO_ROUTE.problem())?;
    let rule = RULES.get_key_value(it.rule).map(|(id, says)| (*id, *says));
    let codes = if it.slug == INVALID.slug { FlawCode::ALL } else { &[] };
    page(request, &ProblemPage { it, title: it.title(), remedy: it.remedy(), rule, codes })
}

async fn asset(request: HttpRequest, file: Path<String>) -> Result<HttpResponse, Problem> {
    let (_, it) = ASSETS.iter().find(|it| it.0 == *file).ok_or_else(|| NO_ROUTE.problem())?;
    Ok(it.answer(&request))
}

fn page(request: &HttpRequest, it: &impl Template) -> Result<HttpResponse, Problem> {
    let text = it.render().map_err(|_| problem::INTERNAL.problem())?;
    let policy = (CONTENT_SECURITY_POLICY, POLICY);
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header(ContentType::html())
        .insert_header(policy)
        .insert_header((CACHE_CONTROL, "no-cache"));
    Ok(fixed::page(answer, request, text))
}

/// Markdown as HTML; a place that a message fills in (`{status}`) is set off.
fn marked(text: &str) -> String {
    let mut html = String::new();
    push_html(&mut html, Parser::new(&text.replace(['{', '}'], "_")));
    html
}
