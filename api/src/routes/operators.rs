//! For operators and for those who integrate: health, the contract, the problems.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};

use crate::contract::{Contract, Public};
use crate::{Problem, State, pages, problem};

/// Whether the process lives
///
/// Answers as long as the process serves; asks nothing of the database.
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "It lives.", content_type = "text/plain", body = String)))]
#[get("/healthz/live")]
pub(crate) async fn get_live(_: Public) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("live\n")
}

/// Whether the service can answer
///
/// Asks the database. While it answers 503, send requests elsewhere.
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "It can.", content_type = "text/plain", body = String)))]
#[get("/healthz/ready")]
pub(crate) async fn get_ready(_: Public, state: Data<State>) -> Result<HttpResponse, Problem> {
    let ping = async { state.store.ping().await.is_ok() };
    if !state.ready.ask(ping).await {
        return Err(problem::NOT_READY.problem());
    }
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}

/// Numbers for those who watch the service
///
/// In Prometheus's text format: requests by operation, the database, the process, and what waits to be done. It tells nothing of
/// members and callers. Only who is on the same machine may read it, and whoever the operators name; for others it isn't there.
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "The numbers.", content_type = "text/plain", body = String)))]
#[get("/metrics")]
pub(crate) async fn get_metrics(
    _: Public,
    state: Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if !state.metrics.scrapers.know(&request) {
        return Err(problem::NO_ROUTE.problem());
    }
    Ok(HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(state.scrape().await))
}

/// The contract, as JSON
///
/// This document (OpenAPI 3.1).
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "The contract.", content_type = "application/json", body = serde_json::Value, headers(("ETag" = String, description = "Its version."))), (status = 304, description = "It is as you have it.")), params(("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force.")))]
#[get("/openapi.json")]
pub(crate) async fn get_openapi_json(
    _: Public,
    contract: Data<Contract>,
    request: HttpRequest,
) -> HttpResponse {
    contract.json.answer(&request)
}

/// The contract, as YAML
///
/// This document (OpenAPI 3.1).
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "The contract.", content_type = "application/yaml", body = serde_json::Value, headers(("ETag" = String, description = "Its version."))), (status = 304, description = "It is as you have it.")), params(("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force.")))]
#[get("/openapi.yaml")]
pub(crate) async fn get_openapi_yaml(
    _: Public,
    contract: Data<Contract>,
    request: HttpRequest,
) -> HttpResponse {
    contract.yaml.answer(&request)
}

/// What a problem means
///
/// The page that the `type` of a problem document names. Where there is none, who would rather have `text/html` gets a page as well.
#[utoipa::path(
    tag = "operators",
    security(()),
    params(
        ("slug" = String, Path, description = "The last part of a problem's `type`.", pattern = "^[a-z-]{1,64}$", example = "invalid-body"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force.")
    ),
    responses(
        (status = 200, description = "The page.", content_type = "text/html", body = String, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it.")
    )
)]
#[get("/problems/{slug}")]
pub(crate) async fn get_problem(slug: Path<String>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    pages::of_problem(&slug, &request)
}
