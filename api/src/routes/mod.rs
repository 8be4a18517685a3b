//! The routes, each with its document.

mod authorization_body;
mod authorization_page;
mod authorizations;
mod me;
mod operators;
mod party_body;

use std::sync::LazyLock;

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::OpenApi;

use crate::{Problem, openapi, problem};

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
    me::get_me,
    operators::get_live,
    operators::get_ready,
    operators::get_openapi_json,
    operators::get_openapi_yaml,
    operators::get_problem,
}

/// Each path of the contract, and the methods that it takes.
static METHODS: LazyLock<Vec<(ResourceDef, String)>> = LazyLock::new(|| {
    let paths = openapi::document().paths.paths;
    let methods = |path: &str, item: utoipa::openapi::PathItem| {
        let all = [(Method::GET, item.get), (Method::POST, item.post)];
        let names: Vec<_> = all.iter().filter(|it| it.1.is_some()).map(|it| it.0.as_str()).collect();
        (ResourceDef::new(path), names.join(", "))
    };
    paths.into_iter().map(|(path, item)| methods(&path, item)).collect()
});

/// Whatever no route takes: a path that isn't there, or a method that its path doesn't take.
pub(crate) async fn unmatched(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let known = METHODS.iter().find(|it| it.0.is_match(request.path()));
    let allow = known.and_then(|it| HeaderValue::from_str(&it.1).ok());
    Err(match allow {
        Some(allow) => problem::METHOD.problem().with(ALLOW, allow),
        None => problem::NO_ROUTE.problem(),
    })
}
