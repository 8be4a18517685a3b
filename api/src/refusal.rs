//! Why a request is refused: the gateway's own reasons, and what each status asks of the client.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use kernel::{FaultRow, Kind};

use crate::Problem;

/// A reason to refuse a request.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The stable name, as in `/problems/<slug>`.
    pub slug: &'static str,
    /// The rule of `docs/rules.md` that causes it; empty where none does.
    pub rule: &'static str,
    /// What is told, with the places to fill in.
    pub message: &'static str,
    /// What it means, in Markdown.
    pub about: &'static str,
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])* $name:ident = $status:ident, $slug:literal, $message:literal;)+) => {
        $($(#[doc = $doc])* pub const $name: Refusal = Refusal {
            status: StatusCode::$status, slug: $slug, rule: "", message: $message,
            about: concat!($($doc),*).trim_ascii(),
        };)+

        /// Every refusal of the gateway's own.
        pub const REFUSALS: &[Refusal] = &[$($name),+];
    };
}

refusals! {
    /// The bytes of the body aren't JSON as RFC 8259 has it: a syntax error, a member named twice, lists and objects nested
    /// more than 16 deep, text that isn't UTF-8. `detail` says where. Or the body ended too early, or came in chunks that are none
    /// (RFC 9112), and the connection ends.
    UNREADABLE = BAD_REQUEST, "unreadable-body", "The body is not JSON that can be read.";
    /// The query has a parameter that the operation doesn't take, the same one twice, or a value of the wrong form. `errors` lists
    /// all of them at once, with `/` and the name as the pointer; among
    /// them a cursor that was made for another list or another caller.
    PARAMETER = BAD_REQUEST, "invalid-parameter", "Correct the query parameters listed in errors, and send the request again.";
    /// HTTP allows the request, and this service doesn't: its target is no path (`OPTIONS *`), or it asks for another protocol
    /// (`Upgrade: websocket`). Or its bytes aren't HTTP at all (RFC 9112), and the connection ends.
    MALFORMED = BAD_REQUEST, "malformed-request", "The request is not one that HTTP allows.";
    /// `Host` names a service that this one isn't. A browser that was led here under a name of someone else's learns nothing.
    WRONG_HOST = BAD_REQUEST, "wrong-host", "Send the request to the name that the plan gave you: `Host` says another.";
    /// A program that retries without a key does things twice, so a system client must send one.
    KEY_REQUIRED = BAD_REQUEST, "idempotency-key-required",
        "A system client sends an Idempotency-Key with every request that creates or moves something.";
    /// The key is empty, too long, sent twice, or has characters that a header shouldn't.
    KEY_INVALID = BAD_REQUEST, "idempotency-key-invalid",
        "An Idempotency-Key has 1 to 255 visible ASCII characters and is sent once.";
    /// There is no access token, or it is expired, not yet valid, of another issuer, for another audience, signed with a key that
    /// isn't in force, or of someone whom the plan doesn't know. Which of these isn't told.
    UNAUTHENTICATED = UNAUTHORIZED, "unauthenticated",
        "Send a valid access token as `Authorization: Bearer …`. If yours has expired, get a new one.";
    /// What the client asserted to prove who it is isn't good: not signed with a key that it has on record, for another audience,
    /// expired, good for longer than five minutes, or taken before. Or the plan doesn't know the client, or no longer. Which of
    /// these isn't told. `error` is `invalid_client` (RFC 6749).
    INVALID_CLIENT = UNAUTHORIZED, "invalid-client",
        "Send a new assertion, signed with a key that the plan has on record, for each token.";
    /// A parameter is missing, sent twice or of another form. `error` is `invalid_request` (RFC 6749).
    INVALID_REQUEST = BAD_REQUEST, "invalid-request",
        "Send grant_type, client_assertion_type and client_assertion, each once, as application/x-www-form-urlencoded.";
    /// Tokens are given for `client_credentials` only; people get theirs from the plan's OpenID provider. `error` is
    /// `unsupported_grant_type` (RFC 6749).
    UNSUPPORTED_GRANT = BAD_REQUEST, "unsupported-grant-type", "The grant_type must be client_credentials.";
    /// None of the scopes asked for is one that the client may have. `error` is `invalid_scope` (RFC 6749).
    INVALID_SCOPE = BAD_REQUEST, "invalid-scope",
        "Ask for scopes that your client was registered with and that its roles permit, or leave scope out to get all of them.";
    /// The client has no role in force: no site has delegated anything to it, or none does any more. `error` is
    /// `unauthorized_client` (RFC 6749).
    UNAUTHORIZED_CLIENT = BAD_REQUEST, "unauthorized-client",
        "No site has delegated anything to this client: ask the plan, or the site, for a delegation.";
    /// The operation takes a scope, and both the token and the role that the plan gave the caller must have it.
    NOT_PERMITTED = FORBIDDEN, "not-permitted",
        "This operation takes a scope that your token or your role does not have. GET /v1/me lists those that you have.";
    /// What the operation does takes a login of a few minutes ago by more than a password, and the token's `acr` and `auth_time`
    /// say otherwise (RFC 9470).
    STEP_UP = UNAUTHORIZED, "step-up-required",
        "Have the user log in anew, with a second factor, and send the request with the token of that login.";
    /// The header `Emergency-Access` names none that is yours and still open, or comes with an operation that it doesn't open.
    NO_EMERGENCY = FORBIDDEN, "no-emergency-access",
        "The emergency access named is not yours, is over, or does not open this. POST /v1/emergency-access opens one.";
    /// A browser asked for a page of another origin whether it may call (CORS). The plan hasn't named this origin, or the page would
    /// use a method or a header that no operation takes.
    NOT_GRANTED = FORBIDDEN, "origin-not-permitted",
        "Pages of this origin may not send this: ask the plan to name the origin, and send only the methods and headers of the contract.";
    /// No operation has this path.
    NO_ROUTE = NOT_FOUND, "route-not-found", "There is nothing at this path. GET /openapi.json lists what there is.";
    /// The path is there, and takes other methods.
    METHOD = METHOD_NOT_ALLOWED, "method-not-allowed", "This path takes the methods that `Allow` lists.";
    /// The head of the request wasn't there 5 seconds after it began, or the service waited for its body for more than 10 seconds, or
    /// the body took more than 60. These are the defaults; the connection ends.
    TIMEOUT = REQUEST_TIMEOUT, "request-timeout", "The request did not arrive in time.";
    /// No honest body is that large.
    TOO_LARGE = PAYLOAD_TOO_LARGE, "body-too-large", "A JSON body has at most 256 kB.";
    /// The body has another content type or charset, or two of them, or is compressed. It wasn't read.
    NOT_JSON = UNSUPPORTED_MEDIA_TYPE, "not-json", "Send the body as application/json in UTF-8, not compressed.";
    /// The body was read, and fields of it break rules. `errors` lists all of them at once (AUT-05), each with a JSON pointer
    /// (RFC 6901), a code, the rule and a sentence.
    INVALID = UNPROCESSABLE_ENTITY, "invalid-body", "Correct the fields listed in errors, and send the body again.";
    /// A change must say which version it is meant for, so that no one's change is lost.
    PRECONDITION = PRECONDITION_REQUIRED, "if-match-required",
        "Send the ETag of the thing, as you last read it, in If-Match.";
    /// `If-Match` is `*`, a list, a weak `ETag` (`W/`), without quotes, or none of this service's.
    IF_MATCH = BAD_REQUEST, "if-match-invalid", "If-Match takes one ETag as this service gave it, in its quotes.";
    /// The caller called too often, or the address did from which calls without a good token come, or they asked too often for what
    /// isn't there. `RateLimit` and `RateLimit-Policy` say how often they may, in the form of an IETF draft
    /// (draft-ietf-httpapi-ratelimit-headers). Nothing was looked at or changed.
    TOO_MANY = TOO_MANY_REQUESTS, "too-many-requests", "Wait as many seconds as Retry-After says, and call less often.";
    /// The request line and the headers together are larger than any honest request's. The connection ends.
    HEAD = REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "The request's headers are too large.";
    /// The service itself is wrong. What failed is in its log under the request's id.
    INTERNAL = INTERNAL_SERVER_ERROR, "internal",
        "The service failed. Nothing was changed; the request id names the entry in our log.";
    /// The service can't tell its trail who sees what, and so shows no member's data.
    BLIND = SERVICE_UNAVAILABLE, "trail-unavailable",
        "The service can't record who sees what at the moment, and so shows nothing of members. Send the request again.";
    /// The service starts, stops, or has lost its database.
    NOT_READY = SERVICE_UNAVAILABLE, "not-ready", "The service can't answer at the moment. Send the request again.";
}

