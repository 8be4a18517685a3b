//! Problem documents (RFC 9457): the one form of every answer that isn't what was asked for.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use kernel::{Fault, FaultRow, Flaw, Flaws, Kind};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request got no other answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The page that explains this kind of problem, relative to the service.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-body")]
    kind: String,
    /// What kind of problem it is.
    #[schema(value_type = String)]
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened and what to do, in sentences. Never quotes what was sent.
    detail: Cow<'static, str>,
    /// The request's id, as in `X-Request-Id`.
    instance: String,
    /// The rule that was broken, an ID of `docs/rules.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "AUT-09")]
    rule: Option<&'static str>,
    /// Every broken field at once (AUT-05).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Flaw>>, nullable = false)]
    errors: Option<Flaws>,
    /// What the caller may do instead, where the state of the thing is the obstacle.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    allowed_actions: Option<Vec<&'static str>>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    #[serde(skip)]
    cause: Option<String>,
}

/// A refusal that the gateway itself makes.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The stable name, as in `/problems/<slug>`.
    pub slug: &'static str,
    /// What is told.
    pub message: &'static str,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $slug:literal, $message:literal;)+) => {
        $($(#[$doc])* pub const $name: Refusal =
            Refusal { status: StatusCode::$status, slug: $slug, message: $message };)+

        /// Every refusal of the gateway's own.
        pub const REFUSALS: &[Refusal] = &[$($name),+];
    };
}

refusals! {
    /// Not JSON.
    UNREADABLE = BAD_REQUEST, "unreadable-body", "The body is not JSON that can be read.";
    /// A query parameter.
    PARAMETER = BAD_REQUEST, "invalid-parameter", "A query parameter is unknown, given twice or not valid.";
    /// HTTP itself.
    MALFORMED = BAD_REQUEST, "malformed-request", "The request is not one that HTTP allows.";
    /// System clients always send a key.
    KEY_REQUIRED = BAD_REQUEST, "idempotency-key-required",
        "A system client sends an Idempotency-Key with every request that creates or moves something.";
    /// A key of a wrong form.
    KEY_INVALID = BAD_REQUEST, "idempotency-key-invalid",
        "An Idempotency-Key has 1 to 255 visible ASCII characters and is sent once.";
    /// No token, or none that is valid; which of the two isn't told.
    UNAUTHENTICATED = UNAUTHORIZED, "unauthenticated",
        "Send a valid access token as `Authorization: Bearer …`. If yours has expired, get a new one.";
    /// The scope or the role is missing.
    NOT_PERMITTED = FORBIDDEN, "not-permitted",
        "This operation takes a scope that your token or your role does not have. GET /v1/me lists those that you have.";
    /// No such route.
    NO_ROUTE = NOT_FOUND, "route-not-found", "There is nothing at this path. GET /openapi.json lists what there is.";
    /// The route takes other methods.
    METHOD = METHOD_NOT_ALLOWED, "method-not-allowed", "This path takes the methods that `Allow` lists.";
    /// The client was too slow.
    TIMEOUT = REQUEST_TIMEOUT, "request-timeout", "The request did not arrive in time.";
    /// Beyond the limit.
    TOO_LARGE = PAYLOAD_TOO_LARGE, "body-too-large", "A JSON body has at most 256 kB.";
    /// Another content type, or a compressed body.
    NOT_JSON = UNSUPPORTED_MEDIA_TYPE, "not-json", "Send the body as application/json in UTF-8, not compressed.";
    /// The collected flaws.
    INVALID = UNPROCESSABLE_ENTITY, "invalid-body", "Correct the fields listed in errors, and send the body again.";
    /// If-Match is missing.
    PRECONDITION = PRECONDITION_REQUIRED, "if-match-required",
        "Send the ETag of the authorization, as you last read it, in If-Match.";
    /// If-Match is no `ETag`.
    IF_MATCH = BAD_REQUEST, "if-match-invalid", "If-Match takes one ETag as this service gave it, in its quotes.";
    /// Too large a head.
    HEAD = REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "The request's headers are too large.";
    /// A bug.
    INTERNAL = INTERNAL_SERVER_ERROR, "internal",
        "The service failed. Nothing was changed; the request id names the entry in our log.";
    /// Not now.
    NOT_READY = SERVICE_UNAVAILABLE, "not-ready", "The service can't answer at the moment. Send the request again.";
}

