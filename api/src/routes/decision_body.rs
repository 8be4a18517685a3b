//! What was decided of an authorization, as callers see it.

use authorizations::{Closing, DecidedBy, Decision, Outcome};
use chrono::{DateTime, Utc};
use kernel::PrincipalId;
use registry::Role;
use serde::Serialize;
use utoipa::ToSchema;

/// A decision, and what it rests on.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionBody {
    outcome: Outcome,
    /// Why, in a word that a program can compare.
    reason_code: String,
    /// Why, in a sentence.
    reason: String,
    /// The rule that it rests on, if one does: an ID of `docs/rules.md`.
    #[schema(required = true)]
    rule: Option<String>,
    /// The version of the policy that made it, if one did.
    #[schema(required = true)]
    policy_version: Option<String>,
    /// The row of the policy that made it, if one did.
    #[schema(required = true)]
    policy_row: Option<String>,
    decided_by: DecidedByBody,
    /// Whether a person looked at it.
    human_reviewed: bool,
    /// When it was made.
    decided_at: DateTime<Utc>,
}

/// Who decided.
#[derive(Serialize, ToSchema)]
struct DecidedByBody {
    kind: DeciderKind,
    /// Which person of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<PrincipalId>,
    /// What they were to the plan at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
}

/// What decides.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeciderKind {
    /// The policy.
    System,
    /// A person of the plan.
    Staff,
}

/// How an authorization ended.
#[derive(Serialize, ToSchema)]
pub(super) struct ClosingBody {
    /// One of the plan's reasons.
    #[schema(example = "entered_in_error")]
    reason_code: String,
    /// The reason in words.
    reason: String,
    /// When.
    closed_at: DateTime<Utc>,
}

impl From<Decision> for DecisionBody {
    fn from(it: Decision) -> Self {
        let (policy_version, policy_row, decided_by) = match it.decided_by {
            DecidedBy::System { policy_version, policy_row, .. } => {
                let by = DecidedByBody { kind: DeciderKind::System, id: None, role: None };
                (Some(policy_version), Some(policy_row), by)
            }
            // It isn't shown while there is none.
            DecidedBy::Nobody { .. } => {
                (None, None, DecidedByBody { kind: DeciderKind::System, id: None, role: None })
            }
            DecidedBy::Staff { id, role, .. } => {
                (None, None, DecidedByBody { kind: DeciderKind::Staff, id: Some(id), role: Some(role) })
            }
        };
        Self {
            outcome: it.outcome,
            reason_code: it.reason_code,
            reason: it.reason,
            rule: it.rule,
            human_reviewed: policy_row.is_none(),
            policy_version,
            policy_row,
            decided_by,
            decided_at: it.decided_at,
        }
    }
}

impl From<Closing> for ClosingBody {
    fn from(Closing { reason_code, reason, closed_at, .. }: Closing) -> Self {
        Self { reason_code, reason, closed_at }
    }
}
