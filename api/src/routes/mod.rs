//! The routes, each with its document.

mod authorization_body;
mod authorization_page;
mod authorizations;
mod diagnosis_codes;
mod me;
mod members;
mod operators;
mod party_body;
mod providers;

use actix_web::http::header::ALLOW;
use actix_web::web::{Data, ServiceConfig};
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
            $(service.service($module::$handler);)+
        }
    };
}

routes! {
    authorizations::create_authorization,
    authorizations::list_authorizations,
    authorizations::get_authorization,
    authorizations::close_authorization,
    members::search_members,
    providers::list_providers,
    diagnosis_codes::list_diagnosis_codes,
    me::get_me,
    operators::get_live,
    operators::get_ready,
    operators::get_openapi_json,
    operators::get_openapi_yaml,
    operators::get_problem,
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
