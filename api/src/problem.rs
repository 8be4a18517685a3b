//! Problem documents (RFC 9457): the one form of every answer that isn't what was asked for.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use kernel::{Fault, FaultRow, Flaw, FlawCode, Flaws};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::ProblemType;
pub use crate::refusal::*;

/// What the operation that gives tokens refuses for reasons that OAuth has words for.
const TOKEN: [Refusal; 5] =
    [INVALID_CLIENT, INVALID_REQUEST, UNSUPPORTED_GRANT, INVALID_SCOPE, UNAUTHORIZED_CLIENT];

/// Why a request got no other answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The page that explains this kind of problem, relative to the service.
    #[serde(rename = "type")]
    #[schema(value_type = ProblemType)]
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
    /// At the token endpoint, the word of RFC 6749 for it, such as `invalid_client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "invalid_client")]
    error: Option<Box<str>>,
    /// At the token endpoint, the same as `detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    error_description: Option<Cow<'static, str>>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    #[serde(skip)]
    cause: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, slug: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        let headers = match status {
            StatusCode::SERVICE_UNAVAILABLE => vec![(header::RETRY_AFTER, HeaderValue::from_static("1"))],
            StatusCode::UNAUTHORIZED => vec![(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))],
            _ => Vec::new(),
        };
        Self {
            kind: format!("/problems/{slug}"),
            title: title_of(slug, status),
            status: status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            rule: None,
            errors: None,
            allowed_actions: None,
            error: None,
            error_description: None,
            headers,
            cause: None,
        }
    }

    /// The problem of a body with these flaws.
    #[must_use]
    pub fn invalid(flaws: Flaws) -> Self {
        Self { errors: Some(flaws), ..INVALID.problem() }
    }

    /// The problem of query parameters with these flaws.
    #[must_use]
    pub fn of_query(flaws: Flaws) -> Self {
        Self { errors: Some(flaws), ..PARAMETER.problem() }
    }

    /// The problem of a request for a token, with the members that OAuth asks for (RFC 6749, 5.2).
    #[must_use]
    pub fn of_token(it: Refusal) -> Self {
        let error = Some(it.slug.replace('-', "_").into());
        Self { error, error_description: Some(it.message.into()), ..it.problem() }
    }

    /// The same at the token endpoint, whose clients look for those members whatever the problem is.
    #[must_use]
    pub fn for_token(self) -> Self {
        let error = self.error.clone().unwrap_or_else(|| match self.status {
            429 | 503 => "temporarily_unavailable".into(),
            500.. => "server_error".into(),
            _ => "invalid_request".into(),
        });
        Self { error: Some(error), error_description: Some(self.detail.clone()), ..self }
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

    /// What the problem may look like: the message's places are filled, and fields and moves are some that there are.
    #[must_use]
    pub fn example(it: Refusal) -> Self {
        let grant = it.slug.starts_with("grant-");
        let (status, action) = if grant { ("active", "approve") } else { ("APPROVED", "deny") };
        let filled = it.message.replace("{status}", status).replace("{action}", action);
        let problem = match it.slug {
            _ if TOKEN.iter().any(|of| of.slug == it.slug) => Self::of_token(it),
            _ => it.because(filled.replace("{role}", "platform_operator")),
        };
        let mut flaws = Flaws::default();
        if it.slug == INVALID.slug {
            flaws.broken("AUT-18", "/lines/0/units", FlawCode::Range, "Must be 1 to 9999.");
            flaws.broken("AUT-11", "/member_id", FlawCode::Required, "Is required.");
        } else if it.slug == PARAMETER.slug {
            flaws.add("/limit", FlawCode::Range, "Must be 1 to 200.");
        }
        let moves = it.slug.ends_with("-action-not-permitted");
        Self {
            rule: Some(it.rule).filter(|it| !it.is_empty()),
            errors: Some(flaws).filter(|it| !it.is_empty()),
            allowed_actions: moves.then(|| vec![if grant { "withdraw" } else { "close" }]),
            ..problem.about("req_019ad0c7a4b37c10a1b2c3d4e5f60718")
        }
    }

    /// Its stable name, as in `/problems/<slug>`.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.kind.trim_start_matches("/problems/")
    }

    /// Whether one of the broken fields has this code.
    #[must_use]
    pub fn has(&self, code: FlawCode) -> bool {
        self.errors.iter().flat_map(Flaws::iter).any(|it| it.code == code)
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
