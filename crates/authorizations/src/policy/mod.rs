//! What the plan decides by: versioned tables, read once, evaluated by a pure function.

mod describe;
mod maintenance;
mod read;
mod rule;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use kernel::{CodeType, DiagnosisCode, Modifier, Phone, ProcedureCode};
use registry::{Procedure, Topic, procedures};
use serde::Deserialize;

pub use maintenance::Maintenance;
pub use rule::{Decider, NoRuling, Outcome, Question, Row, Ruling};

use crate::{Service, Setting, Verdict};

/// A policy as its file has it; `policy/` says what each part means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name in every decision that it makes.
    pub version: String,
    /// The first day of receipt on which it rules.
    pub in_force_from: NaiveDate,
    /// Whom a provider's office calls.
    pub contact: PlanContact,
    /// When no request is decided, if ever (AUT-04).
    pub maintenance: Option<Maintenance>,
    #[serde(deserialize_with = "read::by_code")]
    services: BTreeMap<Service, ServicePolicy>,
    /// Groups of diagnoses, each the beginnings of their codes.
    pub diagnosis_groups: BTreeMap<String, Vec<String>>,
    /// The table: the first row that holds decides.
    pub rows: Vec<Row>,
    /// Why the plan's people decide as they do: for each outcome code and sentence.
    #[serde(deserialize_with = "read::by_code")]
    pub decide_reasons: BTreeMap<Verdict, BTreeMap<String, String>>,
    /// Why a request may be closed: code and sentence.
    pub close_reasons: BTreeMap<String, String>,
}

/// Whom a provider's office calls.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanContact {
    /// Provider Service.
    pub phone: Phone,
    /// Portal help.
    pub email: String,
    /// Where clinical notes are faxed to, and requests beyond a member's benefit (AUT-06).
    pub fax: Phone,
}

/// A service, and what a request for it must have (AUT-13, AUT-14, AUT-15, AUT-17, AUT-19).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicePolicy {
    /// How people call it.
    pub title: String,
    /// What the viewer shows beside the status (AUT-29).
    pub level_of_care: String,
    /// Where it is rendered.
    pub setting: Setting,
    /// The codes that it takes.
    pub codes: Vec<AllowedCode>,
    /// Whether it is for My Care Family members only (AUT-14).
    #[serde(default)]
    pub my_care_family_only: bool,
    /// Whether it is a notification, approved without review, of which each visit is a new one (AUT-15).
    #[serde(default)]
    pub notification: bool,
    /// How many units a request has, no more and no fewer.
    pub exact_units: Option<u32>,
    /// The words in the remarks by which one of the visits is the evaluation (AUT-19).
    pub evaluation_remark: Option<String>,
}

/// A code that a service takes, or all those of a topic or of a set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedCode {
    /// The set.
    pub code_type: CodeType,
    /// The code; any one of the topic or the set where left out.
    pub code: Option<ProcedureCode>,
    /// Its modifiers, exactly these; any where the code is left out.
    #[serde(default)]
    pub modifiers: Vec<Modifier>,
    /// What the code must be for.
    pub topic: Option<Topic>,
    /// A service that the member must have as well, for overlapping dates.
    pub alongside: Option<Service>,
}

impl AllowedCode {
    fn takes(&self, code_type: CodeType, code: &ProcedureCode) -> bool {
        let of_topic = |topic| {
            procedures().iter().any(|it| it.topic == topic && it.code_type == code_type && it.code == *code)
        };
        self.code_type == code_type
            && code_type.admits(code)
            && self.code.as_ref().is_none_or(|it| it == code)
            && self.topic.is_none_or(of_topic)
    }

    /// Whether the code may have these modifiers.
    pub(crate) fn qualified_by(&self, modifiers: &[&Modifier]) -> bool {
        self.code.is_none() || self.modifiers.iter().eq(modifiers.iter().copied())
    }
}

impl ServicePolicy {
    /// Those of its codes that this one is, its modifiers and its date apart.
    pub(crate) fn takes(
        &self,
        code_type: CodeType,
        code: &ProcedureCode,
    ) -> impl Iterator<Item = &AllowedCode> {
        self.codes.iter().filter(move |it| it.takes(code_type, code))
    }

    /// Whether the remarks say that one of the visits is the evaluation (AUT-19), without regard to case and spacing.
    #[must_use]
    pub fn has_evaluation(&self, remarks: Option<&str>) -> bool {
        let plain = |it: &str| it.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        let (Some(words), Some(remarks)) = (&self.evaluation_remark, remarks) else { return false };
        let (words, remarks) = (plain(words), plain(remarks));
        // "11 visit for evaluation" isn't one.
        remarks.match_indices(&words).any(|(at, _)| !remarks[..at].ends_with(|it: char| it.is_ascii_digit()))
    }

    /// The procedures of the code set that it takes on `day`; those of CPT are known by their form only.
    pub fn procedures(&self, day: NaiveDate) -> impl Iterator<Item = &'static Procedure> {
        let taken = move |it: &Procedure| self.codes.iter().any(|code| code.takes(it.code_type, &it.code));
        procedures().iter().filter(move |it| it.holds(day) && taken(it))
    }
}

impl Policy {
    /// The policy for `service`.
    #[must_use]
    pub fn service(&self, service: Service) -> &ServicePolicy {
        // `parse` refuses a policy without one.
        &self.services[&service]
    }

