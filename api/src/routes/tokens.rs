//! Tokens of system clients (SMART Backend Services).

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, post};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{PrincipalId, Scope, TrailAction};
use registry::{ClientError, ClientKeySource, Credential, Entered, Entry, Needs, authorize};
use serde::Serialize;
use store::{Actor, Key, Trail, Tx};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::contract::Public;
use crate::form::Form;
use crate::frame::{Known, request_id};
use crate::keys::{Asserted, Assertion, words};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::{Problem, State, problem};

/// How long a token is good.
const LONG: TimeDelta = TimeDelta::minutes(5);

/// As what a client asks.
const GRANT: &str = "client_credentials";

/// What a client asserts by.
const BY: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The one text that is taken.
fn only(text: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([text])).build()
}

fn grant() -> Object {
    only(GRANT)
}

fn by() -> Object {
    only(BY)
}

/// What a token is asked for with.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form, which is read by name")]
struct TokenRequest {
    #[schema(schema_with = grant)]
    grant_type: String,
    #[schema(schema_with = by)]
    client_assertion_type: String,
    /// A JWT signed by the client, RS384 or ES384.
    client_assertion: String,
    /// Scopes, separated by spaces; all that the client may have, where left out.
    #[schema(nullable = false, example = "authorizations:read authorizations:create")]
    scope: Option<String>,
}

/// An access token.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "RFC 6749 names them")]
struct Token {
    /// The token (RFC 9068).
    access_token: String,
    /// `bearer`.
    #[schema(value_type = String, example = "bearer")]
    token_type: &'static str,
    /// For how many seconds it is good.
    #[schema(minimum = 0)]
    expires_in: i64,
    /// The scopes that it carries, separated by spaces.
    scope: String,
}

/// Get a token as a system client
///
/// OAuth 2.0, `client_credentials`, with an assertion (SMART Backend Services, RFC 7523): a JWT whose head has `alg` (RS384 or ES384),
/// `kid`, perhaps `typ` (`JWT`) and `jku` (the registered address), and whose claims are `iss` and `sub` (both the client's id), `aud`
/// (this operation's address), `exp` (at most five minutes ahead) and `jti`. Each assertion is taken once.
///
/// The token carries those of the scopes asked for that the client was registered with and its roles permit, and is good for five
/// minutes. What the client may do is read from the database at each request all the same. The client's name may come as `client_id`,
/// too; parameters that OAuth doesn't know here are left out of account.
#[utoipa::path(
    tag = "callers",
    security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded", description = "As a form.", example = json!({
        "grant_type": GRANT, "client_assertion_type": BY, "client_assertion": "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJjbGlfIn0.c2ln",
        "scope": "authorizations:read",
    })),
    responses((status = 200, description = "The token.", body = Token, example = json!({
        "access_token": "eyJ0eXAiOiJhdCtqd3QifQ.eyJpc3MiOiJodHRwcyJ9.c2ln", "token_type": "bearer", "expires_in": 300,
        "scope": "authorizations:read",
    })))
)]
#[post("/v1/oauth/token")]
pub(crate) async fn create_token(
    _: Public,
    state: Data<State>,
    request: HttpRequest,
    form: Form,
) -> Result<Reply, Problem> {
    if form.must("grant_type")? != GRANT {
        return Err(Problem::of_token(problem::UNSUPPORTED_GRANT));
    }
    if form.must("client_assertion_type")? != BY {
        return Err(Problem::of_token(problem::INVALID_REQUEST));
    }
    let (text, asked) = (form.must("client_assertion")?, scopes(form.get("scope")?)?);
    let named = form.get("client_id")?;
    let now = state.clock.now();
    let refused = |why: &str| refuse(&request, problem::INVALID_CLIENT, why);
    let asserted = Asserted::read(text).map_err(refused)?;
    if named.is_some_and(|it| it != &*asserted.client) {
        return Err(refused("another `client_id`"));
    }
    let id = asserted.client.clone();
    let source = state.store.read(move |rx| registry::client_keys(rx, &id)).await?;
    let source = source.ok_or_else(|| refused("not a client, not any more, or without keys"))?;
    let audience = state.own.token_endpoint();
    let assertion = asserted.verify(&source, &state.client_keys, &audience, now).await.map_err(refused)?;
    let id = assertion.client.clone();
    let issued = issue(&state, &request, assertion, source, asked).await?;
    let (scopes, at) = issued.map_err(|(it, why)| refuse(&request, it, why))?;
    let (known, client) = (Some(id.as_str().into()), id.as_str().into());
    request.extensions_mut().insert(Known { id: known, client, emergency: None, phi: false });
    let access_token = state.own.token(&id, &scopes, at, LONG).map_err(store::Error::Internal)?;
    let scope = words(&scopes);
    let token = Token { access_token, token_type: "bearer", expires_in: LONG.num_seconds(), scope };
    Ok(Reply::of(&token)?.recorded())
}

