//! Query parameters: each known, given at most once, and of its form.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::web::Query;

use crate::{Problem, problem};

/// The parameters of a request, as they came.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of `request`, all of which must be `known`.
    ///
    /// # Errors
    /// 400 where one isn't known, or comes twice.
    pub fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        let sent = Query::<Vec<(String, String)>>::from_query(request.query_string());
        let sent = sent.map_err(|_| problem::PARAMETER.problem())?.into_inner();
        for (place, (name, _)) in sent.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(problem::PARAMETER
                    .because(format!("This list takes the parameters {}.", known.join(", "))));
            }
            if sent[..place].iter().any(|it| it.0 == *name) {
                return Err(problem::PARAMETER.because(format!("`{name}` may be given once.")));
            }
        }
        Ok(Self(sent))
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
