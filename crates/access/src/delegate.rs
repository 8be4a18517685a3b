//! Who acts for whom (ENR-10).

use ::store::{Key, Locks, Rx, Tx};
use chrono::NaiveDate;
use kernel::{Draft, FlawCode, Flaws, OneLine, PrincipalId, Read, Scope, SiteId, TrailAction, body, broken};
use registry::{Access, Channel, Delegation, GrantId, PrincipalKind, Role, User};
use validator::ValidationError;

use crate::change::{Change, Terms};
use crate::error::broken as impossible;
use crate::grant::{check_terms, is_site};
use crate::lifecycle::permits;
use crate::rules::{keys, not_own, of_plan};
use crate::{Error, GrantAction};

body! {
    /// Someone who is put on record as acting for a site.
    pub struct NewDelegation where days_in_order, paper_of_channel {
        /// Who acts: a person, or a program.
        agent_id: PrincipalId => "ENR-10",
        /// As what: of a person `billing_agent`, of a program `ehr_vendor` or `clearinghouse`, which must be said.
        role: Option<Role> => "ENR-10",
        /// For which site.
        site_id: SiteId => "ENR-10",
        /// How it came: of a site's administrator `portal`, of the plan's people `form` or `letter`.
        channel: Channel => "ENR-10",
        /// Where the paper is kept; of the portal the service keeps the request's id.
        paper: Option<OneLine<1, 255>> => "ENR-10",
        /// Its first day.
        first_on: NaiveDate => "ENR-10",
        /// Its last day; until it is ended where left out.
        last_on: Option<NaiveDate> => "ENR-10",
    }
}

fn days_in_order(it: &Draft<NewDelegation>) -> Result<(), ValidationError> {
    match it.first_on.zip(it.last_on.flatten()) {
        Some((first, last)) if last < first => {
            Err(broken("ENR-10", "/last_on", FlawCode::BeforeStart, "Must not be before the first day."))
        }
        _ => Ok(()),
    }
}

fn paper_of_channel(it: &Draft<NewDelegation>) -> Result<(), ValidationError> {
    match (it.channel, it.paper.as_ref().map(Option::is_some)) {
        (Some(Channel::Portal), Some(true)) => Err(broken(
            "ENR-10",
            "/paper",
            FlawCode::NotApplicable,
            "Must be left out: the request is kept instead.",
        )),
        (Some(Channel::Form | Channel::Letter), Some(false)) => {
            Err(broken("ENR-10", "/paper", FlawCode::Required, "Must be given: where the paper is kept."))
        }
        _ => Ok(()),
    }
}

/// A delegation without a flaw.
#[derive(Debug, Clone)]
pub struct ToDelegate {
    agent: PrincipalId,
    role: Role,
    site: SiteId,
    channel: Channel,
    paper: String,
    first_on: NaiveDate,
    last_on: Option<NaiveDate>,
}

/// What a delegation is read against.
pub struct Facts {
    agent: Option<User>,
    is_site: bool,
    /// Of what kind the caller is.
    caller: PrincipalKind,
    today: NaiveDate,
    /// The request, which is the paper of the portal.
    request: String,
}

impl ToDelegate {
    /// What a delegation that comes with `request` needs to know: who the agent is, and whether there is such a site.
    ///
    /// # Errors
    /// [`Error::SiteNotPermitted`].
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        draft: &Draft<NewDelegation>,
        request: String,
    ) -> Result<Facts, Error> {
        let site = draft.site_id.as_ref();
        site.map_or(Ok(()), |it| permitted(caller, it))?;
        let agent = draft.agent_id.as_ref().map(|it| registry::user(rx.db(), it)).transpose()?.flatten();
        let is_site = is_site(rx, site)?;
        Ok(Facts { agent, is_site, caller: caller.principal.kind, today: rx.today(), request })
    }

    /// Adds what the rules say of it; what it comes to.
    pub fn check(draft: &Draft<NewDelegation>, facts: Facts, flaws: &mut Flaws) -> Option<Self> {
        flaws.ruled("ENR-10", |flaws| {
            let role = facts.role(draft, flaws);
            let of_caller = match facts.caller {
                PrincipalKind::Staff => &[Channel::Form, Channel::Letter][..],
                PrincipalKind::Person | PrincipalKind::System => &[Channel::Portal],
            };
            if draft.channel.is_some_and(|it| !of_caller.contains(&it)) {
                let words: Vec<_> = of_caller.iter().map(|it| it.as_str()).collect();
                let detail = format!("Must be {}, by which you put agents on record.", words.join(" or "));
                flaws.add("/channel", FlawCode::OneOf, detail);
            }
            check_terms("ENR-10", facts.is_site, draft.last_on.flatten(), facts.today, flaws);
            let it = NewDelegation::whole(draft.clone())?;
            Some(Self {
                agent: it.agent_id,
                role: role?,
                site: it.site_id,
                channel: it.channel,
                paper: it.paper.map_or(facts.request, |it| it.to_string()),
                first_on: it.first_on,
                last_on: it.last_on,
            })
        })
    }
}

