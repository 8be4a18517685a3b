//! Emergency accesses, as they are kept.

use ::store::{Db, Rx, Tx, rows};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use kernel::{MemberId, PrincipalId, codes};

use crate::schema::{emergency_accesses, members, principals};
use crate::{EmergencyId, Error};

codes! {
    /// Why someone needs a member's records at once.
    pub enum EmergencyReason {
        /// The member is being treated, and can't wait.
        Treatment = "treatment",
        /// Someone's safety is at stake.
        Safety = "safety",
        /// A disaster keeps those away who would have access.
        Disaster = "disaster",
    }
}

codes! {
    /// What the review of an emergency access came to.
    pub enum Finding {
        /// It was needed, and used for what it was opened for.
        Justified = "justified",
        /// It wasn't; what follows is no longer the service's.
        NotJustified = "not_justified",
    }
}

codes! {
    /// Where an emergency access stands.
    pub enum EmergencyStatus {
        /// It opens the records.
        Open = "open",
        /// Its hour is over; it waits for its review.
        Over = "over",
        /// It was reviewed: it was needed, and used for what it was opened for.
        Justified = "justified",
        /// It was reviewed: it wasn't.
        NotJustified = "not_justified",
    }
}

/// An emergency access: to one member's records, for an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// Its id.
    pub id: EmergencyId,
    /// Who opened it.
    pub principal_id: PrincipalId,
    /// Whose records it opens.
    pub member_id: MemberId,
    /// Why, in a word.
    pub reason_code: EmergencyReason,
    /// Why, in words.
    pub reason: String,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Who reviewed it, when, and what that came to.
    pub review: Option<(PrincipalId, DateTime<Utc>, Finding)>,
}

impl Emergency {
    /// Where it stands at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> EmergencyStatus {
        match &self.review {
            Some((.., Finding::Justified)) => EmergencyStatus::Justified,
            Some((.., Finding::NotJustified)) => EmergencyStatus::NotJustified,
            None if now < self.ends_at => EmergencyStatus::Open,
            None => EmergencyStatus::Over,
        }
    }

    /// How often it was changed, from 1: opened, reviewed.
    #[must_use]
    pub fn version(&self) -> i32 {
        1 + i32::from(self.review.is_some())
    }
}

rows! {
    #[derive(Queryable, Selectable)]
    pub(crate) struct EmergencyRow for emergency_accesses {
        id: EmergencyId,
        principal_id: PrincipalId,
        member_id: MemberId,
        reason_code: EmergencyReason,
        reason: String,
        opened_at: NaiveDateTime,
        ends_at: NaiveDateTime,
        reviewed_by: Option<PrincipalId>,
        reviewed_at: Option<NaiveDateTime>,
        finding: Option<Finding>,
    }
}

impl From<EmergencyRow> for Emergency {
    fn from(it: EmergencyRow) -> Self {
        let reviewed = it.reviewed_by.zip(it.reviewed_at).zip(it.finding);
        Self {
            id: it.id,
            principal_id: it.principal_id,
            member_id: it.member_id,
            reason_code: it.reason_code,
            reason: it.reason,
            opened_at: it.opened_at.and_utc(),
            ends_at: it.ends_at.and_utc(),
            review: reviewed.map(|((who, at), finding)| (who, at.and_utc(), finding)),
        }
    }
}

/// Keeps a new one.
pub fn open_emergency(tx: &mut Tx<'_>, it: &Emergency) {
    tx.insert(vec![EmergencyRow {
        id: it.id.clone(),
        principal_id: it.principal_id.clone(),
        member_id: it.member_id.clone(),
        reason_code: it.reason_code,
        reason: it.reason.clone(),
        opened_at: it.opened_at.naive_utc(),
        ends_at: it.ends_at.naive_utc(),
        reviewed_by: None,
        reviewed_at: None,
        finding: None,
    }]);
}

/// The emergency access with this id, if there is one.
///
/// # Errors
/// If the database can't answer.
pub fn emergency(db: &mut Db, id: &EmergencyId) -> Result<Option<Emergency>, Error> {
    let found: Option<EmergencyRow> =
        emergency_accesses::table.find(id).select(EmergencyRow::as_select()).first(db).optional()?;
    Ok(found.map(Emergency::from))
}

/// Keeps what a review came to, of one that has none.
///
/// # Errors
/// If the database can't answer.
pub fn review_emergency(tx: &mut Tx<'_>, it: &Emergency) -> Result<(), Error> {
    let Some((who, at, finding)) = &it.review else { return Ok(()) };
    let row = emergency_accesses::table.find(&it.id).filter(emergency_accesses::reviewed_at.is_null());
    diesel::update(row)
        .set((
            emergency_accesses::reviewed_by.eq(who),
            emergency_accesses::reviewed_at.eq(at.naive_utc()),
            emergency_accesses::finding.eq(finding),
            // What is reviewed is over.
            emergency_accesses::ends_at.eq(it.ends_at.naive_utc()),
        ))
        .execute(tx.db()?)?;
    Ok(())
}

/// A page of at most `limit`, the latest first, beginning after `after`: all of them, or those of one caller; only those still to be
/// reviewed, if `open`.
///
/// # Errors
/// If the database can't answer.
pub fn emergencies(
    rx: &mut Rx<'_>,
    of: Option<&PrincipalId>,
    open: bool,
    after: Option<&EmergencyId>,
    limit: i64,
) -> Result<Vec<Emergency>, Error> {
    let mut query = emergency_accesses::table
        .select(EmergencyRow::as_select())
        .order(emergency_accesses::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(of) = of {
        query = query.filter(emergency_accesses::principal_id.eq(of));
    }
    if open {
        query = query.filter(emergency_accesses::reviewed_at.is_null());
    }
    if let Some(after) = after {
        query = query.filter(emergency_accesses::id.lt(after));
    }
    let found: Vec<EmergencyRow> = query.load(rx.db())?;
    Ok(found.into_iter().map(Emergency::from).collect())
}

/// Whether an emergency access of this human being for this member, under whatever login, waits for its review, or was found not to be
/// justified.
///
/// # Errors
/// If the database can't answer.
pub fn has_unreviewed(tx: &mut Tx<'_>, person: &str, member: &MemberId) -> Result<bool, Error> {
    let waits = emergency_accesses::reviewed_at.is_null();
    let misused = emergency_accesses::finding.eq(Finding::NotJustified);
    let open = emergency_accesses::table
        .inner_join(principals::table)
        .filter(principals::person.eq(person).and(emergency_accesses::member_id.eq(member)))
        .filter(waits.or(misused.assume_not_null()))
        .select(emergency_accesses::id);
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(tx.db()?)?)
}

/// Whether the plan has a member with this number.
///
/// # Errors
/// If the database can't answer.
pub fn is_member(rx: &mut Rx<'_>, id: &MemberId) -> Result<bool, Error> {
    let known = members::table.find(id).select(members::id);
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(rx.db())?)
}