/// The scopes asked for; all, where none are. Those that the service doesn't know are left out of account.
fn scopes(asked: Option<&str>) -> Result<Vec<Scope>, Problem> {
    let Some(asked) = asked else { return Ok(Scope::ALL.to_vec()) };
    let right = |it: u8| matches!(it, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if !asked.split(' ').all(|it| !it.is_empty() && it.bytes().all(right)) {
        return Err(Problem::of_token(problem::INVALID_SCOPE));
    }
    let asked: Vec<_> = asked.split(' ').filter_map(Scope::parse).collect();
    Ok(Scope::ALL.iter().copied().filter(|it| asked.contains(it)).collect())
}

/// Tells the log why, and the client no more than the word.
fn refuse(request: &HttpRequest, it: Refusal, why: &str) -> Problem {
    ::log::warn!(target: "lanyard::token", why, slug = it.slug, request = &*request_id(request); "no token was given");
    Problem::of_token(it)
}

/// Why a client gets no token, for itself and for the log.
type Refused = (Refusal, &'static str);

/// Takes an assertion, and says which scopes its client gets, and when, in the one transaction that leaves both on record.
async fn issue(
    state: &State,
    request: &HttpRequest,
    it: Assertion,
    source: ClientKeySource,
    asked: Vec<Scope>,
) -> Result<Result<(Vec<Scope>, DateTime<Utc>), Refused>, ClientError> {
    let id: Arc<str> = it.client.as_str().into();
    let actor = Actor { id: id.clone(), client: id.clone(), request: request_id(request), of_service: false };
    let work = move |tx: &mut Tx<'_>| {
        tx.lock(&[Key::User(id.to_string())])?;
        let entry = Entry { login: id.to_string(), emergency: None };
        let found = tx.enter(|db, moment| entry.find(db, moment).map(|it| (it, id)))?;
        if registry::keys_of(tx, &it.client)?.as_ref() != Some(&source) {
            return Ok(Err((problem::INVALID_CLIENT, "the keys were replaced meanwhile")));
        }
        if !registry::take_assertion(tx, &it.client, &it.jti, it.expires_at)? {
            return Ok(Err((problem::INVALID_CLIENT, "taken before, or expired meanwhile")));
        }
        let scopes = permitted(&it.client, found, asked);
        if let Ok(scopes) = &scopes {
            let (subject, after) = (it.client.to_string(), Some(words(scopes)));
            tx.record(Trail {
                action: TrailAction::TokenIssue,
                subject,
                site_id: None,
                reason: None,
                before: None,
                after,
            });
        }
        Ok(scopes.map(|it| (it, tx.now())))
    };
    state.store.write(&actor, work).await
}

/// Those of the scopes asked for that the client may have.
fn permitted(client: &PrincipalId, found: Entered, asked: Vec<Scope>) -> Result<Vec<Scope>, Refused> {
    let login = client.to_string();
    let credential = Credential { login, of_system: true, scopes: asked, strong: false, emergency: None };
    let who = authorize(found, &credential, &Needs::NOTHING);
    let who = who.map_err(|_| (problem::INVALID_CLIENT, "not a client any more"))?;
    if !Scope::ALL.iter().any(|it| who.principal.permits(*it)) {
        return Err((problem::UNAUTHORIZED_CLIENT, "no role in force"));
    }
    if who.scopes.is_empty() {
        return Err((problem::INVALID_SCOPE, "none of the scopes"));
    }
    Ok(who.scopes.to_vec())
}
