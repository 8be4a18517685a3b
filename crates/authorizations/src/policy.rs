//! What the plan decides by: a versioned table, read once, evaluated by a pure function.

use std::collections::BTreeMap;

use kernel::{CodeType, Modifier, ProcedureCode, codes};
use serde::{Deserialize, Serialize};

use crate::Service;

codes! {
    /// What a policy may yield. It can't deny, nor grant less than was asked: those are a clinician's (FED-05).
    pub enum Outcome {
        /// Granted as asked.
        Approved = "APPROVED",
        /// To a clinician.
        Medreview = "MEDREVIEW",
        /// No decision yet.
        Pend = "PEND",
    }
}

/// What a ruling depends on, and nothing else; kept with each decision, so that it can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The service asked for.
    pub service: Service,
    /// Units of all lines.
    pub units: u32,
    /// Days from the start to the end, both counted.
    pub days: i64,
    /// How many days before the day of receipt the service starts; negative where it starts later.
    pub started_days_ago: i64,
    /// Whether it is a possible duplicate.
    pub duplicate: bool,
}

/// What a [`Decider`] says to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// What becomes of the request.
    pub outcome: Outcome,
    /// Why, in a word that a program can compare.
    pub reason_code: String,
    /// Why, in a sentence.
    pub reason: String,
    /// The rule that it rests on, if one does.
    pub rule: Option<String>,
    /// The version of the policy that made it.
    pub policy_version: String,
    /// The row that made it.
    pub policy_row: String,
    /// What it was made from.
    pub inputs: Question,
}

/// Rules on requests, in real time.
pub trait Decider: Send + Sync {
    /// Rules on `question`, the same each time.
    fn decide(&self, question: Question) -> Ruling;
}

/// A policy as its file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name in every decision that it makes.
    pub version: String,
    /// Whom a provider's office calls.
    pub contact: PlanContact,
    services: BTreeMap<Service, ServicePolicy>,
    rows: Vec<Row>,
    /// Why a request may be closed: code and sentence.
    pub close_reasons: BTreeMap<String, String>,
}

/// Whom a provider's office calls.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanContact {
    /// Provider Service (E.164).
    pub phone: String,
    /// Portal help.
    pub email: String,
    /// Where clinical notes are faxed to (E.164).
    pub fax: String,
}

/// A service, and the codes that it takes (AUT-17).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicePolicy {
    pub(crate) title: String,
    pub(crate) codes: Vec<AllowedCode>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowedCode {
    pub(crate) code_type: CodeType,
    pub(crate) code: ProcedureCode,
    pub(crate) modifiers: Vec<Modifier>,
    pub(crate) description: String,
}

/// Conditions that all must hold, and what follows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    services: Option<Vec<Service>>,
    duplicate: Option<bool>,
    started_days_ago: Option<i64>,
    starts_in_days: Option<i64>,
    days: Option<i64>,
    visits_per_60_days: Option<u32>,
    outcome: Outcome,
    reason_code: String,
    reason: String,
    rule: Option<String>,
}

impl Policy {
    /// The policy that is shipped.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(include_str!("../policy/2026-11.toml")).expect("the shipped policy")
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong with it, and where: a line, a table or a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let it: Self = toml::from_str(text).map_err(|it| it.to_string())?;
        for service in Service::ALL {
            let known = it.services.get(service).is_some_and(|it| !it.codes.is_empty());
            known.then_some(()).ok_or_else(|| format!("services.{service}: names no codes"))?;
        }
        let mut ids: Vec<_> = it.rows.iter().map(|row| &row.id).collect();
        ids.sort();
        if let Some([twice, _]) = ids.array_windows().find(|[one, other]| one == other) {
            return Err(format!("rows: two have the id `{twice}`"));
        }
        if let Some(row) =
            it.rows.iter().find(|row| (row.duplicate == Some(true)) != (row.outcome == Outcome::Pend))
        {
            return Err(format!("rows.{}: a possible duplicate pends, and nothing else does", row.id));
        }
        if !it.rows.last().is_some_and(Row::is_unconditional) {
            return Err(
                "rows: the last one must have no conditions, so that every request gets a ruling".to_owned()
            );
        }
        if let Some(row) = it.rows.iter().rev().skip(1).find(|row| row.is_unconditional()) {
            return Err(format!("rows.{}: has no conditions, so that those after it never hold", row.id));
        }
        Ok(it)
    }

    pub(crate) fn service(&self, service: Service) -> &ServicePolicy {
        // `parse` refuses a policy without one.
        &self.services[&service]
    }
}

