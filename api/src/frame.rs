//! What every request goes through: an id, one line in the log, a problem document for whatever goes wrong.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

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
#[derive(Clone)]
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

/// Why a request was refused, for the trail: the slug of the problem.
pub(crate) struct Refused(pub(crate) String);

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
    request.extensions_mut().insert(Named(Arc::clone(&id)));
    let method = request.method().clone();
    if method == Method::HEAD {
        // The server leaves out the body of whatever it answers to HEAD.
        request.head_mut().method = Method::GET;
    }

    let watched = state.as_ref().map(|it| {
        let contract = request.app_data::<Data<Contract>>();
        Watched::begin(it, contract.map_or("none", |it| it.counted(request.request())))
    });
    let known = state.as_ref().is_none_or(|it| it.hosts.know(request.request()));
    let refused = if known { misdirected(request.head()) } else { Some(problem::WRONG_HOST.problem()) };
    let refused = refused.or_else(|| state.as_ref().and_then(|it| charged(it, request.request()).err()));
    let origin = state.as_ref().and_then(|it| cors::granted(request.headers(), &it.cors_origins));
    let answer = match refused {
        Some(problem) => Ok(Ok(request.error_response(problem))),
        None => AssertUnwindSafe(next.call(request))
            .catch_unwind()
            .await
            .map(|it| it.map(ServiceResponse::map_into_boxed_body)),
    };
    let Ok(answer) = answer else {
        log(&method, "", 500, now() - started, &id, "");
        if let Some(watched) = watched {
            watched.end(500, now() - started, Some(problem::INTERNAL.slug));
        }
        let problem = problem::INTERNAL.problem().about(&id);
        return Err(headers(&id)
            .into_iter()
            .chain(origin)
            .fold(problem, |it, (name, value)| it.with(name, value))
            .into());
    };
    let mut answer = as_problem(answer?, &id);
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
    let paid = answer.request().extensions_mut().remove::<Paid>();
    for (name, value) in paid.into_iter().flat_map(|it| it.0) {
        answer.headers_mut().insert(name, value);
    }
    // The path itself isn't logged: a caller may have put anything into it.
    let route = answer.request().match_pattern().unwrap_or_default();
    let known = answer.request().extensions().get::<Known>().and_then(|it| it.id.clone());
    let caller = known.unwrap_or_default();
    let (status, took) = (answer.status().as_u16(), now() - started);
    log(&method, &route, status, took, &id, &caller);
    if let Some(watched) = watched {
        let extensions = answer.request().extensions();
        watched.end(status, took, extensions.get::<Refused>().map(|it| &*it.0));
    }
    Ok(answer)
}

/// Has the address pay for what no caller pays for: everything that asks for no token, but health.
fn charged(state: &State, request: &HttpRequest) -> Result<(), Problem> {
    let contract = request.app_data::<Data<Contract>>();
    let operation = contract.and_then(|it| it.told(request));
    match operation {
        Some("create_token") => state.rates.charge_address(request, Class::Token),
        Some(_) => Ok(()),
        None if request.path().starts_with("/healthz/") => Ok(()),
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
pub(crate) fn log(method: &Method, route: &str, status: u16, took: TimeDelta, request: &str, caller: &str) {
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
    ::log::info!(target: "lanyard::access", method, route, status, micros, request, caller; "request");
}

/// Gives a problem its instance, and any other failure the form of a problem.
fn as_problem(answer: ServiceResponse, id: &str) -> ServiceResponse {
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
    let mut told = page.unwrap_or_else(|| problem.about(id).error_response());
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
