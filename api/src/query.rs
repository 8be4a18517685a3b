//! Query parameters, each of its form; the contract says which there are.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::web::Query;

use crate::{Problem, problem};

/// The parameter `name` of `request` as `parse` reads it; none where it isn't given.
///
/// # Errors
/// 400, with what is `expected`, where it can't be read.
pub fn parameter<T>(
    request: &HttpRequest,
    name: &str,
    expected: impl Into<Cow<'static, str>>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let sent = Query::<Vec<(String, String)>>::from_query(request.query_string());
    let sent = sent.map_err(|_| problem::PARAMETER.problem())?.into_inner();
    let Some((_, text)) = sent.iter().find(|it| it.0 == name) else { return Ok(None) };
    let wrong = || problem::PARAMETER.because(format!("`{name}` must be {}.", expected.into()));
    parse(text).map(Some).ok_or_else(wrong)
}
