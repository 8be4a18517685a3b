//! Query parameters, each of its form; the contract says which there are.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::web::Query;

use crate::{Problem, problem};

/// The query parameters of a request, in the order in which they were sent.
pub struct Parameters(pub Vec<(String, String)>);

impl Parameters {
    /// Those of `request`.
    ///
    /// # Errors
    /// 400, where they can't be read.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let sent = Query::<Vec<_>>::from_query(request.query_string());
        sent.map(|it| Self(it.into_inner())).map_err(|_| problem::PARAMETER.problem())
    }

    /// The parameter `name` as `parse` reads it; none where it isn't given.
    ///
    /// # Errors
    /// 400, with what is `expected`, where it can't be read.
    pub fn get<T>(
        &self,
        name: &str,
        expected: impl Into<Cow<'static, str>>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some((_, text)) = self.0.iter().find(|it| it.0 == name) else { return Ok(None) };
        let wrong = || problem::PARAMETER.because(format!("`{name}` must be {}.", expected.into()));
        parse(text).map(Some).ok_or_else(wrong)
    }
}
