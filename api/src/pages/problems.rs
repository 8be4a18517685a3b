//! What each problem means: a page for each, made of its row, of what to do about it, and of the contract.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use kernel::FlawCode;

use super::{fixed, page};
use crate::book;
use crate::fixed::Fixed;
use crate::openapi::{Told, answering, every};
use crate::refusal::{INVALID, NO_ROUTE, Refusal, all, title};
use crate::{Problem, remedies};

/// Of how many operations no one reads the names.
const MANY: usize = 12;

static LIST: LazyLock<Fixed> = LazyLock::new(|| {
    let all = all();
    let groups = all.chunk_by(|one, other| one.status == other.status);
    let group = |it: &[Refusal]| (it[0].status.as_u16(), title(it[0].status), it.to_vec());
    fixed(&Problems { groups: groups.map(group).collect() })
});

static PAGES: LazyLock<BTreeMap<&str, Fixed>> =
    LazyLock::new(|| all().into_iter().map(|it| (it.slug, fixed(&ProblemPage::of(it)))).collect());

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems {
    groups: Vec<(u16, &'static str, Vec<Refusal>)>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    it: Refusal,
    name: String,
    remedy: &'static str,
    again: &'static str,
    example: String,
    rule: Option<&'static str>,
    codes: &'static [FlawCode],
    /// The operations that may answer so, of how many, and whether these are too many to be read at once.
    operations: (Vec<Told>, usize, bool),
    /// Where the book says more, and what it is called there.
    more: Option<(&'static str, String)>,
}

impl ProblemPage {
    fn of(it: Refusal) -> Self {
        let remedy = remedies::of(it.slug);
        let operations = answering(it.slug);
        let many = operations.len() > MANY;
        Self {
            name: name(it.slug),
            remedy: remedies::remedy(&it),
            again: remedy.map(|it| it.again).unwrap_or_default(),
            example: serde_json::to_string_pretty(&Problem::example(it)).unwrap_or_default(),
            rule: book::rule(it.rule),
            codes: if it.slug == INVALID.slug { FlawCode::ALL } else { &[] },
            operations: (operations, every().len(), many),
            more: remedy.and_then(|it| Some((it.place, called(it.place)?))),
            it,
        }
    }
}

/// The slug as a title.
fn name(slug: &str) -> String {
    let words = slug.replace('-', " ").replace("if match", "If-Match").replace("not json", "not JSON");
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// What a place in the book is called.
fn called(place: &str) -> Option<String> {
    let (page, anchor) = place.split_once('#').unwrap_or((place, ""));
    let page = book::page(page)?;
    let part = page.parts.iter().find(|it| it.0 == anchor).map(|it| format!(": {}", it.1));
    Some(format!("{}{}", page.title, part.unwrap_or_default()))
}

/// The page that lists them.
pub(super) async fn list(request: HttpRequest) -> HttpResponse {
    page(&LIST, &request)
}

/// The page of the problem `slug`.
///
/// # Errors
/// That there is none.
pub fn of_problem(slug: &str, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let it = PAGES.get(slug).ok_or_else(|| NO_ROUTE.problem())?;
    Ok(page(it, request))
}
