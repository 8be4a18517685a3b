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

    /// The day that the parameter `name` is; none where it isn't given.
    ///
    /// # Errors
    /// 400, where it is of another form.
    pub fn day(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        self.get(name, "a date, as YYYY-MM-DD", kernel::day)
    }

    /// How many rows a page may have: 1 to `most`, `usual` where it isn't said.
    ///
    /// # Errors
    /// 400, where it is none of them.
    pub fn limit(&self, usual: u16, most: u16) -> Result<u16, Problem> {
        let count = |it: &str| it.parse().ok().filter(|it| (1..=most).contains(it));
        Ok(self.get("limit", format!("a number from 1 to {most}"), count)?.unwrap_or(usual))
    }

    /// The address of the next page of the list at `path`.
    #[must_use]
    pub fn next(&self, path: &str, cursor: &str) -> String {
        let others = self.0.iter().filter(|it| it.0 != "cursor");
        let others = others.map(|(name, value)| format!("{name}={}&", encoded(value)));
        format!("{path}?{}cursor={cursor}", others.collect::<String>())
    }
}

/// `text` as a part of an address.
fn encoded(text: &str) -> String {
    let byte = |it: u8| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(it).to_string(),
        _ => format!("%{it:02X}"),
    };
    text.bytes().map(byte).collect()
}
