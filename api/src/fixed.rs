//! Answers that are the same for as long as a build runs: the contract, and the parts of the pages.

use std::io::Write;

use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::headers;

/// Beyond so many bytes a text is worth compressing.
const WORTH: usize = 1024;

/// A text of the build's, as it is and compressed, each with its `ETag`.
pub struct Fixed {
    kind: &'static str,
    plain: (Bytes, HeaderValue),
    gzip: (Bytes, HeaderValue),
}

impl Fixed {
    /// The text `bytes` of this content type.
    ///
    /// # Panics
    /// Never: a digest is a header value.
    #[must_use]
    pub fn new(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = format!("{:.32}", format!("{:x}", Sha256::digest(&bytes)));
        let etag = |tail: &str| HeaderValue::from_str(&format!("\"{digest}{tail}\"")).expect("a digest");
        let gzip = Bytes::from(gzip(&bytes));
        Self { kind, plain: (bytes, etag("")), gzip: (gzip, etag("-gzip")) }
    }

    /// It, compressed for whoever takes that; or that it is still the one that the client has. A cache asks each time, so that a new
    /// build is seen at once.
    #[must_use]
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let small = takes_gzip(request) && self.plain.0.len() > WORTH;
        let (bytes, etag) = if small { &self.gzip } else { &self.plain };
        let known = etag.to_str().is_ok_and(|it| headers::is_known(request, it));
        let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer.insert_header((ETAG, etag.clone())).insert_header((CACHE_CONTROL, "no-cache"));
        answer.insert_header((VARY, "Accept-Encoding"));
        if known {
            return answer.finish();
        }
        if small {
            answer.insert_header((CONTENT_ENCODING, "gzip"));
        }
        answer.content_type(self.kind).body(bytes.clone())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut into = GzEncoder::new(Vec::new(), Compression::best());
    into.write_all(bytes).and_then(|()| into.finish()).expect("memory takes all that is written")
}

/// Whether whoever asks takes gzip: it is named, or all are, and not refused by `q=0`.
fn takes_gzip(request: &HttpRequest) -> bool {
    let sent = request.headers().get_all(ACCEPT_ENCODING).filter_map(|it| it.to_str().ok());
    let mut all: Vec<_> =
        sent.flat_map(|it| it.split(',')).map(|it| it.trim().to_ascii_lowercase()).collect();
    // What is named counts before the asterisk.
    all.sort_by_key(|it| it.starts_with('*'));
    let found = all.iter().find(|it| ["gzip", "*"].contains(&it.split(';').next().unwrap_or("").trim()));
    found.is_some_and(|it| {
        let weight = it.split(';').skip(1).find_map(|it| it.trim().strip_prefix("q="));
        weight.is_none_or(|it| it.trim().parse::<f32>().is_ok_and(|it| it > 0.0))
    })
}
