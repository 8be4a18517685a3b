//! Which pages of other origins a browser lets call the service (I-15).

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, ORIGIN, RETRY_AFTER,
};

use crate::caller;
use crate::frame::REQUEST_ID;
use crate::hosts::Host;
use crate::rates::{LEFT, POLICY};

const EMERGENCY: HeaderName = HeaderName::from_static(caller::EMERGENCY);
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Grants these origins what the contract has, without credentials of the browser's own: a token is sent by hand.
pub fn grant(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::PATCH, Method::POST, Method::PUT])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, KEY, REQUEST_ID, EMERGENCY])
        .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER, REPLAYED, REQUEST_ID, LEFT, POLICY])
        .max_age(600);
    origins.iter().fold(cors, |cors, it| cors.allowed_origin(it))
}

/// The grant to the page that sent this, for an answer that the rest has no part in.
#[must_use]
pub fn granted(sent: &HeaderMap, origins: &[String]) -> Option<(HeaderName, HeaderValue)> {
    let origin = sent.get(ORIGIN)?;
    origins.iter().any(|it| origin == it).then(|| (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()))
}

/// Whether `it` is an origin that may be granted anything, in the one form in which a browser sends it: `https`, or `http` of this
/// machine.
#[must_use]
pub fn is_origin(it: &str) -> bool {
    let Some((scheme, host)) = it.split_once("://") else { return false };
    let Some(host) = Host::parse(host) else { return false };
    let usual = match scheme {
        "https" => 443,
        "http" if host.is_loopback() => 80,
        _ => return false,
    };
    host.port != Some(usual) && it == format!("{scheme}://{host}")
}
