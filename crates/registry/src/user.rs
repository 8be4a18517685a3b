use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use kernel::{PrincipalId, SiteId, codes};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Contact, GrantId, PrincipalKind, Role, SiteScope};

codes! {
    /// How someone was put on record as an agent (ENR-10); by word of mouth no one is.
    pub enum Channel {
        /// By the site's administrator, in the portal.
        Portal = "portal",
        /// By the plan's standardized form.
        Form = "form",
        /// By a signed letter.
        Letter = "letter",
    }
}

/// Someone who calls, as those see them who look after users: with all that they were ever granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Who it is.
    pub id: PrincipalId,
    /// What it is to the plan.
    pub kind: PrincipalKind,
    /// The `sub` of its tokens.
    pub login: String,
    /// The human being behind it, who may have other logins.
    pub person: String,
    /// Its name.
    pub name: String,
    /// Whom to call about its requests (AUT-11).
    pub contact: Option<Contact>,
    /// Of staff: whose report it is.
    pub reports_to: Option<PrincipalId>,
    /// Whether it may call at all.
    pub active: bool,
    /// How often it and its grants have changed.
    pub version: i32,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it, or one of its grants, was last changed.
    pub updated_at: DateTime<Utc>,
    /// Each role that it was ever granted, or is to be, the oldest first.
    pub grants: Vec<Grant>,
}

/// A role that was asked for: in force once approved, from its first day to its last, until it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The role.
    pub role: Role,
    /// The site that it is for; none where it is of the plan.
    pub site_id: Option<SiteId>,
    /// Its first day, if it doesn't begin with the approval.
    pub first_on: Option<NaiveDate>,
    /// Its last day, if it has one.
    pub last_on: Option<NaiveDate>,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    #[serde(deserialize_with = "instant")]
    pub requested_at: DateTime<Utc>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When.
    #[serde(deserialize_with = "instant_or_none")]
    pub approved_at: Option<DateTime<Utc>>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When.
    #[serde(deserialize_with = "instant_or_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Of an agent's: how it was put on record (ENR-10).
    pub channel: Option<Channel>,
    /// Of an agent's: where the paper is kept.
    pub paper: Option<String>,
}

impl User {
    /// As much of it as `scope` sees: of the plan's, all; of sites', what it was ever granted there, if anything was (AUT-09).
    #[must_use]
    pub fn seen(mut self, scope: &SiteScope) -> Option<Self> {
        if scope.sites().is_some() {
            self.grants.retain(|it| it.is_seen(scope));
        }
        (scope.sites().is_none() || !self.grants.is_empty()).then_some(self)
    }
}

impl Grant {
    /// Whether `scope` sees it.
    #[must_use]
    pub fn is_seen(&self, scope: &SiteScope) -> bool {
        scope.sites().is_none() || self.site_id.as_ref().is_some_and(|it| scope.sees(it))
    }

    /// How often it was changed, from 1: asked for, approved by another than who asked, ended.
    #[must_use]
    pub fn version(&self) -> i32 {
        let approved = self.approved_by.as_ref().is_some_and(|it| *it != self.requested_by);
        1 + i32::from(approved) + i32::from(self.ended_at.is_some())
    }

    /// Whether it is still to come, or in force, on `day`: approved or not.
    #[must_use]
    pub fn is_open(&self, day: NaiveDate) -> bool {
        self.ended_at.is_none() && self.last_on.is_none_or(|it| it >= day)
    }

    /// Whether it is in force on `day`.
    #[must_use]
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        self.approved_at.is_some() && self.is_open(day) && self.first_on.is_none_or(|it| it <= day)
    }
}

/// Reads a timestamp as either database writes it into JSON: UTC, without saying so.
fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    instant_or_none(from)?.ok_or_else(|| D::Error::custom("a grant without its instant"))
}

fn instant_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let read = |text: String| text.replace(' ', "T").parse::<NaiveDateTime>();
    text.map(read).transpose().map(|it| it.map(|it| it.and_utc())).map_err(D::Error::custom)
}