    /// The services of which `code` is one, known by the set that it is of: CPT is of too many disciplines to tell.
    pub(crate) fn disciplines(&self, code_type: CodeType, code: &ProcedureCode) -> Vec<Service> {
        let of = |it: &AllowedCode| (it.code.is_some() || it.topic.is_some()) && it.takes(code_type, code);
        let named = self.services.iter().filter(|(_, it)| it.codes.iter().any(of));
        named.map(|(service, _)| *service).collect()
    }

    /// Whether one of `codes` is of the diagnosis group.
    fn groups(&self, group: &str, codes: &[DiagnosisCode]) -> bool {
        let beginnings = self.diagnosis_groups.get(group).into_iter().flatten();
        beginnings.into_iter().any(|it| codes.iter().any(|code| code.starts_with(it.as_str())))
    }
}

/// Every version of the policy that there is; the latest one that is in force rules.
#[derive(Debug, Clone)]
pub struct Policies(Vec<Arc<Policy>>);

/// The versions that are shipped, by the names of their files.
const SHIPPED: [(&str, &str); 1] = [("2026-11.toml", include_str!("../../policy/2026-11.toml"))];

impl Policies {
    /// The policies that are shipped.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn shipped() -> Self {
        Self::read(&[]).expect("the shipped policies")
    }

    /// The policies that are shipped, and the plan's own, each with the name of its file.
    ///
    /// # Errors
    /// What is wrong with one of them, and where: file, table and key; or that two share a version or a first day.
    pub fn read(own: &[(String, String)]) -> Result<Self, String> {
        let own = own.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let mut all = Vec::<(&str, Policy)>::new();
        for (name, text) in SHIPPED.into_iter().chain(own) {
            let it = Policy::parse(text).map_err(|why| format!("{name}: {why}"))?;
            if let Some((twin, _)) = all.iter().find(|(_, twin)| twin.version == it.version) {
                return Err(format!("{name}: version: `{}` is that of {twin}", it.version));
            }
            if let Some((twin, _)) = all.iter().find(|(_, twin)| twin.in_force_from == it.in_force_from) {
                return Err(format!("{name}: in_force_from: {} is that of {twin}", it.in_force_from));
            }
            all.push((name, it));
        }
        all.sort_by_key(|(_, it)| it.in_force_from);
        Ok(Self(all.into_iter().map(|(_, it)| Arc::new(it)).collect()))
    }

    /// The one in force on `day`; before the first, the first.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> &Arc<Policy> {
        self.0.iter().rev().find(|it| it.in_force_from <= day).unwrap_or(&self.0[0])
    }

    /// The one of this version.
    #[must_use]
    pub fn version(&self, version: &str) -> Option<&Arc<Policy>> {
        self.0.iter().find(|it| it.version == version)
    }

    /// Each, the earliest in force first.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Policy>> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Policies {
    type Item = &'a Arc<Policy>;
    type IntoIter = std::slice::Iter<'a, Arc<Policy>>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Decider for Policies {
    fn decide(&self, question: Question) -> Result<Ruling, NoRuling> {
        Ok(self.on(question.received_on).rule(question))
    }

    fn is_prompt(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_19_an_evaluation_is_said_in_the_remarks() {
        let policies = Policies::shipped();
        let day = "2026-12-01".parse().expect("a day");
        for (service, remarks, said) in [
            (Service::OccupationalTherapy, "1 visit for Evaluation", true),
            (Service::PhysicalTherapy, "Fell at home. 1 VISIT  for\nevaluation.", true),
            (Service::PhysicalTherapy, "11 visit for evaluation", false),
            (Service::PhysicalTherapy, "11 visit for evaluation; no, 1 visit for evaluation", true),
            (Service::PhysicalTherapy, "visit for evaluation", false),
            (Service::SpeechTherapy, "1 visit for Evaluation", false),
            (Service::SkilledNursingCare, "1 visit for Evaluation", false),
        ] {
            assert_eq!(
                policies.on(day).service(service).has_evaluation(Some(remarks)),
                said,
                "{service} {remarks}"
            );
        }
        assert!(!policies.on(day).service(Service::PhysicalTherapy).has_evaluation(None));
    }

    #[test]
    fn the_latest_version_in_force_rules() {
        let later = SHIPPED[0].1.replace("\"2026-11\"", "\"own\"").replace("2026-01-01", "2026-12-02");
        let file = |text: &str| vec![("own.toml".to_owned(), text.to_owned())];
        let policies = Policies::read(&file(&later)).expect("two policies");
        for (day, version) in [("2025-01-01", "2026-11"), ("2026-12-01", "2026-11"), ("2026-12-02", "own")] {
            assert_eq!(policies.on(day.parse().expect("a day")).version, version);
        }
        assert_eq!((policies.iter().count(), policies.version("none").is_none()), (2, true));
        for (text, word) in [
            (SHIPPED[0].1.to_owned(), "own.toml: version: `2026-11` is that of 2026-11.toml"),
            (later.replace("2026-12-02", "2026-01-01"), "own.toml: in_force_from: 2026-01-01 is that of"),
            (later.replace("units_at_most = 20", "units_at_most = -1"), "own.toml: rows[10].units_at_most: "),
        ] {
            let wrong = Policies::read(&file(&text)).expect_err(word);
            assert!(wrong.starts_with(word), "{wrong}");
        }
    }
}
