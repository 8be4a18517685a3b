//! Emergency access (45 CFR 164.312(a)(2)(ii)): someone who may not see a member's records opens them for an hour, says why, and is
//! reviewed for it.
//!
//! It is for people, not for programs; it only reads, and only what is of the one member. Compliance is told at once, and reviews it
//! by the end of the next business day (S-12).

use ::store::{Basis, Deadline, Event, Key, Locks, Rx, Trail, Tx};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use kernel::{
    Calendar, Draft, EventType, FlawCode, Flaws, MemberId, Scope, Text, TrailAction, body, fresh_id,
};
use registry::{Access, Emergency, EmergencyId, EmergencyReason, Finding, PrincipalKind};

use crate::Error;
use crate::error::broken;

/// How long one lasts.
const LASTS: TimeDelta = TimeDelta::minutes(60);

body! {
    /// Whose records someone needs at once, and why.
    pub struct NewEmergency {
        /// The member.
        member_id: MemberId => "",
        /// Why, in a word.
        reason_code: EmergencyReason => "",
        /// Why, in words.
        reason: Text<10, 500> => "",
    }
}

body! {
    /// What the review of an emergency access came to.
    pub struct NewReview {
        /// It.
        finding: Finding => "",
        /// Why.
        reason: Text<1, 500> => "",
    }
}

/// What is opened.
#[derive(Debug, Clone)]
pub struct ToOpen {
    member: MemberId,
    reason_code: EmergencyReason,
    reason: String,
    /// The human being who opens it.
    opener: String,
    /// The plan's zone, in which a business day ends.
    zone: Tz,
}

impl ToOpen {
    /// Who asks, and whether the plan knows the member.
    ///
    /// # Errors
    /// [`Error::NoEmergencies`] of a program, and of whoever runs the service (S-13).
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        draft: &Draft<NewEmergency>,
    ) -> Result<(String, bool), Error> {
        may_open(caller)?;
        let known = draft.member_id.as_ref().map(|it| registry::is_member(rx, it)).transpose()?;
        Ok((caller.principal.person.clone(), known.unwrap_or(true)))
    }

    /// Adds that the plan knows no such member, if so; what it comes to.
    pub fn check(
        draft: &Draft<NewEmergency>,
        (opener, known): (String, bool),
        zone: Tz,
        flaws: &mut Flaws,
    ) -> Option<Self> {
        if !known {
            flaws.add("/member_id", FlawCode::UnknownMember, "Is not a member of the plan.");
        }
        Some(Self {
            member: draft.member_id.clone()?,
            reason_code: draft.reason_code?,
            reason: draft.reason.as_deref()?.to_owned(),
            opener,
            zone,
        })
    }
}

impl Locks for ToOpen {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.opener.clone())]
    }
}

/// Opens a member's records to the caller, tells compliance, and starts the clock of the review.
///
/// # Errors
/// [`Error::EmergencyUnreviewed`] while an earlier one of the same caller for the same member waits for its review: none is renewed
/// without a second person.
pub fn open_emergency(tx: &mut Tx<'_>, caller: &Access, it: ToOpen) -> Result<Emergency, Error> {
    tx.lock(&it.keys())?;
    may_open(caller)?;
    let who = &caller.principal.id;
    if registry::has_unreviewed(tx, &caller.principal.person, &it.member)? {
        return Err(Error::EmergencyUnreviewed);
    }
    let now = tx.now();
    let id = EmergencyId::parse(&fresh_id("emg", now)).ok_or_else(|| broken("an id of another form"))?;
    let opened = Emergency {
        id,
        principal_id: who.clone(),
        member_id: it.member,
        reason_code: it.reason_code,
        reason: it.reason,
        opened_at: now,
        ends_at: now + LASTS,
        review: None,
    };
    registry::open_emergency(tx, &opened);
    let day = Calendar::add_business_days(tx.today(), 1);
    let due_at = end_of(day, it.zone).ok_or_else(|| broken("a day without an end"))?;
    let subject = opened.id.to_string();
    tx.promise(Deadline { subject, site_id: None, rule: "S-12", basis: Basis::Business, due_at });
    tell(tx, &opened, EventType::EmergencyAccessOpened, "open", (1, 1));
    record(tx, &opened, TrailAction::EmergencyOpen, format!("{}: {}", opened.reason_code, opened.reason));
    Ok(opened)
}

/// Refuses a program, and whoever runs the service (S-13) or has no role in force.
fn may_open(caller: &Access) -> Result<(), Error> {
    let cares = caller.principal.cares_for_members();
    (caller.principal.kind != PrincipalKind::System && cares).then_some(()).ok_or(Error::NoEmergencies)
}