impl Refusal {
    /// The problem, with the message of the refusal.
    #[must_use]
    pub fn problem(self) -> Problem {
        Problem::new(self.status, self.slug, self.message)
    }

    /// The problem, with words of its own.
    #[must_use]
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(self.status, self.slug, detail)
    }
}

impl Problem {
    fn new(status: StatusCode, slug: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        let headers = match status {
            StatusCode::SERVICE_UNAVAILABLE => vec![(header::RETRY_AFTER, HeaderValue::from_static("1"))],
            StatusCode::UNAUTHORIZED => vec![(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))],
            _ => Vec::new(),
        };
        Self {
            kind: format!("/problems/{slug}"),
            title: title(status),
            status: status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            rule: None,
            errors: None,
            allowed_actions: None,
            headers,
            cause: None,
        }
    }

    /// The problem of a body with these flaws.
    #[must_use]
    pub fn invalid(flaws: Flaws) -> Self {
        Self { errors: Some(flaws), ..INVALID.problem() }
    }

    /// The problem that stands for an answer of the framework's own.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        let same = [NO_ROUTE, METHOD, TIMEOUT, TOO_LARGE, NOT_JSON, HEAD, NOT_READY].into_iter();
        match same.into_iter().find(|it| it.status == status) {
            Some(same) => same.problem(),
            None if status.is_server_error() => INTERNAL.problem(),
            None => Self::new(status, MALFORMED.slug, MALFORMED.message),
        }
    }

    /// What the log is told of it, and no one else.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The same, about this request.
    #[must_use]
    pub fn about(self, request: &str) -> Self {
        Self { instance: request.to_owned(), ..self }
    }

    /// The same, with a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl<E: Fault> From<E> for Problem {
    fn from(fault: E) -> Self {
        let FaultRow { kind, slug, rule, .. } = fault.row();
        let status = status(kind);
        Self {
            cause: status.is_server_error().then(|| format!("{fault:?}")),
            rule: Some(rule).filter(|it| !it.is_empty()),
            allowed_actions: fault.allowed_actions().map(<[_]>::to_vec),
            ..Self::new(status, slug, fault.to_string())
        }
    }
}

/// The status of a class of faults.
#[must_use]
pub const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What a status means here, in a few words.
#[must_use]
pub fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The request can't be read",
        401 => "Who calls is not known",
        403 => "The caller may not do this",
        404 => "There is no such thing",
        405 => "The path does not take this method",
        408 => "The request took too long",
        409 => "Its present state does not permit this",
        412 => "It changed since it was read",
        413 => "The body is too large",
        415 => "The body is not of a form that can be read",
        422 => "The request breaks a rule",
        428 => "The request must say which version it means",
        431 => "The headers are too large",
        503 => "The service is not available at the moment",
        code if code >= 500 => "The service failed",
        _ => "The request was refused",
    }
}

/// Every problem that the service can answer with: status, slug, rule, message.
#[must_use]
pub fn all() -> Vec<(StatusCode, &'static str, &'static str, &'static str)> {
    let faults = [store::Error::ROWS, authorizations::Error::ROWS].concat();
    let mut all: Vec<_> = REFUSALS.iter().map(|it| (it.status, it.slug, "", it.message)).collect();
    all.extend(faults.iter().map(|it| (status(it.kind), it.slug, it.rule, it.message)));
    all.sort_unstable_by_key(|it| (it.0.as_u16(), it.1));
    all.dedup_by_key(|it| it.1);
    all
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        for header in &self.headers {
            answer.insert_header(header.clone());
        }
        answer.body(serde_json::to_vec(self).unwrap_or_default())
    }
}
