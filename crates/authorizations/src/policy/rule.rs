//! A question, the rows that answer it, and the answer.

use chrono::NaiveDate;
use kernel::{DiagnosisCode, codes};
use serde::{Deserialize, Serialize};

use super::Policy;
use crate::Service;

codes! {
    /// What becomes of a request. A policy can't deny, nor grant less than was asked: those are a clinician's (FED-05).
    pub enum Outcome {
        /// Granted as asked.
        Approved = "APPROVED",
        /// Granted in part, by a clinician.
        Reduced = "REDUCED",
        /// Refused, by a clinician.
        Denied = "DENIED",
        /// To a clinician.
        Medreview = "MEDREVIEW",
        /// No decision yet.
        Pend = "PEND",
    }
}

/// What a ruling depends on, and nothing else; kept with each decision, so that it can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The day of receipt, which says which policy is in force.
    pub received_on: NaiveDate,
    /// The service asked for.
    pub service: Service,
    /// The product that covers the start date.
    pub product: String,
    /// The member's age on the start date, in whole years.
    pub age: u32,
    /// The diagnoses, the primary one first.
    pub diagnoses: Vec<DiagnosisCode>,
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

/// That a [`Decider`] can't rule at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRuling;

/// Rules on requests, in real time.
pub trait Decider: Send + Sync {
    /// Rules on `question`, the same each time. It may take its time, on a thread of its own.
    ///
    /// # Errors
    /// That it can't at the moment: it is asked again later (AUT-24).
    fn decide(&self, question: Question) -> Result<Ruling, NoRuling>;

    /// Whether it rules at once and always, so that it needs no thread of its own.
    fn is_prompt(&self) -> bool {
        false
    }
}

/// Conditions that all must hold, and what follows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name in every decision that it makes.
    pub id: String,
    pub(super) services: Option<Vec<Service>>,
    pub(super) products: Option<Vec<String>>,
    pub(super) age_from: Option<u32>,
    pub(super) age_under: Option<u32>,
    pub(super) diagnoses: Option<String>,
    pub(super) duplicate: Option<bool>,
    pub(super) started_days_ago: Option<i64>,
    pub(super) starts_in_days: Option<i64>,
    pub(super) days: Option<i64>,
    pub(super) units_at_most: Option<u32>,
    pub(super) per_days: Option<u32>,
    /// What follows.
    pub outcome: Outcome,
    /// Why, in a word that a program can compare.
    pub reason_code: String,
    /// Why, in a sentence.
    pub reason: String,
    /// The rule that it rests on, if one does.
    pub rule: Option<String>,
}

impl Row {
    /// Whether it has no condition but, perhaps, the services that it is for.
    pub(super) fn is_for_all(&self) -> bool {
        self.duplicate.is_none() && self.is_for_all_but_duplicates()
    }

    /// Whether it has no condition but, perhaps, the services that it is for, and whether it looks like another.
    pub(super) fn is_for_all_but_duplicates(&self) -> bool {
        let Self {
            products,
            age_from,
            age_under,
            diagnoses,
            started_days_ago,
            starts_in_days,
            days,
            units_at_most,
            ..
        } = self;
        products.is_none()
            && diagnoses.is_none()
            && [age_from, age_under, units_at_most].iter().all(|it| it.is_none())
            && [started_days_ago, starts_in_days, days].iter().all(|it| it.is_none())
    }

    fn holds(&self, it: &Question, policy: &Policy) -> bool {
        let most = |most: u32| match self.per_days.map(i64::from) {
            None => it.units <= most,
            // On average over the period; a shorter one counts as `per_days`.
            Some(per) => i64::from(it.units) * per <= i64::from(most) * it.days.max(per),
        };
        self.services.as_ref().is_none_or(|services| services.contains(&it.service))
            && self.products.as_ref().is_none_or(|products| products.contains(&it.product))
            && self.age_from.is_none_or(|age| it.age >= age)
            && self.age_under.is_none_or(|age| it.age < age)
            && self.diagnoses.as_ref().is_none_or(|group| policy.groups(group, &it.diagnoses))
            && self.duplicate.is_none_or(|duplicate| duplicate == it.duplicate)
            && self.started_days_ago.is_none_or(|days| it.started_days_ago > days)
            && self.starts_in_days.is_none_or(|days| -it.started_days_ago > days)
            && self.days.is_none_or(|days| it.days > days)
            && self.units_at_most.is_none_or(most)
    }
}

