//! Answers that are the same for as long as a build runs: the contract, and the parts of the pages.

use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use crate::headers;

/// A text of the build's, with its `ETag`.
pub struct Fixed {
    kind: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl Fixed {
    /// The text `bytes` of this content type.
    ///
    /// # Panics
    /// Never: a digest is a header value.
    #[must_use]
    pub fn new(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = format!("\"{:.32}\"", format!("{:x}", Sha256::digest(&bytes)));
        Self { kind, bytes, etag: HeaderValue::from_str(&digest).expect("a digest") }
    }

    /// It; or that it is still the one that the client has. A cache asks each time, so that a new build is seen at once.
    #[must_use]
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let known = self.etag.to_str().is_ok_and(|it| headers::is_known(request, it));
        let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer.insert_header((ETAG, self.etag.clone())).insert_header((CACHE_CONTROL, "no-cache"));
        if known { answer.finish() } else { answer.content_type(self.kind).body(self.bytes.clone()) }
    }
}