/// What each status means here, and what the client does next, in Markdown.
#[rustfmt::skip]
const STATUSES: &[(u16, &str, &str)] = &[
    (400, "The request can't be read",
     "Correct the program: sent again as it is, the request gets the same answer. Nothing was changed."),
    (401, "Who calls is not known",
     "Prove anew who calls, with a new token or a new login, and send the request again; once, not in a loop."),
    (403, "The caller may not do this",
     "Don't send it again. `GET /v1/me` shows your sites and scopes; ask the plan for what is missing."),
    (404, "There is no such thing",
     "Check the path and the ID. What belongs to sites that aren't yours is not there for you, so the two look the same."),
    (405, "The path does not take this method",
     "Use one of the methods that the header `Allow` lists."),
    (408, "The request took too long",
     "Send it again, on a new connection, with the same `Idempotency-Key` if it has one."),
    (409, "Its present state does not permit this",
     "Read it again, and send the request again only if it still makes sense; `allowed_actions`, where it is there, lists what \
      is permitted instead."),
    (412, "It changed since it was read",
     "Read it again, look at what changed, and send the request with the new `ETag` if you still mean it."),
    (413, "The body is too large",
     "Send less: the limits are in the contract."),
    (415, "The body is not of a form that can be read",
     "Send the body as the contract says, with its `Content-Type` and without a `Content-Encoding`."),
    (422, "The request breaks a rule",
     "Show the user what `errors` and `detail` say, correct it, and send it as a new request. Nothing was changed."),
    (428, "The request must say which version it means",
     "Read the thing, and send its `ETag` in `If-Match`."),
    (429, "There were too many requests",
     "Wait as many seconds as `Retry-After` says, and send the same request again, with the same `Idempotency-Key`. Watch \
      `RateLimit` to stay below: `r` is how many more requests are answered at once, and `t` in how many seconds it is whole again."),
    (431, "The headers are too large",
     "Send fewer or shorter headers, on a new connection."),
    (500, "The service failed",
     "Nothing is wrong with the request. Tell the plan the `instance`; send it again with the same `Idempotency-Key`, if it has one."),
    (503, "The service is not available at the moment",
     "Wait as many seconds as `Retry-After` says, longer each time, and send the same request again, with the same `Idempotency-Key`."),
];