/// The moment at which `day` is over in `zone`.
fn end_of(day: chrono::NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.succ_opt()?.and_time(NaiveTime::MIN);
    midnight.and_local_timezone(zone).earliest().map(|it| it.to_utc())
}

/// The emergency access with this id, for whoever opened it, and for compliance.
///
/// # Errors
/// [`Error::EmergencyNotFound`] if there is none, or not for this caller.
pub fn find_emergency(rx: &mut Rx<'_>, caller: &Access, id: &EmergencyId) -> Result<Emergency, Error> {
    let found = registry::emergency(rx.db(), id)?;
    let seen = |it: &Emergency| reviews(caller) || it.principal_id == caller.principal.id;
    found.filter(seen).ok_or(Error::EmergencyNotFound)
}

/// A page of at most `limit` emergency accesses, the latest first: one's own, or for compliance all; and, if there are more, where it
/// ends.
///
/// # Errors
/// If the database can't answer.
pub fn list_emergencies(
    rx: &mut Rx<'_>,
    caller: &Access,
    unreviewed: bool,
    after: Option<&EmergencyId>,
    limit: u16,
) -> Result<(Vec<Emergency>, Option<EmergencyId>), Error> {
    let of = (!reviews(caller)).then_some(&caller.principal.id);
    let mut found = registry::emergencies(rx, of, unreviewed, after, i64::from(limit) + 1)?;
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| more).map(|it| it.id.clone());
    Ok((found, next))
}

/// Whether the caller sees the whole trail, and so reviews what was seen.
fn reviews(caller: &Access) -> bool {
    caller.may(Scope::TrailRead) && caller.scope(Scope::TrailRead).sites().is_none()
}

/// A review that is to be kept.
#[derive(Debug, Clone)]
pub struct ToReview {
    id: EmergencyId,
    finding: Finding,
    reason: String,
}

impl ToReview {
    /// The emergency access, if the caller sees it.
    ///
    /// # Errors
    /// [`Error::EmergencyNotFound`] of one that they don't.
    pub fn gather(rx: &mut Rx<'_>, caller: &Access, id: Option<&EmergencyId>) -> Result<EmergencyId, Error> {
        Ok(find_emergency(rx, caller, id.ok_or(Error::EmergencyNotFound)?)?.id)
    }

    /// What it comes to.
    #[must_use]
    pub fn check(draft: &Draft<NewReview>, id: EmergencyId, _: &mut Flaws) -> Option<Self> {
        Some(Self { id, finding: draft.finding?, reason: draft.reason.as_deref()?.to_owned() })
    }
}

impl Locks for ToReview {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.id.to_string())]
    }
}

/// Keeps what a review came to; no one reviews their own, under whatever login (S-12).
///
/// # Errors
/// [`Error::OwnEmergency`]; [`Error::NotAReviewer`] of whoever may only see their own; [`Error::EmergencyReviewed`].
pub fn review_emergency(tx: &mut Tx<'_>, caller: &Access, it: &ToReview) -> Result<Emergency, Error> {
    tx.lock(&it.keys())?;
    let mut found = registry::emergency(tx.db()?, &it.id)?.ok_or(Error::EmergencyNotFound)?;
    let opener = registry::user(tx.db()?, &found.principal_id)?.ok_or(Error::NotFound)?;
    if opener.person == caller.principal.person {
        return Err(Error::OwnEmergency);
    }
    if !reviews(caller) {
        return Err(Error::NotAReviewer);
    }
    if found.review.is_some() {
        return Err(Error::EmergencyReviewed);
    }
    found.review = Some((caller.principal.id.clone(), tx.now(), it.finding));
    found.ends_at = found.ends_at.min(tx.now());
    registry::review_emergency(tx, &found)?;
    tx.meet(&found.id)?;
    let sequence = tx.next_event(&found.id)?;
    tell(tx, &found, EventType::EmergencyAccessReviewed, it.finding.as_str(), (2, sequence));
    record(tx, &found, TrailAction::EmergencyReview, format!("{}: {}", it.finding, it.reason));
    Ok(found)
}

fn tell(tx: &mut Tx<'_>, it: &Emergency, topic: EventType, status: &str, (version, sequence): (i32, i32)) {
    tx.emit(Event {
        topic,
        subject: it.id.to_string(),
        site_id: None,
        status: status.to_owned(),
        version,
        sequence,
    });
}

fn record(tx: &mut Tx<'_>, it: &Emergency, action: TrailAction, reason: String) {
    tx.record(Trail {
        action,
        subject: it.id.to_string(),
        site_id: None,
        reason: Some(reason),
        before: None,
        after: None,
    });
}
