//! What every request goes through: an id, one line in the log, a problem document for whatever goes wrong.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use ::log::Level;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web::Data};
use chrono::TimeDelta;
use futures_util::FutureExt;
use kernel::{RequestId, fresh_id};

use crate::contract::Contract;
use crate::headers::misdirected;
use crate::metrics::Watched;
use crate::rates::{Class, Paid};
use crate::{Problem, State, cors, pages, problem, trail};

/// Names a request, in what was sent and in the answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id: as the caller named it, if in the right form; else ours.
#[derive(Clone)]
struct Named(Arc<str>);

/// Who called, for the log and the trail; the extractor of callers leaves it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Their id, once the database knew them.
    pub id: Option<Arc<str>>,
    /// The program by which they called.
    pub client: Arc<str>,
    /// The emergency access under which they read.
    pub emergency: Option<String>,
    /// Whether what they asked for shows members' data.
    pub phi: bool,
}

/// The same, kept where the frame still has it after a handler panicked.
#[derive(Clone, Default)]
struct Whom(Rc<RefCell<Option<Known>>>);

/// Leaves who called.
pub(crate) fn know(request: &HttpRequest, it: Known) {
    if let Some(whom) = request.extensions().get::<Whom>() {
        whom.0.replace(Some(it));
    }
}

/// Who called, as far as that was found out.
pub(crate) fn known(request: &HttpRequest) -> Option<Known> {
    request.extensions().get::<Whom>().and_then(|it| it.0.borrow().clone())
}

/// Why a request was refused, for the trail: the slug of the problem.
pub(crate) struct Refused(pub(crate) String);

/// Where tokens are asked for.
const TOKEN: &str = "/v1/oauth/token";

/// The operations that are asked again and again, by whoever watches the service.
const HEALTH: [&str; 2] = ["get_live", "get_ready"];

/// The request's id.
#[must_use]
pub fn request_id(request: &HttpRequest) -> Arc<str> {
    request.extensions().get::<Named>().map_or_else(|| "".into(), |it| Arc::clone(&it.0))
}

/// Runs a request in its frame.
///
/// # Errors
/// A problem, where a handler panicked: the process and the others live on (L-11).
pub async fn frame<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<State>>().cloned();
    let now = || state.as_ref().map(|it| it.clock.now()).unwrap_or_default();
    let started = now();
    let named = request.headers().get(REQUEST_ID).and_then(|it| it.to_str().ok()).and_then(RequestId::parse);
    let id: Arc<str> = named.map_or_else(|| fresh_id("req", started).into(), |it| it.as_str().into());
    let whom = Whom::default();
    request.extensions_mut().insert(Named(Arc::clone(&id)));
    request.extensions_mut().insert(whom.clone());
    let method = request.method().clone();
    if method == Method::HEAD {
        // The server leaves out the body of whatever it answers to HEAD.
        request.head_mut().method = Method::GET;
    }

    let contract = request.app_data::<Data<Contract>>().cloned();
    let counted = contract.as_ref().map_or("none", |it| it.counted(request.request()));
    let told = contract.as_ref().and_then(|it| it.told(request.request()));
    // The path itself isn't logged: a caller may have put anything into it.
    let route = request.match_pattern().unwrap_or_default();
    let watched = state.as_ref().map(|it| Watched::begin(it, counted));
    let refused = state.as_ref().and_then(|it| refused(it, request.request(), counted));
    let cors = state.as_ref().map(|it| cors::headers(request.headers(), &it.cors_origins));
    let cors = cors.unwrap_or_default();
    let answer = match refused {
        Some(problem) => Ok(Ok(request.error_response(problem))),
        None => AssertUnwindSafe(next.call(request))
            .catch_unwind()
            .await
            .map(|it| it.map(ServiceResponse::map_into_boxed_body)),
    };
    let Ok(answer) = answer else {
        let known = whom.0.borrow();
        if let (Some(state), Some(action)) = (&state, told) {
            trail::fell(state, action, known.as_ref(), &id);
        }
        log(Level::Info, &method, &route, 500, now() - started, &id, &caller(known.as_ref()));
        if let Some(watched) = watched {
            watched.end(500, now() - started, Some(problem::INTERNAL.slug));
        }
        let problem = suited(problem::INTERNAL.problem(), &route).about(&id);
        return Err(headers(&id)
            .into_iter()
            .chain(cors)
            .fold(problem, |it, (name, value)| it.with(name, value))
            .into());
    };
    let mut answer = as_problem(answer?, &route, &id);
    if let Some(state) = &state
        && !trail::note(state, &answer, &id)
    {
        let problem = problem::BLIND.problem().about(&id);
        answer.request().extensions_mut().insert(Refused(problem.slug().to_owned()));
        answer = answer.into_response(problem.error_response());
    }
    for (name, value) in headers(&id) {
        let own =
            [CACHE_CONTROL, CONTENT_SECURITY_POLICY].contains(&name) && answer.headers().contains_key(&name);
        if !own {
            answer.headers_mut().insert(name, value);
        }
    }
    // Whatever came from further in has what is granted to its page already.
    if !answer.headers().contains_key(VARY) {
        for (name, value) in cors {
            answer.headers_mut().insert(name, value);
        }
    }
    let paid = answer.request().extensions_mut().remove::<Paid>();
    for (name, value) in paid.into_iter().flat_map(|it| it.0) {
        answer.headers_mut().insert(name, value);
    }
    let (status, took) = (answer.status().as_u16(), now() - started);
    let fine = HEALTH.contains(&counted) && answer.status().is_success();
    let level = if fine { Level::Debug } else { Level::Info };
    log(level, &method, &route, status, took, &id, &caller(whom.0.borrow().as_ref()));
    if let Some(watched) = watched {
        let extensions = answer.request().extensions();
        watched.end(status, took, extensions.get::<Refused>().map(|it| &*it.0));
    }
    Ok(answer)
}

