//! The contract: what the handlers say of themselves, and what holds for all of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContactBuilder, Content, ContentBuilder, Info, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr,
    ResponseBuilder, ServerBuilder, tag,
};
use utoipa::{OpenApi as _, ToSchema};

use crate::contract::Contract;
use crate::problem::{Problem, all, title};
use crate::routes::Operations;

/// An operation's example, which the tests send and compare: its id, the request's body, the answer's body.
pub const EXAMPLES: &[(&str, Option<&str>, &str)] = &[
    (
        "create_authorization",
        Some(include_str!("examples/create_authorization.request.json")),
        include_str!("examples/create_authorization.json"),
    ),
    ("get_authorization", None, include_str!("examples/get_authorization.json")),
    ("list_authorizations", None, include_str!("examples/list_authorizations.json")),
    (
        "close_authorization",
        Some(include_str!("examples/close_authorization.request.json")),
        include_str!("examples/close_authorization.json"),
    ),
    ("get_me", None, include_str!("examples/get_me.json")),
];

const ABOUT: &str = include_str!("openapi.md");

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(assemble);
static JSON: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_pretty_json().expect("a document"));
static YAML: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_yaml().expect("a document"));

/// The contract, as it is served.
#[must_use]
pub fn contract() -> Contract {
    Contract::new(&DOCUMENT, json(), yaml())
}

/// The contract, as JSON.
///
/// # Panics
/// Never: a test writes it.
#[must_use]
pub fn json() -> &'static str {
    &JSON
}

/// The contract, as YAML.
///
/// # Panics
/// Never: a test writes it.
#[must_use]
pub fn yaml() -> &'static str {
    &YAML
}

fn assemble() -> OpenApi {
    let mut it = Operations::openapi();
    it.info = info();
    it.servers = Some(vec![ServerBuilder::new().url("/").description(Some("This service.")).build()]);
    it.tags = Some(
        [
            ("authorizations", "Prior authorizations: asked for, decided, and found again."),
            ("callers", "Who calls, and what they may do."),
            ("operators", "Health, the contract, and the problems."),
        ]
        .map(|(name, about)| tag::TagBuilder::new().name(name).description(Some(about)).build())
        .into(),
    );
    let components = it.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some("An access token (RFC 9068), `typ: at+jwt`, audience `lanyard`."));
    components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer.build()).into());
    let mut schemas = vec![("Problem".to_owned(), <Problem as utoipa::PartialSchema>::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);

    for (path, item) in &mut it.paths.paths {
        for (method, operation) in [("get", &mut item.get), ("post", &mut item.post)] {
            if let Some(operation) = operation {
                complete(operation, path, method);
            }
        }
    }
    it
}

fn info() -> Info {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let contact =
        ContactBuilder::new().name(Some("Provider Service")).email(Some("prweb@allwayshealth.org")).build();
    InfoBuilder::new()
        .title("Lanyard")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .contact(Some(contact))
        .build()
}

/// Adds the examples, and each problem that the operation's form allows.
fn complete(operation: &mut Operation, path: &str, method: &str) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let example = EXAMPLES.iter().find(|it| it.0 == id);
    if let (Some((_, Some(request), _)), Some(RefOr::T(body))) = (example, &mut operation.request_body) {
        body.content.values_mut().for_each(|it| exemplify(it, request));
    }
    for answer in operation.responses.responses.values_mut() {
        if let (Some((.., answered)), RefOr::T(answer)) = (example, answer) {
            answer.content.values_mut().for_each(|it| exemplify(it, answered));
        }
    }
    let takes = |name: &str| {
        operation.parameters.iter().flatten().any(|it| matches!(it, RefOr::T(it) if it.name == name))
    };
    let body = operation.request_body.is_some();
    let secured = path.starts_with("/v1/");
    let mut statuses = BTreeMap::from([(500, true), (503, secured || path.ends_with("ready"))]);
    statuses.extend([(401, secured), (403, secured && id != "get_me"), (404, path.contains('{'))]);
    statuses.extend([(400, body || takes("limit")), (413, body), (415, body), (422, body)]);
    statuses.extend([(409, takes("If-Match")), (412, takes("If-Match")), (428, takes("If-Match"))]);
    debug_assert!(method == "post" || !body, "{path}");
    for (status, _) in statuses.into_iter().filter(|it| it.1) {
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| RefOr::T(problem(status)));
    }
}

fn exemplify(content: &mut RefOr<Content>, example: &str) {
    if let RefOr::T(content) = content {
        content.example = Some(serde_json::from_str(example).expect("an example is JSON"));
    }
}

fn problem(status: u16) -> utoipa::openapi::Response {
    let slugs = all().into_iter().filter(|it| it.0.as_u16() == status).map(|it| format!("`{}`", it.1));
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    let about = format!("{}: {}.", title(status), slugs.collect::<Vec<_>>().join(", "));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(about).content("application/problem+json", content).build()
}
