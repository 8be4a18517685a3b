//! What every request goes through: an id, one line in the log, a problem document for whatever goes wrong.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web::Data};
use futures_util::FutureExt;
use kernel::{RequestId, fresh_id};

use crate::{Problem, State, problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id, and who it turned out to be from.
#[derive(Clone)]
pub struct Context {
    /// As the caller named it, if in the right form; else ours.
    pub request: Arc<str>,
}

/// Who called, for the log; the extractor of callers leaves it.
#[derive(Clone)]
pub struct Known(pub Arc<str>);

/// The request's id.
#[must_use]
pub fn request_id(request: &HttpRequest) -> Arc<str> {
    request.extensions().get::<Context>().map_or_else(|| "".into(), |it| Arc::clone(&it.request))
}

/// Runs a request in its frame.
///
/// # Errors
/// A problem, where a handler panicked: the process and the others live on (L-11).
pub async fn frame<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<State>>().cloned();
    let now = || state.as_ref().map(|it| it.clock.now()).unwrap_or_default();
    let started = now();
    let named = request.headers().get(REQUEST_ID).and_then(|it| it.to_str().ok()).and_then(RequestId::parse);
    let id: Arc<str> = named.map_or_else(|| fresh_id("req", started).into(), |it| it.as_str().into());
    request.extensions_mut().insert(Context { request: Arc::clone(&id) });
    let method = request.method().clone();

    let Ok(answer) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        ::log::error!(target: "lanyard::fault", request = &*id; "a handler panicked");
        return Err(problem::INTERNAL.problem().about(&id).into());
    };
    let mut answer = as_problem(answer?.map_into_boxed_body(), &id);
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    // The path itself isn't logged: a caller may have put anything into it.
    let route = answer.request().match_pattern().unwrap_or_default();
    let caller = answer.request().extensions().get::<Known>().map(|it| Arc::clone(&it.0)).unwrap_or_default();
    let (status, micros) = (answer.status().as_u16(), (now() - started).num_microseconds());
    ::log::info!(
        target: "lanyard::access", method = method.as_str(), route = &*route, status, micros = micros.unwrap_or_default(),
        request = &*id, caller = &*caller; "request"
    );
    Ok(answer)
}

/// Gives a problem its instance, and any other failure the form of a problem.
fn as_problem(answer: ServiceResponse, id: &str) -> ServiceResponse {
    let own = answer.response().error().and_then(|it| it.as_error::<Problem>()).cloned();
    let failed = answer.status().is_client_error() || answer.status().is_server_error();
    let foreign = || answer.headers().get(CONTENT_TYPE).is_none_or(|it| it != "application/problem+json");
    let problem = match own {
        Some(own) => own,
        None if failed && foreign() => Problem::of_status(answer.status()),
        None => return answer,
    };
    answer.into_response(problem.about(id).error_response())
}
