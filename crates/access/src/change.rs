//! A user while they are changed.

use ::store::{Event, Trail, Tx};
use chrono::NaiveDate;
use kernel::{EventType, PrincipalId, SiteId, TrailAction, fresh_id};
use registry::{Channel, Grant, GrantId, Role, User};

use crate::error::broken;
use crate::{Error, lifecycle};

/// A user, as they were and as they become: each event is a version.
pub(crate) struct Change {
    before: Option<User>,
    pub(crate) user: User,
}

/// A grant that is to be.
pub(crate) struct Terms {
    pub(crate) role: Role,
    pub(crate) site_id: Option<SiteId>,
    pub(crate) first_on: Option<NaiveDate>,
    pub(crate) last_on: Option<NaiveDate>,
    /// Whether who asks for it is enough to have it approved.
    pub(crate) at_once: bool,
    /// Of an agent's: how it was put on record.
    pub(crate) paper: Option<(Channel, String)>,
}

impl Change {
    /// Begins to change the user with this id; their lock is held.
    pub(crate) fn of(tx: &mut Tx<'_>, id: &PrincipalId) -> Result<Self, Error> {
        let user = registry::user(tx.db()?, id)?.ok_or(Error::NotFound)?;
        Ok(Self { before: Some(user.clone()), user })
    }

    /// Begins with someone new.
    pub(crate) fn new(tx: &mut Tx<'_>, user: User) -> Self {
        registry::insert_user(tx, &user);
        let mut it = Self { before: None, user };
        it.tell(tx, EventType::UserCreated, None, "active");
        it
    }

    /// The grant with this id.
    pub(crate) fn grant(&self, id: &GrantId) -> Result<&Grant, Error> {
        self.user.grants.iter().find(|it| it.id == *id).ok_or(Error::GrantNotFound)
    }

    /// Adds a grant, asked for by `by`; one like it whose last day is over makes way.
    pub(crate) fn add(&mut self, tx: &mut Tx<'_>, terms: Terms, by: &str) -> Result<GrantId, Error> {
        let (now, day) = (tx.now(), tx.today());
        let alike =
            |it: &&Grant| it.ended_at.is_none() && it.role == terms.role && it.site_id == terms.site_id;
        if let Some(it) = self.user.grants.iter().find(alike) {
            if it.is_open(day) {
                return Err(Error::GrantExists);
            }
            let (over, topic) = (it.id.clone(), ended(it));
            self.alter(tx, &over, topic, |it| {
                (it.ended_by, it.ended_at) = (Some("system".to_owned()), Some(now));
            })?;
        }
        let Terms { role, site_id, first_on, last_on, at_once, paper } = terms;
        let (channel, paper) = paper.unzip();
        let grant = Grant {
            id: GrantId::parse(&fresh_id("grt", now)).ok_or_else(|| broken("an id of another form"))?,
            role,
            site_id,
            first_on,
            last_on,
            requested_by: by.to_owned(),
            requested_at: now,
            approved_by: at_once.then(|| by.to_owned()),
            approved_at: at_once.then_some(now),
            ended_by: None,
            ended_at: None,
            channel,
            paper,
        };
        registry::insert_grant(tx, &self.user, &grant);
        let topic = match (at_once, channel) {
            (_, Some(_)) => EventType::DelegationRecorded,
            (true, None) => EventType::GrantApproved,
            (false, None) => EventType::GrantRequested,
        };
        self.tell(tx, topic, grant.site_id.as_ref(), lifecycle::status(&grant, day).as_str());
        let id = grant.id.clone();
        self.user.grants.push(grant);
        Ok(id)
    }

    /// Approves the grant with this id.
    pub(crate) fn approve(&mut self, tx: &mut Tx<'_>, id: &GrantId, by: &str) -> Result<(), Error> {
        let now = tx.now();
        self.alter(tx, id, EventType::GrantApproved, |it| {
            (it.approved_by, it.approved_at) = (Some(by.to_owned()), Some(now));
        })
    }

    /// Ends the grant with this id.
    pub(crate) fn end(&mut self, tx: &mut Tx<'_>, id: &GrantId, by: &str) -> Result<(), Error> {
        let (now, topic) = (tx.now(), ended(self.grant(id)?));
        self.alter(tx, id, topic, |it| (it.ended_by, it.ended_at) = (Some(by.to_owned()), Some(now)))
    }

    /// Lets the user call, or no longer.
    pub(crate) fn switch(&mut self, tx: &mut Tx<'_>, active: bool) {
        self.user.active = active;
        let (topic, status) =
            if active { (EventType::UserEnabled, "active") } else { (EventType::UserDisabled, "disabled") };
        self.tell(tx, topic, None, status);
    }

    /// Writes what remains, and the trail's entry; the user as they are now.
    pub(crate) fn record(
        self,
        tx: &mut Tx<'_>,
        action: TrailAction,
        site: Option<&SiteId>,
        reason: Option<String>,
    ) -> Result<User, Error> {
        let Self { before, user } = self;
        let read_at = before.as_ref().map_or(0, |it| it.version);
        if !registry::change_user(tx, &user, read_at)? {
            return Err(Error::Changed);
        }
        tx.record(Trail {
            action,
            subject: user.id.to_string(),
            site_id: site.map(ToString::to_string),
            reason,
            before: before.as_ref().map(digestible).transpose()?,
            after: Some(digestible(&user)?),
        });
        Ok(user)
    }

    fn alter(
        &mut self,
        tx: &mut Tx<'_>,
        id: &GrantId,
        topic: EventType,
        change: impl FnOnce(&mut Grant),
    ) -> Result<(), Error> {
        let grant = self.user.grants.iter_mut().find(|it| it.id == *id).ok_or(Error::GrantNotFound)?;
        change(grant);
        registry::change_grant(tx, grant)?;
        let (site, status) = (grant.site_id.clone(), lifecycle::status(grant, tx.today()));
        self.tell(tx, topic, site.as_ref(), status.as_str());
        Ok(())
    }

    fn tell(&mut self, tx: &mut Tx<'_>, topic: EventType, site: Option<&SiteId>, status: &str) {
        self.user.version += 1;
        tx.emit(Event {
            topic,
            subject: self.user.id.to_string(),
            site_id: site.map(ToString::to_string),
            status: status.to_owned(),
            version: self.user.version,
            sequence: self.user.version,
        });
    }
}

/// What is told of the end of a grant.
fn ended(it: &Grant) -> EventType {
    if it.channel.is_some() { EventType::DelegationEnded } else { EventType::GrantEnded }
}

/// All of a user as text, of which the trail keeps a digest; a change of this form changes its number.
fn digestible(it: &User) -> Result<String, Error> {
    let text = serde_json::to_string(it).map_err(|_| broken("a user can't be written"))?;
    Ok(format!("1:{text}"))
}