/// Who called, as the log names them.
fn caller(known: Option<&Known>) -> Arc<str> {
    known.and_then(|it| it.id.clone()).unwrap_or_default()
}

/// Why a request gets no further, if it doesn't: for whom it is, what it is, and whether its address may still call.
fn refused(state: &State, request: &HttpRequest, operation: &str) -> Option<Problem> {
    if !by_any_name(operation, request.peer_addr()) && !state.hosts.know(request) {
        return Some(problem::WRONG_HOST.problem());
    }
    misdirected(request.head()).or_else(|| charged(state, request, operation).err())
}

/// Whether this may be asked under any name: those who watch the service reach each node by its address. Metrics are for this machine,
/// too, whose browsers may be led here.
fn by_any_name(operation: &str, from: Option<SocketAddr>) -> bool {
    let here = from.is_none_or(|it| it.ip().to_canonical().is_loopback());
    HEALTH.contains(&operation) || (operation == "get_metrics" && !here)
}

/// Has the address pay for what no caller pays for: everything that asks for no token, but health, and what a browser asks on behalf
/// of a page that may call.
fn charged(state: &State, request: &HttpRequest, operation: &str) -> Result<(), Problem> {
    let contract = request.app_data::<Data<Contract>>();
    match contract.and_then(|it| it.told(request)) {
        Some("create_token") => state.rates.charge_address(request, Class::Token),
        Some(_) => Ok(()),
        None if HEALTH.contains(&operation) || cors::is_preflight(request.head(), &state.cors_origins) => {
            Ok(())
        }
        None => state.rates.charge_address(request, Class::Anonymous),
    }
}

/// What every answer has, unless its handler says otherwise.
pub(crate) fn headers(id: &str) -> [(HeaderName, HeaderValue); 5] {
    let id = HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static(""));
    let same = HeaderValue::from_static;
    [
        (REQUEST_ID, id),
        (X_CONTENT_TYPE_OPTIONS, same("nosniff")),
        (CACHE_CONTROL, same("no-store")),
        (CONTENT_SECURITY_POLICY, same("default-src 'none'; frame-ancestors 'none'")),
        (REFERRER_POLICY, same("no-referrer")),
    ]
}

/// The line that stands for a request in the log.
pub(crate) fn log(
    level: Level,
    method: &Method,
    route: &str,
    status: u16,
    took: TimeDelta,
    request: &str,
    caller: &str,
) {
    // A method of the caller's own could be any text.
    let standard = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let method = if standard.contains(method) { method.as_str() } else { "OTHER" };
    let micros = took.num_microseconds().unwrap_or_default();
    ::log::log!(target: "lanyard::access", level, method, route, status, micros, request, caller; "request");
}

/// A problem as those expect it who asked for a token.
fn suited(problem: Problem, route: &str) -> Problem {
    if route == TOKEN { problem.for_token() } else { problem }
}

/// Gives a problem its instance, and any other failure the form of a problem.
fn as_problem(answer: ServiceResponse, route: &str, id: &str) -> ServiceResponse {
    let own = answer.response().error().and_then(|it| it.as_error::<Problem>()).cloned();
    let failed = answer.status().is_client_error() || answer.status().is_server_error();
    let foreign = || answer.headers().get(CONTENT_TYPE).is_none_or(|it| it != "application/problem+json");
    let problem = match own {
        Some(own) => own,
        None if failed && foreign() && answer.request().method() == Method::OPTIONS => {
            problem::NOT_GRANTED.problem().with(VARY, HeaderValue::from_static("Origin"))
        }
        None if failed && foreign() => Problem::of_status(answer.status()),
        None => return answer,
    };
    if let Some(cause) = problem.cause() {
        ::log::error!(target: "lanyard::fault", cause, request = id; "a request failed");
    }
    answer.request().extensions_mut().insert(Refused(problem.slug().to_owned()));
    let page = pages::missing(&problem, answer.request());
    let negotiated = pages::negotiated(&problem, answer.request());
    let mut told = page.unwrap_or_else(|| suited(problem, route).about(id).error_response());
    // What was granted to a page of another origin holds for the problem, too.
    let granted = |it: &HeaderName| *it == VARY || it.as_str().starts_with("access-control-");
    for (name, value) in answer.headers().iter().filter(|it| granted(it.0)) {
        told.headers_mut().insert(name.clone(), value.clone());
    }
    if negotiated {
        told.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    }
    answer.into_response(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_watches_from_elsewhere_needs_no_name() {
        for (operation, from, any) in [
            ("get_live", "127.0.0.1:1", true),
            ("get_ready", "10.0.0.1:1", true),
            ("get_metrics", "10.0.0.1:1", true),
            ("get_metrics", "127.0.0.1:1", false),
            ("get_metrics", "127.0.0.2:1", false),
            ("get_metrics", "[::1]:1", false),
            ("get_metrics", "[::ffff:127.0.0.1]:1", false),
            ("get_me", "10.0.0.1:1", false),
            ("none", "10.0.0.1:1", false),
        ] {
            assert_eq!(by_any_name(operation, from.parse().ok()), any, "{operation} {from}");
        }
        assert!(!by_any_name("get_metrics", None));
    }
}
