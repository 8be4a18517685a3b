//! What a system client must know to get tokens, and who takes them to verify them.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use kernel::Scope;
use registry::{PrincipalKind, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contract::Public;
use crate::{Problem, State};

/// Public keys (RFC 7517).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a text that is kept as it is")]
struct JwkSet {
    /// The keys.
    keys: Vec<Jwk>,
}

/// A public key (RFC 7517).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a text that is kept as it is")]
struct Jwk {
    /// Its family: `EC`.
    kty: String,
    /// Its name, as in the head of the tokens.
    kid: String,
    /// By which algorithm it signs: `ES256`.
    #[schema(nullable = false)]
    alg: Option<String>,
    /// What it is for: `sig`.
    #[schema(nullable = false)]
    r#use: Option<String>,
    /// The curve: `P-256`.
    #[schema(nullable = false)]
    crv: Option<String>,
    /// The point's x, in base64url.
    #[schema(nullable = false)]
    x: Option<String>,
    /// The point's y, in base64url.
    #[schema(nullable = false)]
    y: Option<String>,
}

/// The service as an authorization server (RFC 8414).
#[derive(Serialize, ToSchema)]
struct AuthorizationServer {
    /// Its name: the `iss` of the tokens that it gives.
    issuer: String,
    /// Where a token is asked for.
    token_endpoint: String,
    /// Where its keys are.
    jwks_uri: String,
    /// How clients prove who they are.
    #[schema(value_type = Vec<String>)]
    token_endpoint_auth_methods_supported: [&'static str; 1],
    /// By which algorithms they sign.
    #[schema(value_type = Vec<String>)]
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 2],
    /// What a token is asked for with.
    #[schema(value_type = Vec<String>)]
    grant_types_supported: [&'static str; 1],
    /// None: no one is sent here to log in.
    #[schema(value_type = Vec<String>)]
    response_types_supported: [&'static str; 0],
    /// The scopes that a system client may have.
    scopes_supported: Vec<Scope>,
    /// Where the contract is read by people.
    service_documentation: String,
}

/// The service as SMART Backend Services see it.
#[derive(Serialize, ToSchema)]
struct SmartConfiguration {
    #[serde(flatten)]
    server: AuthorizationServer,
    /// What it does of SMART.
    #[schema(value_type = Vec<String>)]
    capabilities: [&'static str; 1],
}

/// The keys of system clients' tokens
///
/// The public keys (a JWK set, RFC 7517) with which this service signs the tokens of system clients; `kid` says which one it was.
/// Those of people's tokens are their OpenID provider's to publish.
#[utoipa::path(tag = "callers", security(()), responses((status = 200, description = "The keys.", content_type = "application/json", body = JwkSet)))]
#[get("/.well-known/jwks.json")]
pub(crate) async fn get_jwks(_: Public, state: Data<State>) -> HttpResponse {
    published(state.own.jwks())
}

/// How system clients get tokens
///
/// The service as an authorization server (RFC 8414): where a token is asked for, and by what.
#[utoipa::path(tag = "callers", security(()), responses((status = 200, description = "What it supports.", content_type = "application/json", body = AuthorizationServer)))]
#[get("/.well-known/oauth-authorization-server")]
pub(crate) async fn get_authorization_server(_: Public, state: Data<State>) -> Result<HttpResponse, Problem> {
    Ok(published(text(&supported(&state))?))
}

/// How system clients get tokens, for SMART
///
/// The same, where clients of SMART Backend Services look for it.
#[utoipa::path(tag = "callers", security(()), responses((status = 200, description = "What it supports.", content_type = "application/json", body = SmartConfiguration)))]
#[get("/.well-known/smart-configuration")]
pub(crate) async fn get_smart_configuration(_: Public, state: Data<State>) -> Result<HttpResponse, Problem> {
    let capabilities = ["client-confidential-asymmetric"];
    Ok(published(text(&SmartConfiguration { server: supported(&state), capabilities })?))
}

fn supported(state: &State) -> AuthorizationServer {
    let systems = || Role::ALL.iter().filter(|it| it.kind() == PrincipalKind::System);
    let scopes = Scope::ALL.iter().copied().filter(|it| systems().any(|role| role.permits(*it)));
    AuthorizationServer {
        issuer: state.own.name().to_owned(),
        token_endpoint: state.own.token_endpoint(),
        jwks_uri: format!("{}/.well-known/jwks.json", state.own.name()),
        token_endpoint_auth_methods_supported: ["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: ["RS384", "ES384"],
        grant_types_supported: ["client_credentials"],
        response_types_supported: [],
        scopes_supported: scopes.collect(),
        service_documentation: format!("{}/docs", state.own.name()),
    }
}

fn text(it: &impl Serialize) -> Result<String, Problem> {
    Ok(serde_json::to_string(it).map_err(|it| store::Error::Internal(it.to_string()))?)
}

fn published(body: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-cache")).content_type("application/json").body(body)
}
