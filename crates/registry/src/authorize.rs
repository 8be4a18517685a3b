//! The decision: who may do what.

use std::sync::Arc;

use kernel::Scope;

use crate::{EmergencyId, Principal, PrincipalKind, SiteScope};
use kernel::MemberId;

/// What a token says of its caller, once it is known to be genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Who it is: the token's `sub`.
    pub login: String,
    /// Whether it is one that the service gave to a system client.
    pub of_system: bool,
    /// The scopes that it carries.
    pub scopes: Vec<Scope>,
    /// Whether its holder logged in lately, and by more than a password.
    pub strong: bool,
    /// The emergency access that the request names.
    pub emergency: Option<EmergencyId>,
}

/// What an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The scopes, of which one is enough; none where being known is.
    pub scopes: &'static [Scope],
    /// Whether it takes a recent and strong login (J-07).
    pub step_up: bool,
    /// Whether an emergency access opens it, whatever the caller's roles.
    pub in_emergency: bool,
}

impl Needs {
    /// What whoever is known has.
    pub const NOTHING: Self = Self { scopes: &[], step_up: false, in_emergency: false };
}

/// Why someone may not; the caller is told no more than this word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The plan doesn't know them, or no longer.
    Unknown,
    /// Neither their token and roles together nor an emergency permit it.
    NotPermitted,
    /// Their login is too old, or too weak.
    StepUp,
    /// A program asks for what any person may do, and none of them.
    PeopleOnly,
    /// The emergency access that they name isn't theirs, is over, or doesn't open this.
    NoEmergency,
}

/// Someone who may do what they asked for, as of this moment.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// What both token and roles permit.
    pub scopes: Arc<[Scope]>,
    emergency: Option<(EmergencyId, MemberId)>,
}

/// Decides whether `principal`, if there is such a one, may do what takes `needs` with what `credential` says. Everything is
/// denied that isn't permitted here.
///
/// The relation to what is asked for is for [`Access::scope`] to say, and its state for its lifecycle.
///
/// # Errors
/// Why not.
pub fn authorize(
    principal: Option<(Principal, Option<MemberId>)>,
    credential: &Credential,
    needs: &Needs,
) -> Result<Access, Denial> {
    let (principal, member) = principal.ok_or(Denial::Unknown)?;
    // A person's token never makes a program of them, nor the other way round.
    if credential.of_system != (principal.kind == PrincipalKind::System) {
        return Err(Denial::Unknown);
    }
    let scopes: Arc<[Scope]> =
        credential.scopes.iter().copied().filter(|it| principal.permits(*it)).collect();
    let emergency = match (&credential.emergency, member) {
        (None, _) => None,
        (Some(id), Some(member)) if needs.in_emergency && principal.cares_for_members() => {
            Some((id.clone(), member))
        }
        (Some(_), _) => return Err(Denial::NoEmergency),
    };
    if !needs.scopes.is_empty() && emergency.is_none() && !needs.scopes.iter().any(|it| scopes.contains(it)) {
        return Err(Denial::NotPermitted);
    }
    if needs.step_up && !credential.strong {
        // A program has no second factor to log in with.
        return Err(match principal.kind {
            PrincipalKind::System if needs.scopes.is_empty() => Denial::PeopleOnly,
            PrincipalKind::System => Denial::NotPermitted,
            PrincipalKind::Person | PrincipalKind::Staff => Denial::StepUp,
        });
    }
    Ok(Access { principal: Arc::new(principal), scopes, emergency })
}

impl Access {
    /// The rows that they may do what takes `scope` to.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> SiteScope {
        match &self.emergency {
            Some((_, member)) => SiteScope::of_member(member.clone()),
            None => self.principal.scope(scope),
        }
    }

    /// Whether they may do what takes `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// The emergency access under which they act, and the one member whose records it opens.
    #[must_use]
    pub fn emergency(&self) -> Option<&(EmergencyId, MemberId)> {
        self.emergency.as_ref()
    }
}
