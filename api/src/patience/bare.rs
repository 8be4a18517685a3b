//! Answers where there is no request to answer: its head came too slowly, is too large, or isn't HTTP.

use ::log::Level;
use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use kernel::fresh_id;

use crate::{Problem, State, frame};

/// The bytes of the problem that stands for `status`, after which the connection ends.
pub(super) fn answer(state: &State, status: StatusCode) -> Vec<u8> {
    let now = state.clock.now();
    let id = fresh_id("req", now);
    // Of the method nothing is known.
    frame::log(Level::Info, &Method::CONNECT, "", status.as_u16(), TimeDelta::zero(), &id, "");
    let body = serde_json::to_vec(&Problem::of_status(status).about(&id)).unwrap_or_default();
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT");
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ndate: {date}\r\n"
    )
    .into_bytes();
    for (name, value) in frame::headers(&id) {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

/// The status of an answer of the framework's own, of which these are the first bytes.
pub(super) fn status(bytes: &[u8]) -> StatusCode {
    let code =
        bytes.strip_prefix(b"HTTP/1.1 ").or(bytes.strip_prefix(b"HTTP/1.0 ")).and_then(|it| it.get(..3));
    code.and_then(|it| StatusCode::from_bytes(it).ok()).unwrap_or(StatusCode::BAD_REQUEST)
}
