//! Who calls, and what for: the type of a handler's argument is the permission that it takes.
//!
//! The extractor proves the token. What the plan granted its holder is read by the statement that comes first in the handler's
//! own read or write ([`State::read`], [`State::write`]), so that it holds at that moment and costs no round trip of its own.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev, http::header};
use kernel::{PrincipalId, Scope};
use registry::{Access, Credential, EmergencyId, Entry, Needs, authorize};
use store::{Actor, Db, Moment};

use crate::contract::Contract;
use crate::frame::{self, Known, request_id};
use crate::patience::Since;
use crate::rates::Class;
use crate::wrong::Wrong;
use crate::{Problem, State, keys, problem};

/// Names the emergency access under which something is read.
pub const EMERGENCY: &str = "emergency-access";

/// What an operation takes.
pub trait Permission: 'static {
    /// It.
    const PERMIT: Permit;
}

/// What an operation takes, and what it shows.
#[derive(Debug, Clone, Copy)]
pub struct Permit {
    /// Of the caller.
    pub needs: Needs,
    /// Whether it shows members' data, so that it is refused while no one can be told who saw it.
    pub phi: bool,
    /// As what it is paid for.
    pub class: Class,
}

impl Permit {
    const fn of(class: Class, scopes: &'static [Scope]) -> Self {
        Self { needs: Needs { scopes, ..Needs::NOTHING }, phi: false, class }
    }

    /// Whether it tells what there is. Whoever may no longer ask that may still ask for an authorization: a member waits for it.
    fn looks_up(self) -> bool {
        matches!(self.class, Class::Read | Class::Search) && !self.needs.scopes.is_empty()
    }

    const fn phi(self) -> Self {
        Self { phi: true, ..self }
    }

    const fn step_up(self) -> Self {
        Self { needs: Needs { step_up: true, ..self.needs }, ..self }
    }

    const fn in_emergency(self) -> Self {
        Self { needs: Needs { in_emergency: true, ..self.needs }, ..self }
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $class:ident [$($scope:ident),*] $($flag:ident)*;)+) => { $(
        $(#[$doc])*
        pub struct $name;
        impl Permission for $name {
            const PERMIT: Permit = Permit::of(Class::$class, &[$(Scope::$scope),*])$(.$flag())*;
        }
    )+ };
}

permissions! {
    /// Whoever is known.
    Anyone = Read [];
    /// Who may look members up.
    SearchesMembers = Search [MembersSearch] phi;
    /// Who may look providers up.
    ReadsProviders = Search [ProvidersRead];
    /// Who may see authorizations.
    Reads = Read [AuthorizationsRead] phi in_emergency;
    /// Who may list them.
    Lists = Search [AuthorizationsRead] phi in_emergency;
    /// Who may ask for one.
    Creates = Write [AuthorizationsCreate] phi;
    /// Who may decide on one; which decisions, the lifecycle says.
    Decides = Write [AuthorizationsApprove, AuthorizationsDeny, AuthorizationsPend] phi step_up;
    /// Who may close one.
    Closes = Write [AuthorizationsClose] phi;
    /// Who may see a member's coverage and benefits.
    ReadsEligibility = Search [EligibilityRead] phi in_emergency;
    /// Who may see the policy.
    ReadsPolicy = Read [PolicyRead];
    /// Who may see a user, and what they were granted.
    ReadsUsers = Read [UsersRead];
    /// Who may list them, and who acts for whom.
    ListsUsers = Search [UsersRead];
    /// Who may grant roles and withdraw them, disable users and enable them.
    GrantsRoles = Write [UsersGrant] step_up;
    /// Who may record who acts for whom.
    RecordsDelegations = Write [DelegationsUpdate] step_up;
    /// Who asks for the trail: of their own doings everyone may.
    ReadsTrail = Search [] phi;
    /// Who opens a member's records in an emergency: any person, whatever their roles.
    OpensEmergency = Write [] step_up;
    /// Who sees an emergency access: their own everyone may.
    ReadsEmergency = Read [] phi;
    /// Who lists them: their own everyone may.
    ListsEmergencies = Search [] phi;
    /// Who may review them.
    ReviewsEmergencies = Write [TrailRead] phi step_up;
    /// Who may see what the plan has promised by when.
    ReadsDeadlines = Search [DeadlinesRead];
    /// Who may see what the service does on its own.
    ReadsJobs = Search [JobsRead];
    /// Who may see a system client.
    ReadsClients = Read [UsersRead];
    /// Who may list them.
    ListsClients = Search [UsersRead];
    /// Who may register system clients, and change what they may do.
    ManagesClients = Write [UsersGrant] step_up;
    /// Who may read events.
    ReadsEvents = Search [WebhooksRead];
    /// Who may see a webhook.
    ReadsWebhooks = Read [WebhooksRead];
    /// Who may list them, and what became of what each was sent.
    ListsWebhooks = Search [WebhooksRead];
    /// Who may add webhooks and change them.
    ManagesWebhooks = Write [WebhooksUpdate];
    /// Who may have one told again.
    ReplaysWebhooks = Write [WebhooksReplay];
}

