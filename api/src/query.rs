//! Query parameters, each of its form; the contract says which there are.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::web::Query;
use chrono::NaiveDate;

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
    /// The date `name`.
    ///
    /// # Errors
    /// 400, where it is none.
    pub fn date(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        // chrono takes 2026-1-1, too.
        let whole = |it: &str| it.parse().ok().filter(|day: &NaiveDate| day.to_string() == it);
        self.get(name, "a date as 2026-12-31", whole)
    }

    /// `limit`, from 1 to `most`.
    ///
    /// # Errors
    /// 400, where it is none.
    pub fn limit<N: TryFrom<u32>>(&self, most: u32) -> Result<Option<N>, Problem> {
        let count = |it: &str| {
            it.parse().ok().filter(|it| (1..=most).contains(it)).and_then(|it| N::try_from(it).ok())
        };
        self.get("limit", format!("a number from 1 to {most}"), count)
    }

    /// The address of the page after this one, at `path`. The values sent have passed, so that none needs escaping.
    #[must_use]
    pub fn next(&self, path: &str, cursor: &str) -> String {
        let others =
            self.0.iter().filter(|it| it.0 != "cursor").map(|(name, value)| format!("{name}={value}&"));
        format!("{path}?{}cursor={cursor}", others.collect::<String>())
    }
}