impl Policy {
    /// Rules on `question`.
    #[must_use]
    pub fn rule(&self, question: Question) -> Ruling {
        // `parse` refuses a policy whose last row doesn't always hold.
        let row = self
            .rows
            .iter()
            .find(|row| row.holds(&question, self))
            .unwrap_or(&self.rows[self.rows.len() - 1]);
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
    use crate::Policies;
    use Service::{HomeHealthAide, HomeHealthAideAdl, HomeInfusion, MedicalSocialWorker, SkilledNursingCare};

    fn question() -> Question {
        Question {
            received_on: "2026-12-01".parse().expect("a day"),
            service: SkilledNursingCare,
            product: "hmo".to_owned(),
            age: 64,
            diagnoses: vec![DiagnosisCode::parse("I10").expect("a code")],
            units: 1,
            days: 60,
            started_days_ago: 0,
            duplicate: false,
        }
    }

    fn rules(question: Question, outcome: Outcome, row: &str) {
        let ruling = Policies::shipped().decide(question).expect("a ruling");
        assert_eq!((ruling.outcome, &*ruling.policy_row), (outcome, row), "{:?}", ruling.inputs);
    }

    #[test]
    fn the_shipped_policy_rules_by_its_table() {
        use Outcome::{Approved, Medreview, Pend};
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
            rules(Question { units, days, started_days_ago, duplicate, ..question() }, outcome, row);
        }
    }

    #[test]
    fn a_row_can_depend_on_service_product_age_and_diagnoses() {
        use Outcome::{Approved, Medreview};
        for (service, product, age, diagnosis, units, outcome, row) in [
            (HomeInfusion, "mcf", 50, "I10", 1, Medreview, "always-review"),
            (Service::PrivateDutyNursing, "mcf", 50, "I10", 1, Medreview, "always-review"),
            (Service::SkilledNursingEvaluation, "hmo", 50, "I10", 1, Approved, "notification"),
            (HomeHealthAide, "mcf", 17, "I10", 1, Medreview, "aide-child"),
            (HomeHealthAideAdl, "mcf", 17, "I10", 1, Medreview, "aide-child"),
            (HomeHealthAide, "mcf", 18, "I10", 60, Approved, "aide-usual"),
            (HomeHealthAide, "mcf", 74, "I10", 61, Medreview, "otherwise"),
            (HomeHealthAide, "mcf", 75, "I10", 120, Approved, "aide-elder"),
            (HomeHealthAide, "mcf", 75, "I10", 121, Medreview, "otherwise"),
            (HomeHealthAide, "hmo", 75, "I10", 61, Medreview, "otherwise"),
            (HomeHealthAideAdl, "mcf", 40, "I10", 480, Approved, "adl-usual"),
            (HomeHealthAideAdl, "mcf", 40, "I10", 481, Medreview, "otherwise"),
            (SkilledNursingCare, "hmo", 40, "L89.150", 40, Approved, "snc-wound"),
            (SkilledNursingCare, "hmo", 40, "L89.150", 41, Medreview, "otherwise"),
            (SkilledNursingCare, "hmo", 40, "L98.3", 40, Medreview, "otherwise"),
            (SkilledNursingCare, "hmo", 40, "L98.411", 40, Approved, "snc-wound"),
            (MedicalSocialWorker, "mcf", 40, "I10", 4, Approved, "msw-usual"),
            (MedicalSocialWorker, "mcf", 40, "I10", 5, Medreview, "otherwise"),
            (Service::MedicationAdministrationVisit, "mcf", 40, "I10", 120, Approved, "mav-usual"),
            (Service::MedicationAdministrationVisit, "mcf", 40, "I10", 121, Medreview, "otherwise"),
            (Service::PhysicalTherapy, "mcf", 40, "I10", 12, Approved, "therapy-usual"),
            (Service::PhysicalTherapy, "mcf", 40, "I69.351", 24, Approved, "therapy-stroke"),
            (Service::OccupationalTherapy, "mcf", 40, "I69.351", 25, Medreview, "otherwise"),
            (Service::SpeechTherapy, "mcf", 40, "I10", 13, Medreview, "otherwise"),
        ] {
            let also = DiagnosisCode::parse(diagnosis).expect("a code");
            let diagnoses = vec![DiagnosisCode::parse("I10").expect("a code"), also];
            let product = product.to_owned();
            rules(Question { service, product, age, diagnoses, units, ..question() }, outcome, row);
        }
    }
}
