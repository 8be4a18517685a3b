//! An authorization as the plan keeps it.

use ::store::Number;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use kernel::{CodeType, DiagnosisCode, Npi, Period, Phone, PrincipalId, Scope, SiteId};
use registry::{Pcp, Role};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::broken;
use crate::{
    Action, Error, LIFECYCLE, Outcome, PendReason, Question, RequestType, Ruling, Service, Status, Urgency,
};

/// An authorization: what was asked, by whom, for whom, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Authorization {
    /// Its number, which is its ID (AUT-25).
    pub number: Number,
    /// How often it has changed, from 1.
    pub version: i32,
    /// How many events it has had.
    pub events: i32,
    /// The kind of request.
    pub request_type: RequestType,
    /// The service asked for.
    pub requested_service: Service,
    /// The site that owns it.
    pub site_id: SiteId,
    /// Who was named in it.
    pub parties: Parties,
    /// Where it stands.
    pub status: Status,
    /// Why it pends, if it does.
    pub pend_reason: Option<PendReason>,
    /// How soon an answer is needed.
    pub urgency: Urgency,
    /// Why a standard answer would be too late.
    pub urgency_reason: Option<String>,
    /// The days of service.
    pub service: Period,
    /// What the requester added.
    pub remarks: Option<String>,
    /// The decision in force; where it pends, the ruling that made it pend, or what stands in the place of one.
    pub decision: Decision,
    /// The ID of the authorization that it looks like.
    pub duplicate_of: Option<String>,
    /// The site that owns that one.
    pub duplicate_site: Option<SiteId>,
    /// Whether it asks for an evaluation of a member who had an earlier one (AUT-15).
    pub re_evaluation: bool,
    /// Why it was closed, if it was.
    pub closing: Option<Closing>,
    /// The primary diagnosis first.
    pub diagnoses: Vec<DiagnosisLine>,
    /// What is to be done.
    pub lines: Vec<Line>,
    /// Its open deadlines.
    pub deadlines: Vec<OpenDeadline>,
    /// Who asked for it.
    pub created_by: PrincipalId,
    /// When it was received.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Authorization {
    /// Its ID, as 19164R00145.
    #[must_use]
    pub fn id(&self) -> String {
        self.number.to_string()
    }

    /// Where `action` leads from here, for a caller who read it at `version`.
    ///
    /// # Errors
    /// [`Error::Stale`] where it changed since, [`Error::NotPermitted`] with what the caller `may` do instead.
    pub(crate) fn next(
        &self,
        action: Action,
        version: i32,
        may: impl Fn(Scope) -> bool,
    ) -> Result<Status, Error> {
        if self.version != version {
            return Err(Error::Stale);
        }
        LIFECYCLE.next(self.status, action).ok_or_else(|| {
            let allowed = LIFECYCLE.actions(self.status, may).map(Action::as_str).collect();
            Error::NotPermitted(self.status, action, allowed)
        })
    }

    /// All of it as text, of which the trail keeps a digest; a change of this form changes its number.
    pub(crate) fn digestible(&self) -> Result<String, Error> {
        let text = serde_json::to_string(self).map_err(|_| broken("an authorization can't be written"))?;
        Ok(format!("2:{text}"))
    }
}

/// Who was named in a request, as they were on the day of receipt: the record of what was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// For whom.
    pub member: MemberParty,
    /// Who asks ("referred by").
    pub refer_from: Party,
    /// Who will render the service ("referred to").
    pub refer_to: Party,
    /// Who is paid for it.
    pub pay_to: Named,
}

/// The member, as on the day of receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberParty {
    /// The number.
    pub id: kernel::MemberId,
    /// First and last name.
    pub name: String,
    /// The day of birth.
    pub date_of_birth: NaiveDate,
    /// The product that covers the start date.
    pub product: String,
    /// The primary care provider.
    pub pcp: Option<PcpParty>,
}

/// A member's primary care provider, as on the day of receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PcpParty {
    /// Its NPI.
    pub npi: Npi,
    /// Its name.
    pub name: String,
    /// Where it sees the member.
    pub site: Option<String>,
}

impl From<Pcp> for PcpParty {
    fn from(Pcp { npi, name, site }: Pcp) -> Self {
        Self { npi, name, site }
    }
}

/// A provider, and whom to call there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its NPI.
    pub npi: Npi,
    /// Its name.
    pub name: String,
    /// A person or a desk.
    pub contact_name: String,
    /// How to call them.
    pub contact_phone: Phone,
}

/// A provider by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its NPI.
    pub npi: Npi,
    /// Its name.
    pub name: String,
}

/// One of up to six diagnoses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisLine {
    /// The code.
    pub code: DiagnosisCode,
    /// What it means.
    pub description: String,
}

/// A procedure, and its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: i32,
    /// Where it stands.
    pub status: Status,
    /// The set that the code is of.
    pub code_type: CodeType,
    /// The code.
    pub code: String,
    /// Its modifiers, separated by spaces.
    pub modifiers: String,
    /// What the code means, in our words.
    pub description: String,
    /// Units asked for.
    pub requested: i32,
    /// Units granted.
    pub authorized: i32,
    /// Units used, as claims say.
    pub used: i32,
}

/// A decision, and all that it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub outcome: Outcome,
    /// Why, in a word that a program can compare.
    pub reason_code: String,
    /// Why, in sentences.
    pub reason: String,
    /// The rule that it rests on, if one does.
    pub rule: Option<String>,
    /// Who made it, and from what.
    pub decided_by: DecidedBy,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecidedBy {
    /// The policy.
    System {
        /// Its version.
        policy_version: String,
        /// The row that made it.
        policy_row: String,
        /// What it was made from, so that it can be made again.
        inputs: Question,
    },
    /// No one yet.
    Nobody {
        /// What it will be made from.
        inputs: Question,
    },
    /// A person of the plan.
    Staff {
        /// Who.
        id: PrincipalId,
        /// What they were to the plan at that time.
        role: Role,
        /// What became of each line.
        lines: Vec<LineDecision>,
    },
}

/// What was decided of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDecision {
    /// Its number.
    pub line: i32,
    /// Where it stood from then on.
    pub status: Status,
    /// Units granted.
    pub authorized: i32,
    /// The code granted.
    pub code: String,
}

impl Decision {
    /// The decision that a policy's ruling makes.
    pub(crate) fn of(ruling: Ruling, decided_at: DateTime<Utc>) -> Self {
        let Ruling { outcome, reason_code, reason, rule, policy_version, policy_row, inputs } = ruling;
        let decided_by = DecidedBy::System { policy_version, policy_row, inputs };
        Self { outcome, reason_code, reason, rule, decided_by, decided_at }
    }
}

/// How an authorization ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// One of the plan's reasons.
    pub reason_code: String,
    /// The reason in words.
    pub reason: String,
    /// Who closed it.
    pub closed_by: PrincipalId,
    /// When.
    pub closed_at: DateTime<Utc>,
}

/// A promise that is still to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDeadline {
    /// The rule that sets it.
    pub rule: String,
    /// When it runs out.
    #[serde(deserialize_with = "instant")]
    pub due_at: DateTime<Utc>,
}

/// Reads a timestamp as either database writes it into JSON: UTC, without saying so.
fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(from)?.replace(' ', "T");
    text.parse::<NaiveDateTime>().map(|it| it.and_utc()).map_err(D::Error::custom)
}
