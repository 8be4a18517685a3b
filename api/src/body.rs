//! The extractor of request bodies.

use std::future::ready;
use std::io::ErrorKind;
use std::pin::Pin;

use actix_web::error::PayloadError;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, dev};
use kernel::{At, Draft, Flaws, Json, Read};
use sha2::{Digest, Sha256};

use crate::{Problem, problem};

/// The most that a JSON body may have, in bytes.
pub const LIMIT: usize = 256 * 1024;

/// A request body as it came. A handler opens it once it knows the caller, so that a stranger learns nothing from it. Where nothing in it
/// must be given, none at all is an empty one.
pub struct Body<T: Read> {
    read: Result<Open<T>, Problem>,
}

/// A body as far as it could be read, and what is wrong with it so far.
pub struct Open<T: Read> {
    /// What is known of it; none if it isn't even an object.
    pub draft: Option<Draft<T>>,
    flaws: Flaws,
    digest: String,
}

impl<T: Read> Body<T> {
    /// Opens it.
    ///
    /// # Errors
    /// 400 if it isn't JSON, 413 if it is too large, 415 if it is something else.
    pub fn open(self) -> Result<Open<T>, Problem> {
        self.read
    }
}

impl<T: Read> Open<T> {
    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let json = Json::parse(bytes).map_err(|it| problem::UNREADABLE.because(it.to_string()))?;
        let mut flaws = Flaws::default();
        let draft = T::read(&json, At::Root, &mut flaws);
        let digest = format!("{:x}", Sha256::digest(bytes));
        Ok(Self { draft, flaws, digest })
    }

    /// A digest of its bytes, by which a repeated request is known to be the same.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Applies rules to what is known, and adds what they find to the same list (AUT-05); what they proved, if anything.
    pub fn check<C>(&mut self, rules: impl FnOnce(&Draft<T>, &mut Flaws) -> Option<C>) -> Option<C> {
        let before = self.flaws.iter().len();
        let proved = rules(self.draft.as_ref()?, &mut self.flaws);
        for it in self.flaws.iter().skip(before) {
            debug_assert!(T::knows(&it.pointer), "a rule points to {}", it.pointer);
        }
        proved
    }

    /// The problem that lists everything that is wrong with it.
    #[must_use]
    pub fn refused(self) -> Problem {
        Problem::invalid(self.flaws)
    }

    /// The body, if nothing is wrong with it.
    ///
    /// # Errors
    /// The problem that lists everything that is.
    pub fn whole(self) -> Result<T, Problem> {
        match self.draft.and_then(T::whole) {
            Some(whole) if self.flaws.is_empty() => Ok(whole),
            _ => Err(Problem::invalid(self.flaws)),
        }
    }
}

impl<T: Read + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let json = request.content_type().eq_ignore_ascii_case("application/json")
            && request.encoding().is_ok_and(|it| it.name() == "UTF-8");
        let plain = !request.headers().contains_key(header::CONTENT_ENCODING);
        if is_absent(request.headers())
            && let Ok(nothing) = Open::parse(b"{}")
            && nothing.flaws.is_empty()
        {
            return Box::pin(ready(Ok(Self { read: Ok(nothing) })));
        }
        // With a type that isn't JSON the body isn't even read.
        let bytes = (json && plain).then(|| Bytes::from_request(request, payload));
        Box::pin(async move {
            let read = match bytes {
                None => Err(problem::NOT_JSON.problem()),
                Some(bytes) => arrived(bytes).await.and_then(|it| Open::parse(&it)),
            };
            Ok(Self { read })
        })
    }
}

/// Whether a request has no body at all: neither a type nor a length of one.
fn is_absent(headers: &HeaderMap) -> bool {
    let none = headers.get(header::CONTENT_LENGTH).is_none_or(|it| it == "0");
    none && [header::CONTENT_TYPE, header::TRANSFER_ENCODING].iter().all(|it| !headers.contains_key(it))
}

/// The bytes of a body, once all of them are there.
///
/// # Errors
/// 408 where that takes too long, as the stream of the connection finds; 413 where they are too many.
pub(crate) async fn arrived(bytes: impl Future<Output = Result<Bytes, Error>>) -> Result<Bytes, Problem> {
    bytes.await.map_err(|it| match it.as_error::<PayloadError>() {
        Some(PayloadError::Io(it)) if it.kind() == ErrorKind::TimedOut => problem::TIMEOUT.problem(),
        _ if it.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE => {
            problem::TOO_LARGE.problem()
        }
        _ => problem::UNREADABLE.problem(),
    })
}
