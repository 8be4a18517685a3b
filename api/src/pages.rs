//! The pages for people: what this is, the contract to be tried, the book, and what each problem means.

mod problems;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{ACCEPT, CONTENT_SECURITY_POLICY, ContentType, HeaderValue};
use actix_web::web::{self, Bytes, Data, Path, Redirect, ServiceConfig};
use actix_web::{Either, HttpRequest, HttpResponse};
use askama::Template;
use utoipa_swagger_ui::Config;

use crate::config::DEMO_ISSUER;
use crate::fixed::Fixed;
use crate::openapi::{self, Told};
use crate::refusal::NO_ROUTE;
use crate::{Problem, State, book, problem};

pub use problems::of_problem;

/// The paths of pages that aren't of the contract.
pub const PATHS: &[&str] =
    &["/", "/docs", "/docs/", "/problems", "/problems/", "/book", "/book/", "/book/{page}", "/assets/{file}"];

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

/// The pages of the book, made once.
static BOOK: LazyLock<BTreeMap<&str, Fixed>> = LazyLock::new(|| {
    let made = |name: &'static str| Some((name, fixed(&BookPage { name, it: book::page(name)? })));
    book::PAGES.iter().filter_map(|it| made(it.0)).collect()
});

/// The page that shows the contract.
static DOCS: LazyLock<Fixed> = LazyLock::new(|| fixed(&Docs { operations: openapi::every() }));

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    base: String,
    demo: bool,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    operations: Vec<Told>,
}

#[derive(Template)]
#[template(path = "book.html")]
struct BookPage {
    name: &'static str,
    it: &'static book::Page,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing;

/// Registers the pages that aren't of the contract.
pub fn configure(service: &mut ServiceConfig) {
    let contents = async || Redirect::to("/book/README.md");
    service
        .route("/", web::get().to(home))
        .route("/docs", web::get().to(docs))
        .route("/docs/", web::get().to(async || Redirect::to("/docs")))
        .route("/problems/", web::get().to(async || Redirect::to("/problems")))
        .route("/problems", web::get().to(problems::list))
        .route("/book", web::get().to(contents))
        .route("/book/", web::get().to(contents))
        .route("/book/{page}", web::get().to(book))
        .route("/assets/{file}", web::get().to(asset));
}

async fn home(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let host = state.hosts.asked(&request).ok_or_else(|| problem::WRONG_HOST.problem())?;
    // Beyond loopback there is TLS in front, whatever of it is seen here.
    let scheme = if host.is_loopback() { "http" } else { "https" };
    let demo = state.keys.issuer() == DEMO_ISSUER;
    Ok(page(&fixed(&Home { base: format!("{scheme}://{host}"), demo }), &request))
}

async fn docs(request: HttpRequest) -> HttpResponse {
    page(&DOCS, &request)
}

async fn book(name: Path<String>, request: HttpRequest) -> Result<Either<HttpResponse, Redirect>, Problem> {
    if let Some(it) = BOOK.get(name.as_str()) {
        return Ok(Either::Left(page(it, &request)));
    }
    let (name, _) = BOOK.get_key_value(format!("{name}.md").as_str()).ok_or_else(|| NO_ROUTE.problem())?;
    Ok(Either::Right(Redirect::to(format!("/book/{name}"))))
}

async fn asset(request: HttpRequest, file: Path<String>) -> Result<HttpResponse, Problem> {
    let (_, it) = ASSETS.iter().find(|it| it.0 == *file).ok_or_else(|| NO_ROUTE.problem())?;
    Ok(it.answer(&request))
}

/// That nothing is there, as a page, for those who would rather read one; what programs ask for is answered to programs.
#[must_use]
pub fn missing(problem: &Problem, request: &HttpRequest) -> Option<HttpResponse> {
    let accepts = request.headers().get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let reads = accepts.trim_start().starts_with("text/html");
    if !reads || !negotiated(problem, request) {
        return None;
    }
    let answer = HttpResponse::NotFound().insert_header(ContentType::html()).body(Missing.render().ok()?);
    Some(guarded(answer))
}

/// Whether a problem is answered as a page to some.
#[must_use]
pub fn negotiated(problem: &Problem, request: &HttpRequest) -> bool {
    problem.slug() == NO_ROUTE.slug && !request.path().starts_with("/v1/")
}

/// A page that is the same for as long as a build runs.
fn fixed(it: &impl Template) -> Fixed {
    Fixed::new("text/html; charset=utf-8", it.render().unwrap_or_default())
}

fn page(it: &Fixed, request: &HttpRequest) -> HttpResponse {
    guarded(it.answer(request))
}

fn guarded(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}
