//! Users and delegations, as callers see them.

use access::{GrantStatus, status};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{PrincipalId, Scope, SiteId};
use registry::{Access, Channel, Delegation, Grant, GrantId, PrincipalKind, Role, User};
use serde::Serialize;
use utoipa::ToSchema;

use super::party_body::ContactBody;
use crate::reply::Reply;

/// A user, with as much of what they were granted as the caller sees.
#[derive(Serialize, ToSchema)]
pub(super) struct UserBody {
    id: PrincipalId,
    kind: PrincipalKind,
    /// The user's name.
    name: String,
    /// The `sub` of the user's tokens, for those who grant roles; null for others.
    #[schema(required = true)]
    login: Option<String>,
    /// Whom to call about the user's requests (AUT-11).
    #[schema(required = true)]
    contact: Option<ContactBody>,
    /// Whether the user may call at all.
    active: bool,
    /// Of staff: whose report they are.
    #[schema(required = true)]
    reports_to: Option<PrincipalId>,
    /// How often the user and all of their grants have changed.
    version: i32,
    created_at: DateTime<Utc>,
    /// What the user was granted, the oldest first, ended ones among them; for a site's administrator, at its sites (AUT-09).
    grants: Vec<GrantBody>,
}

/// A role that a user was granted, or is to be.
#[derive(Serialize, ToSchema)]
struct GrantBody {
    id: GrantId,
    role: Role,
    /// The site that it is for; null where it is of the plan.
    #[schema(required = true)]
    site_id: Option<SiteId>,
    status: GrantStatus,
    /// Its first day, if it has one of its own.
    #[schema(required = true)]
    first_on: Option<NaiveDate>,
    /// Its last day, if it has one.
    #[schema(required = true)]
    last_on: Option<NaiveDate>,
    /// The id of whoever asked for it; `system` for what the service did itself.
    requested_by: String,
    requested_at: DateTime<Utc>,
    /// The id of whoever approved it.
    #[schema(required = true)]
    approved_by: Option<String>,
    #[schema(required = true)]
    approved_at: Option<DateTime<Utc>>,
    /// The id of whoever ended it.
    #[schema(required = true)]
    ended_by: Option<String>,
    #[schema(required = true)]
    ended_at: Option<DateTime<Utc>>,
    /// Of an agent's: how it was put on record (ENR-10).
    #[schema(required = true)]
    delegation: Option<GrantPaper>,
}

/// How an agent was put on record (ENR-10).
#[derive(Serialize, ToSchema)]
struct GrantPaper {
    channel: Channel,
    /// Where the paper is kept; of the portal, the request's id.
    paper: String,
}

/// Someone who is on record as acting for a site (ENR-10).
#[derive(Serialize, ToSchema)]
pub(super) struct DelegationBody {
    id: GrantId,
    agent: AgentBody,
    role: Role,
    /// The site that the agent acts for.
    #[schema(required = true)]
    site_id: Option<SiteId>,
    status: GrantStatus,
    #[schema(required = true)]
    channel: Option<Channel>,
    /// Where the paper is kept; of the portal, the request's id.
    #[schema(required = true)]
    paper: Option<String>,
    /// The first day.
    #[schema(required = true)]
    first_on: Option<NaiveDate>,
    /// The last day, if it has one.
    #[schema(required = true)]
    last_on: Option<NaiveDate>,
    /// The id of whoever put it on record; `system` for what the service did itself.
    recorded_by: String,
    recorded_at: DateTime<Utc>,
    /// The id of whoever ended it.
    #[schema(required = true)]
    ended_by: Option<String>,
    #[schema(required = true)]
    ended_at: Option<DateTime<Utc>>,
}

/// An agent.
#[derive(Serialize, ToSchema)]
struct AgentBody {
    id: PrincipalId,
    kind: PrincipalKind,
    /// The agent's name.
    name: String,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub(super) struct UserPage {
    pub(super) data: Vec<UserBody>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub(super) next_cursor: Option<String>,
}

/// A page of delegations.
#[derive(Serialize, ToSchema)]
pub(super) struct DelegationPage {
    pub(super) data: Vec<DelegationBody>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub(super) next_cursor: Option<String>,
}

impl UserBody {
    /// `it` as `who` sees it on `day`.
    pub(super) fn of(it: User, who: &Access, day: NaiveDate) -> Self {
        Self {
            id: it.id,
            kind: it.kind,
            name: it.name,
            login: Some(it.login).filter(|_| who.may(Scope::UsersGrant)),
            contact: it.contact.map(|it| ContactBody { name: it.name, phone: it.phone }),
            active: it.active,
            reports_to: it.reports_to,
            version: it.version,
            created_at: it.created_at,
            grants: it.grants.into_iter().map(|it| GrantBody::of(it, day)).collect(),
        }
    }

    /// The answer that shows `it`, at its version.
    pub(super) fn reply(it: User, who: &Access, day: NaiveDate) -> Result<Reply, access::Error> {
        let version = it.version;
        Ok(Reply::versioned(version, &Self::of(it, who, day))?)
    }

    /// The answer that `it` was made, or got a grant.
    pub(super) fn created(it: User, who: &Access, day: NaiveDate) -> Result<Reply, access::Error> {
        let location = format!("/v1/users/{}", it.id);
        Ok(Self::reply(it, who, day)?.created(location))
    }
}

impl GrantBody {
    fn of(it: Grant, day: NaiveDate) -> Self {
        Self {
            status: status(&it, day),
            delegation: it.channel.zip(it.paper).map(|(channel, paper)| GrantPaper { channel, paper }),
            id: it.id,
            role: it.role,
            site_id: it.site_id,
            first_on: it.first_on,
            last_on: it.last_on,
            requested_by: it.requested_by,
            requested_at: it.requested_at,
            approved_by: it.approved_by,
            approved_at: it.approved_at,
            ended_by: it.ended_by,
            ended_at: it.ended_at,
        }
    }
}

impl DelegationBody {
    /// `it` on `day`.
    pub(super) fn of(it: Delegation, day: NaiveDate) -> Self {
        let Delegation { agent_id, agent_kind, agent_name, grant } = it;
        Self {
            status: status(&grant, day),
            agent: AgentBody { id: agent_id, kind: agent_kind, name: agent_name },
            id: grant.id,
            role: grant.role,
            site_id: grant.site_id,
            channel: grant.channel,
            paper: grant.paper,
            first_on: grant.first_on,
            last_on: grant.last_on,
            recorded_by: grant.requested_by,
            recorded_at: grant.requested_at,
            ended_by: grant.ended_by,
            ended_at: grant.ended_at,
        }
    }
}