fn words(status: StatusCode) -> (&'static str, &'static str) {
    let code = if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        500
    } else {
        status.as_u16()
    };
    let found = STATUSES.iter().find(|it| it.0 == code);
    found.map_or(("The request was refused", STATUSES[0].2), |it| (it.1, it.2))
}

/// Where a problem's title isn't that of its status.
const OTHERS: &[(&str, &str)] = &[(STEP_UP.slug, "The login is too old or too weak")];

impl Refusal {
    /// What kind of problem it is, in a few words.
    #[must_use]
    pub fn title(&self) -> &'static str {
        title_of(self.slug, self.status)
    }
}

/// What kind of problem `slug` is, in a few words: mostly what its status means.
#[must_use]
pub fn title_of(slug: &str, status: StatusCode) -> &'static str {
    OTHERS.iter().find(|it| it.0 == slug).map_or_else(|| title(status), |it| it.1)
}

/// What a status means here, in a few words.
#[must_use]
pub fn title(status: StatusCode) -> &'static str {
    words(status).0
}

/// What a client does about an answer of this status, in Markdown.
#[must_use]
pub fn remedy(status: StatusCode) -> &'static str {
    words(status).1
}

impl Refusal {
    /// The problem, with the message of the refusal.
    #[must_use]
    pub fn problem(self) -> Problem {
        self.because(self.message)
    }

    /// The problem, with words of its own.
    #[must_use]
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(self.status, self.slug, detail)
    }
}

impl From<FaultRow> for Refusal {
    fn from(FaultRow { kind, slug, rule, message, about }: FaultRow) -> Self {
        Self { status: status(kind), slug, rule, message, about }
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

/// Every reason for which the service refuses a request, by status and slug.
#[must_use]
pub fn all() -> Vec<Refusal> {
    let faults = [
        store::Error::ROWS,
        authorizations::Error::ROWS,
        registry::ClientError::ROWS,
        access::Error::ROWS,
        webhooks::Error::ROWS,
    ]
    .concat();
    // The gateway's own words first, where two have the same name.
    let mut all: Vec<Refusal> =
        REFUSALS.iter().copied().chain(faults.into_iter().map(Refusal::from)).collect();
    all.sort_by_key(|it| (it.status.as_u16(), it.slug));
    all.dedup_by_key(|it| it.slug);
    all
}
