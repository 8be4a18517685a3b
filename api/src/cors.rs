//! Which pages of other origins a browser lets call the service (I-15).

use actix_cors::Cors;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};
use actix_web::http::{Method, Uri};

use crate::hosts;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Grants these origins what the contract has, without credentials of the browser's own: a token is sent by hand.
pub fn grant(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, KEY, REQUEST_ID])
        .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER, REPLAYED, REQUEST_ID])
        .max_age(600);
    origins.iter().fold(cors, |cors, it| cors.allowed_origin(it))
}

/// Whether `it` is an origin that may be granted anything: `https`, or `http` of this machine.
#[must_use]
pub fn is_origin(it: &str) -> bool {
    let Ok(uri) = it.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let safe = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => hosts::local(authority.as_str()),
        _ => false,
    };
    // A browser sends an origin in one form only, and it is compared as text.
    safe && it == it.to_ascii_lowercase()
        && it.ends_with(authority.as_str())
        && !authority.as_str().contains('@')
}
