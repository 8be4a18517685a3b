//! For operators and for those who integrate: health, the contract, the problems.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, http::header::CACHE_CONTROL};

use crate::contract::Contract;
use crate::{Problem, State, problem};

/// Whether the process lives
///
/// Answers as long as the process serves; asks nothing of the database.
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "It lives.", content_type = "text/plain", body = String)))]
#[get("/healthz/live")]
pub(crate) async fn get_live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("live\n")
}

/// Whether the service can answer
///
/// Asks the database. While it answers 503, send requests elsewhere.
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "It can.", content_type = "text/plain", body = String)))]
#[get("/healthz/ready")]
pub(crate) async fn get_ready(state: Data<State>) -> Result<HttpResponse, Problem> {
    state.store.ping().await.map_err(|_| problem::NOT_READY.problem())?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}

/// The contract, as JSON
///
/// This document (OpenAPI 3.1).
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "The contract.", content_type = "application/json", body = serde_json::Value)))]
#[get("/openapi.json")]
pub(crate) async fn get_openapi_json(contract: Data<Contract>) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CACHE_CONTROL, "no-cache")).content_type("application/json").body(contract.json)
}

/// The contract, as YAML
///
/// This document (OpenAPI 3.1).
#[utoipa::path(tag = "operators", security(()), responses((status = 200, description = "The contract.", content_type = "application/yaml", body = String)))]
#[get("/openapi.yaml")]
pub(crate) async fn get_openapi_yaml(contract: Data<Contract>) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CACHE_CONTROL, "no-cache")).content_type("application/yaml").body(contract.yaml)
}

/// What a problem means
///
/// The page that the `type` of a problem document names.
#[utoipa::path(
    tag = "operators",
    security(()),
    params(("slug" = String, Path, description = "The last part of a problem's `type`.", pattern = "^[a-z-]{1,64}$")),
    responses((status = 200, description = "The page.", content_type = "text/plain", body = String))
)]
#[get("/problems/{slug}")]
pub(crate) async fn get_problem(slug: Path<String>) -> Result<HttpResponse, Problem> {
    let found = problem::all().into_iter().find(|it| it.1 == *slug);
    let (status, slug, rule, message) = found.ok_or_else(|| problem::NO_ROUTE.problem())?;
    let rule = if rule.is_empty() { String::new() } else { format!("Rule: {rule} (docs/rules.md)\n") };
    let page = format!("{slug}\nStatus: {status}: {}\n{rule}\n{message}\n", problem::title(status));
    let mut answer = HttpResponse::Ok();
    Ok(answer.insert_header((CACHE_CONTROL, "no-cache")).content_type("text/plain; charset=utf-8").body(page))
}
