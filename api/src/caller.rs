//! Who calls, and what for: the type of a handler's argument is the permission that it takes.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, http::header};
use kernel::Scope;
use registry::Principal;
use store::Actor;

use crate::contract::Contract;
use crate::frame::{Known, request_id};
use crate::keys::Claims;
use crate::{Problem, State, problem};

/// What an operation takes.
pub trait Permission: 'static {
    /// The scopes, of which token and role both must have one; none where being known is enough.
    const SCOPES: &[Scope];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = [$($scope:ident),*];)+) => { $(
        $(#[$doc])*
        pub struct $name;
        impl Permission for $name {
            const SCOPES: &[Scope] = &[$(Scope::$scope),*];
        }
    )+ };
}

permissions! {
    /// Whoever is known.
    Anyone = [];
    /// Who may look members up.
    SearchesMembers = [MembersSearch];
    /// Who may look providers up.
    ReadsProviders = [ProvidersRead];
    /// Who may see authorizations.
    Reads = [AuthorizationsRead];
    /// Who may ask for one.
    Creates = [AuthorizationsCreate];
    /// Who may decide on one; which decisions, the lifecycle says.
    Decides = [AuthorizationsApprove, AuthorizationsDeny, AuthorizationsPend];
    /// Who may close one.
    Closes = [AuthorizationsClose];
    /// Who may see a member's coverage and benefits.
    ReadsEligibility = [EligibilityRead];
    /// Who may see the policy.
    ReadsPolicy = [PolicyRead];
}

/// Someone who has a valid token, is on record and may do `P`.
pub struct Caller<P> {
    /// As the plan has them on record, at this request.
    pub principal: Arc<Principal>,
    /// As the trail names them.
    pub actor: Actor,
    scopes: Arc<[Scope]>,
    permission: PhantomData<P>,
}

impl<P> Caller<P> {
    /// What the caller may do: what both token and role permit.
    #[must_use]
    pub fn scopes(&self) -> Arc<[Scope]> {
        Arc::clone(&self.scopes)
    }

    /// Whether the caller may do what takes this scope.
    pub fn may(&self) -> impl Fn(Scope) -> bool + Send + use<P> {
        let scopes = self.scopes();
        move |it| scopes.contains(&it)
    }
}

impl<P: Permission> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let unknown = || problem::UNAUTHENTICATED.problem();
            let state = request.app_data::<Data<State>>().ok_or_else(|| problem::INTERNAL.problem())?;
            let mut sent = request.headers().get_all(header::AUTHORIZATION);
            let (Some(token), None) = (sent.next(), sent.next()) else { return Err(unknown()) };
            let token = token.to_str().ok().and_then(bearer).ok_or_else(unknown)?;
            let Claims { sub, client_id, scope, .. } =
                state.keys.verify(token, state.clock.now()).ok_or_else(unknown)?;

            let actor =
                Actor { id: sub.as_str().into(), client: client_id.into(), request: request_id(&request) };
            let found = state.store.read(move |rx| registry::principal(rx, &sub)).await?;
            let principal = found.ok_or_else(unknown)?;
            request.extensions_mut().insert(Known(Arc::clone(&actor.id)));
            let named = scope.split(' ').filter_map(Scope::parse);
            let scopes: Arc<[Scope]> = named.filter(|it| principal.role.permits(*it)).collect();
            if !P::SCOPES.is_empty() && !P::SCOPES.iter().any(|it| scopes.contains(it)) {
                return Err(problem::NOT_PERMITTED.problem());
            }
            if let Some(contract) = request.app_data::<Data<Contract>>() {
                contract.check(&request)?;
            }
            Ok(Self { principal: Arc::new(principal), actor, scopes, permission: PhantomData })
        })
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
