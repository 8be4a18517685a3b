//! The routes, each with its document.

mod asked;
mod authorization_body;
mod authorization_lists;
mod authorization_moves;
mod authorization_page;
mod authorizations;
mod client_body;
mod clients;
mod deadlines;
mod decision_body;
mod delegations;
mod diagnosis_codes;
mod eligibility;
mod emergencies;
mod jobs;
mod line_body;
mod me;
mod members;
mod metadata;
mod operators;
mod party_body;
mod policy;
mod providers;
mod services;
mod tokens;
mod trail;
mod user_body;
mod user_moves;
mod users;
mod webhook_body;
mod webhook_moves;
mod webhooks;

use actix_web::guard::{Not, Post};
use actix_web::http::header::ALLOW;
use actix_web::web::{Data, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use utoipa::OpenApi;

use crate::contract::Contract;
use crate::{Problem, problem};

/// Registers each handler both with the server and with the contract.
macro_rules! routes {
    ($($module:ident::$handler:ident),+ $(,)?) => {
        /// The operations of the contract, as the handlers describe them.
        #[derive(OpenApi)]
        #[openapi(paths($($module::$handler),+))]
        pub(crate) struct Operations;

        /// Registers every route.
        pub(crate) fn configure(service: &mut ServiceConfig) {
            // Else GET /v1/authorizations/{id} would look for an authorization of this ID.
            service.service(resource("/v1/authorizations/search").guard(Not(Post())).to(unmatched));
            $(service.service($module::$handler);)+
        }
    };
}

routes! {
    authorizations::create_authorization,
    authorization_lists::list_authorizations,
    authorization_lists::search_authorizations,
    authorizations::get_authorization,
    authorization_moves::decide_authorization,
    authorization_moves::close_authorization,
    eligibility::get_eligibility,
    services::list_services,
    services::list_procedure_codes,
    policy::get_policy,
    members::search_members,
    providers::list_providers,
    diagnosis_codes::list_diagnosis_codes,
    me::get_me,
    deadlines::list_deadlines,
    jobs::list_jobs,
    trail::list_trail,
    trail::search_trail,
    emergencies::open_emergency_access,
    emergencies::list_emergency_accesses,
    emergencies::get_emergency_access,
    emergencies::review_emergency_access,
    clients::create_client,
    clients::list_clients,
    clients::get_client,
    clients::replace_client_keys,
    clients::disable_client,
    tokens::create_token,
    users::list_users,
    users::create_user,
    users::get_user,
    user_moves::grant_role,
    user_moves::approve_grant,
    user_moves::withdraw_grant,
    user_moves::disable_user,
    user_moves::enable_user,
    delegations::list_delegations,
    delegations::record_delegation,
    delegations::end_delegation,
    webhooks::list_events,
    webhooks::create_webhook,
    webhooks::list_webhooks,
    webhooks::get_webhook,
    webhooks::change_webhook,
    webhooks::list_webhook_deliveries,
    webhook_moves::rotate_webhook,
    webhook_moves::test_webhook,
    webhook_moves::disable_webhook,
    webhook_moves::enable_webhook,
    webhook_moves::replay_webhook,
    operators::get_live,
    operators::get_ready,
    operators::get_metrics,
    operators::get_openapi_json,
    operators::get_openapi_yaml,
    operators::get_problem,
    metadata::get_jwks,
    metadata::get_authorization_server,
    metadata::get_smart_configuration,
}

/// Whatever no route takes: a path that isn't there, or a method that its path doesn't take.
pub(crate) async fn unmatched(
    contract: Data<Contract>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Err(match contract.allow(request.path()) {
        Some(allow) => problem::METHOD.problem().with(ALLOW, allow),
        None => problem::NO_ROUTE.problem(),
    })
}