impl Facts {
    /// The role that the agent gets.
    fn role(&self, draft: &Draft<NewDelegation>, flaws: &mut Flaws) -> Option<Role> {
        draft.agent_id.as_ref()?;
        let kind = self.agent.as_ref().map(|it| it.kind).filter(|it| *it != PrincipalKind::Staff);
        let Some(kind) = kind else {
            flaws.add(
                "/agent_id",
                FlawCode::UnknownUser,
                "The plan knows no such person or program outside of it.",
            );
            return None;
        };
        let fit: Vec<_> = Role::ALL.iter().filter(|it| it.is_agent() && it.kind() == kind).collect();
        let words = || fit.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" or ");
        match (draft.role?, &*fit) {
            (Some(role), fit) if fit.contains(&&role) => Some(role),
            (Some(_), _) => {
                flaws.add("/role", FlawCode::OneOf, format!("Must be {}, for such an agent.", words()));
                None
            }
            (None, [only]) => Some(**only),
            (None, _) => {
                flaws.add("/role", FlawCode::Required, format!("Must be given: {}.", words()));
                None
            }
        }
    }
}

/// Refuses a site for which the caller puts no one on record.
fn permitted(caller: &Access, site: &SiteId) -> Result<(), Error> {
    if caller.scope(Scope::DelegationsUpdate).sees(site) { Ok(()) } else { Err(Error::SiteNotPermitted) }
}

impl Locks for ToDelegate {
    fn keys(&self) -> Vec<Key> {
        keys([Some(&self.site)], &self.agent)
    }
}

/// Puts an agent on record, who acts for the site from the first day to the last; where one of the plan's administrators enters it,
/// once another person has approved.
///
/// # Errors
/// [`Error::SiteNotPermitted`], [`Error::AgentsDontDelegate`], [`Error::OwnGrant`], or [`Error::GrantExists`].
pub fn record_delegation(tx: &mut Tx<'_>, caller: &Access, it: ToDelegate) -> Result<Delegation, Error> {
    permitted(caller, &it.site)?;
    tx.lock(&it.keys())?;
    if registry::is_agent(tx, &caller.principal.person, &it.site)? {
        return Err(Error::AgentsDontDelegate);
    }
    let mut change = Change::of(tx, &it.agent)?;
    not_own(caller, &change.user)?;
    let terms = Terms {
        role: it.role,
        site_id: Some(it.site.clone()),
        first_on: Some(it.first_on),
        last_on: it.last_on,
        // What one of the plan's administrators enters from paper, another person approves (S-10).
        at_once: !of_plan(caller),
        paper: Some((it.channel, it.paper)),
    };
    let id = change.add(tx, terms, &caller.principal.id)?;
    let user = change.record(tx, TrailAction::DelegationRecord, Some(&it.site), None)?;
    delegation(user, &id)
}

/// A delegation that is to end.
#[derive(Debug, Clone)]
pub struct ToEnd {
    id: GrantId,
    agent: PrincipalId,
    site: SiteId,
    reason: String,
}

impl ToEnd {
    /// The delegation with this id, if the caller may end it.
    ///
    /// # Errors
    /// [`Error::DelegationNotFound`] if there is none, or not for this caller.
    pub fn gather(rx: &mut Rx<'_>, caller: &Access, id: &GrantId) -> Result<Self, Error> {
        let holder = registry::holder(rx.db(), id)?;
        let user = holder.map(|it| registry::user(rx.db(), &it)).transpose()?.flatten();
        let user = user.ok_or(Error::DelegationNotFound)?;
        let scope = caller.scope(Scope::DelegationsUpdate);
        let mut grants = user.grants.into_iter();
        let grant = grants.find(|it| it.id == *id && it.channel.is_some() && it.is_seen(&scope));
        let site = grant.and_then(|it| it.site_id).ok_or(Error::DelegationNotFound)?;
        Ok(Self { id: id.clone(), agent: user.id, site, reason: String::new() })
    }

    /// The same, for a reason.
    #[must_use]
    pub fn because(self, reason: String) -> Self {
        Self { reason, ..self }
    }
}

impl Locks for ToEnd {
    fn keys(&self) -> Vec<Key> {
        keys([Some(&self.site)], &self.agent)
    }
}

/// Ends a delegation, from the next request on (J-04).
///
/// # Errors
/// [`Error::SiteNotPermitted`], [`Error::OwnGrant`], or [`Error::NotPermitted`] if it is over.
pub fn end_delegation(tx: &mut Tx<'_>, caller: &Access, it: ToEnd) -> Result<Delegation, Error> {
    permitted(caller, &it.site)?;
    tx.lock(&it.keys())?;
    let mut change = Change::of(tx, &it.agent)?;
    not_own(caller, &change.user)?;
    permits(change.grant(&it.id)?, GrantAction::Withdraw, tx.today())?;
    change.end(tx, &it.id, &caller.principal.id)?;
    let user = change.record(tx, TrailAction::DelegationEnd, Some(&it.site), Some(it.reason))?;
    delegation(user, &it.id)
}

fn delegation(user: User, id: &GrantId) -> Result<Delegation, Error> {
    let grant = user.grants.into_iter().find(|it| it.id == *id);
    let grant = grant.ok_or_else(|| impossible("a delegation without its grant"))?;
    Ok(Delegation { agent_id: user.id, agent_kind: user.kind, agent_name: user.name, grant })
}
