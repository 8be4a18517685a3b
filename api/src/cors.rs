//! Which pages of other origins a browser lets call the service (I-15).

use actix_cors::Cors;
use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, ORIGIN,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};

use crate::caller;
use crate::frame::REQUEST_ID;
use crate::hosts::Host;
use crate::rates::{LEFT, POLICY};

const EMERGENCY: HeaderName = HeaderName::from_static(caller::EMERGENCY);
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a page may read of an answer's head.
const EXPOSED: [HeaderName; 9] =
    [ETAG, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE, REPLAYED, REQUEST_ID, LEFT, POLICY];

/// Grants these origins what the contract has, without credentials of the browser's own: a token is sent by hand.
pub fn grant(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::PATCH, Method::POST, Method::PUT])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, KEY, REQUEST_ID, EMERGENCY])
        .expose_headers(EXPOSED)
        .max_age(600);
    origins.iter().fold(cors, |cors, it| cors.allowed_origin(it))
}

/// The origin of the page that sent this, if it may call.
fn granted<'h>(sent: &'h HeaderMap, origins: &[String]) -> Option<&'h HeaderValue> {
    sent.get(ORIGIN).filter(|origin| origins.iter().any(|it| *origin == it))
}

/// Whether a browser asks what a page may send that may call.
#[must_use]
pub fn is_preflight(head: &RequestHead, origins: &[String]) -> bool {
    let asked = head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    asked && granted(&head.headers, origins).is_some()
}

/// What an answer tells the page that sent this, where the rest has no part in it.
#[must_use]
pub fn headers(sent: &HeaderMap, origins: &[String]) -> Vec<(HeaderName, HeaderValue)> {
    if origins.is_empty() {
        return Vec::new();
    }
    let mut told = vec![(VARY, HeaderValue::from_static("Origin"))];
    if let Some(origin) = granted(sent, origins) {
        told.push((ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
        let exposed = EXPOSED.each_ref().map(HeaderName::as_str).join(", ");
        told.extend(exposed.parse().map(|it| (ACCESS_CONTROL_EXPOSE_HEADERS, it)));
    }
    told
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