impl Row {
    fn is_unconditional(&self) -> bool {
        let Self { services, duplicate, started_days_ago, starts_in_days, days, visits_per_60_days, .. } =
            self;
        let (services, duplicate) = (services.is_none(), duplicate.is_none());
        services
            && duplicate
            && [started_days_ago, starts_in_days, days].iter().all(|it| it.is_none())
            && visits_per_60_days.is_none()
    }

    fn holds(&self, it: &Question) -> bool {
        let Self { services, duplicate, started_days_ago, starts_in_days, days, visits_per_60_days, .. } =
            self;
        services.as_ref().is_none_or(|services| services.contains(&it.service))
            && duplicate.is_none_or(|duplicate| duplicate == it.duplicate)
            && started_days_ago.is_none_or(|days| it.started_days_ago > days)
            && starts_in_days.is_none_or(|days| -it.started_days_ago > days)
            && days.is_none_or(|days| it.days > days)
            // On average over the period; a shorter one counts as 60 days.
            && visits_per_60_days.is_none_or(|most| i64::from(it.units) * 60 <= i64::from(most) * it.days.max(60))
    }
}

impl Decider for Policy {
    fn decide(&self, question: Question) -> Ruling {
        // `parse` refuses a policy whose last row doesn't always hold.
        let row =
            self.rows.iter().find(|row| row.holds(&question)).unwrap_or(&self.rows[self.rows.len() - 1]);
        Ruling {
            outcome: row.outcome,
            reason_code: row.reason_code.clone(),
            reason: row.reason.clone(),
            rule: row.rule.clone(),
            policy_version: self.version.clone(),
            policy_row: row.id.clone(),
            inputs: question,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_rules_by_its_table() {
        use Outcome::{Approved, Medreview, Pend};
        let policy = Policy::shipped();
        for (units, days, started_days_ago, duplicate, outcome, row) in [
            (1, 1, -10, false, Approved, "snc-usual"),
            (20, 60, 0, false, Approved, "snc-usual"),
            (21, 60, 0, false, Medreview, "otherwise"),
            (20, 7, 0, false, Approved, "snc-usual"),
            (21, 7, 0, false, Medreview, "otherwise"),
            (30, 90, 0, false, Approved, "snc-usual"),
            (31, 90, 0, false, Medreview, "otherwise"),
            (120, 366, 0, false, Approved, "snc-usual"),
            (1, 367, 0, false, Medreview, "long-period"),
            (1, 60, -180, false, Approved, "snc-usual"),
            (1, 60, -181, false, Medreview, "far-start"),
            (12, 60, 30, false, Approved, "snc-usual"),
            (12, 60, 31, false, Medreview, "past-start"),
            (12, 60, 31, true, Pend, "duplicate"),
        ] {
            let service = Service::SkilledNursingCare;
            let ruling = policy.decide(Question { service, units, days, started_days_ago, duplicate });
            assert_eq!((ruling.outcome, &*ruling.policy_row), (outcome, row), "{:?}", ruling.inputs);
        }
    }

    #[test]
    fn a_wrong_policy_is_refused_with_the_place() {
        let good = include_str!("../policy/2026-11.toml");
        for (from, to, word) in [
            ("outcome = \"APPROVED\"", "outcome = \"DENIED\"", "DENIED"),
            ("id = \"past-start\"", "id = \"duplicate\"", "two have the id `duplicate`"),
            ("started_days_ago = 30\n", "", "rows.past-start"),
            (
                "duplicate = true\noutcome = \"PEND\"",
                "duplicate = true\noutcome = \"APPROVED\"",
                "rows.duplicate",
            ),
            ("outcome = \"APPROVED\"", "outcome = \"PEND\"", "rows.snc-usual"),
            ("id = \"otherwise\"", "id = \"otherwise\"\nstarts_in_days = 1", "the last one"),
            ("visits_per_60_days = 20", "visits_per_week = 20", "visits_per_week"),
            ("code = \"0551\"", "code = \"551x\"", "not a revenue code"),
            ("codes = [{", "codes = [] #", "services.skilled_nursing_care"),
        ] {
            assert!(good.contains(from), "{from}");
            let wrong = Policy::parse(&good.replacen(from, to, 1)).expect_err(to);
            assert!(wrong.contains(word), "{wrong}");
        }
    }
}