/// Someone with a genuine token, who asks for what takes `P`.
pub struct Caller<P> {
    /// What their token says.
    pub credential: Credential,
    client: Arc<str>,
    request: HttpRequest,
    sound: Result<(), Problem>,
    /// Since when it waits for the database.
    pub(crate) since: Since,
    permission: PhantomData<P>,
}

impl<P: Permission> Caller<P> {
    /// As the trail names them: by their login, until they have entered.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let known = frame::known(&self.request).and_then(|it| it.id);
        let id = known.unwrap_or_else(|| self.credential.login.as_str().into());
        Actor { id, client: Arc::clone(&self.client), request: request_id(&self.request), of_service: false }
    }

    /// Asks the database who it is, and decides whether they may.
    pub(crate) fn entrance(&self) -> impl FnOnce(&mut Db, Moment) -> Result<Access, Wrong> + Send + use<P> {
        let credential = self.credential.clone();
        let entry = Entry { login: credential.login.clone(), emergency: credential.emergency.clone() };
        move |db, moment| {
            let found = entry.find(db, moment).map_err(Wrong::of)?;
            let id = found.as_ref().map(|it| it.0.id.clone());
            authorize(found, &credential, &P::PERMIT.needs).map_err(|it| Wrong::denied(it, id))
        }
    }

    /// Notes who it was, for the log and the trail.
    pub(crate) fn known(&self, who: Option<&PrincipalId>, emergency: Option<&EmergencyId>) {
        let known = Known {
            id: who.map(|it| it.as_str().into()),
            client: Arc::clone(&self.client),
            emergency: emergency.map(ToString::to_string),
            phi: P::PERMIT.phi,
        };
        frame::know(&self.request, known);
    }

    /// What was asked, unless the request itself is wrong, which is told to whoever may ask.
    pub(crate) fn asked<A>(&self, asked: Result<A, Problem>) -> Result<A, Problem> {
        self.sound.clone().and(asked)
    }
}

impl<P: Permission> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = request.app_data::<Data<State>>().ok_or_else(|| problem::INTERNAL.problem())?;
            let now = state.clock.now();
            let claims = match bearer(&request) {
                Some(token) => keys::verify(token, &state.own, &state.keys, now).await,
                None => None,
            };
            let Some(claims) = claims else {
                state.rates.charge_address(&request, Class::Anonymous)?;
                return Err(problem::UNAUTHENTICATED.problem());
            };
            state.rates.charge(&request, P::PERMIT.class, &claims.sub)?;
            if P::PERMIT.looks_up() {
                state.misses.pass(&claims.sub)?;
            }
            let (emergency, named) = match emergency(&request) {
                Ok(emergency) => (emergency, Ok(())),
                Err(problem) => (None, Err(problem)),
            };
            let credential = Credential {
                of_system: claims.of_system,
                strong: claims.is_strong(&state.step_up, now),
                scopes: claims.scope.split(' ').filter_map(Scope::parse).collect(),
                emergency,
                login: claims.sub,
            };
            let contract = request.app_data::<Data<Contract>>();
            let sound = named.and_then(|()| contract.map_or(Ok(()), |it| it.check(&request)));
            let client = claims.client_id.into();
            let (request, since) = (request.clone(), Since::default());
            let caller = Self { credential, client, request, sound, since, permission: PhantomData };
            caller.known(None, None);
            if P::PERMIT.phi && state.store.is_blind() {
                return Err(problem::BLIND.problem());
            }
            Ok(caller)
        })
    }
}

/// The emergency access that a request names, if it does.
fn emergency(request: &HttpRequest) -> Result<Option<EmergencyId>, Problem> {
    let mut sent = request.headers().get_all(EMERGENCY);
    match (sent.next(), sent.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => {
            let id = one.to_str().ok().and_then(EmergencyId::parse);
            id.map(Some).ok_or_else(|| problem::NO_EMERGENCY.problem())
        }
        _ => Err(problem::NO_EMERGENCY.problem()),
    }
}

/// The token that a request brings, if it brings one.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let mut sent = request.headers().get_all(header::AUTHORIZATION);
    let (Some(one), None) = (sent.next(), sent.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
