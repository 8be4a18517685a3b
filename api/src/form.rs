//! The extractor of the one body that isn't JSON: what OAuth asks a token with (RFC 6749).

use std::pin::Pin;

use actix_web::web::{Bytes, Query};
use actix_web::{FromRequest, HttpRequest, dev};

use crate::{Problem, body, problem};

/// The parameters of a form, as they were sent.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The parameter `name`; none where it is absent or empty, which mean the same.
    ///
    /// # Errors
    /// 400 where it was sent twice.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut sent = self.0.iter().filter(|it| it.0 == name).map(|it| &*it.1);
        match (sent.next(), sent.next()) {
            (one, None) => Ok(one.filter(|it| !it.is_empty())),
            _ => Err(Problem::of_token(problem::INVALID_REQUEST)),
        }
    }

    /// The parameter `name`, which must be given.
    ///
    /// # Errors
    /// 400 where it wasn't, or twice.
    pub fn must(&self, name: &str) -> Result<&str, Problem> {
        self.get(name)?.ok_or_else(|| Problem::of_token(problem::INVALID_REQUEST))
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let form = body::is_plain(request, "application/x-www-form-urlencoded");
        let bytes = form.then(|| Bytes::from_request(request, payload));
        Box::pin(async move {
            let wrong = || Problem::of_token(problem::INVALID_REQUEST);
            let bytes = body::arrived(bytes.ok_or_else(wrong)?).await?;
            let text = std::str::from_utf8(&bytes).map_err(|_| wrong())?;
            let sent = Query::<Vec<(String, String)>>::from_query(text).map_err(|_| wrong())?;
            Ok(Self(sent.into_inner()))
        })
    }
}
