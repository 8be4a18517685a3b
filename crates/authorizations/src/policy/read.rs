//! Reading a policy, and refusing one that could mean two things or do what a policy may not.

use std::collections::BTreeMap;

use registry::procedures;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};

use super::{Outcome, Policy, Row, ServicePolicy};
use crate::{Service, Verdict};

/// Reads a table whose keys are codes. They are read as text first, so that an error below one can name it.
pub(super) fn by_code<'de, D, K, V>(from: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    let all = BTreeMap::<String, V>::deserialize(from)?.into_iter();
    all.map(|(key, it)| Ok((K::deserialize(key.into_deserializer())?, it))).collect()
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong with it, and where: the table and the key, or the line of what isn't TOML.
    pub fn parse(text: &str) -> Result<Self, String> {
        let from = toml::Deserializer::parse(text).map_err(|it| it.to_string())?;
        let it: Self = serde_path_to_error::deserialize(from)
            .map_err(|it| format!("{}: {}", it.path(), it.inner().message()))?;
        it.check_rows()?;
        for service in Service::ALL {
            let policy = it.services.get(service).ok_or_else(|| format!("services.{service}: is missing"))?;
            it.check_service(*service, policy).map_err(|why| format!("services.{service}.{why}"))?;
        }
        for verdict in Verdict::ALL {
            if it.decide_reasons.get(verdict).is_none_or(BTreeMap::is_empty) {
                return Err(format!("decide_reasons.{verdict}: names no reason"));
            }
        }
        if it.close_reasons.is_empty() {
            return Err("close_reasons: names no reason".to_owned());
        }
        Ok(it)
    }

    fn check_service(&self, service: Service, policy: &ServicePolicy) -> Result<(), String> {
        if policy.codes.is_empty() {
            return Err("codes: names no codes".to_owned());
        }
        for (place, it) in policy.codes.iter().enumerate() {
            let wrong = |what: &str| Err(format!("codes[{place}].{what}"));
            let known = procedures().iter();
            match (&it.code, it.topic) {
                (Some(_), Some(_)) => return wrong("topic: is for codes that aren't named"),
                (Some(code), None) if !it.code_type.admits(code) => {
                    return wrong(&format!("code: is not of the form of {}", it.code_type));
                }
                (Some(code), None)
                    if it.code_type != kernel::CodeType::Cpt
                        && !known
                            .clone()
                            .any(|known| known.code_type == it.code_type && known.code == *code) =>
                {
                    return wrong("code: is not in the code set");
                }
                (None, Some(topic))
                    if !known
                        .clone()
                        .any(|known| known.code_type == it.code_type && known.topic == topic) =>
                {
                    return wrong("topic: has no such codes");
                }
                (None, _) if !it.modifiers.is_empty() => {
                    return wrong("modifiers: are those of a named code");
                }
                _ if it.alongside == Some(service) => return wrong("alongside: is the service itself"),
                _ => {}
            }
        }
        if policy.evaluation_remark.as_ref().is_some_and(|it| it.trim().is_empty()) {
            return Err("evaluation_remark: is empty".to_owned());
        }
        let it_may = |row: &&Row| row.services.as_ref().is_none_or(|it| it.contains(&service));
        let twin = self.rows.iter().filter(it_may).find(|row| row.duplicate != Some(false));
        let pends = |row: &&Row| row.duplicate == Some(true) && row.is_for_all_but_duplicates();
        if !policy.notification && !twin.as_ref().is_some_and(pends) {
            let row = twin.map_or("", |it| &it.id);
            return Err(format!(
                "title: the first row for it must pend every possible duplicate, and `{row}` doesn't"
            ));
        }
        if policy.exact_units == Some(0) {
            return Err("exact_units: must be 1 or more".to_owned());
        }
        let reviewed = |row: &Row| row.outcome != Outcome::Approved || !row.is_for_all();
        let mut first = self.rows.iter().filter(|row| row.duplicate != Some(true));
        let first = first.find(it_may);
        if policy.notification && first.is_none_or(reviewed) {
            let row = first.map_or("", |it| &it.id);
            return Err(format!(
                "notification: the first row for it must approve it always, and `{row}` doesn't (AUT-15)"
            ));
        }
        Ok(())
    }

    fn check_rows(&self) -> Result<(), String> {
        let Some((last, others)) = self.rows.split_last() else {
            return Err("rows: there are none".to_owned());
        };
        if !last.is_for_all() || last.services.is_some() {
            return Err(
                "rows: the last one must have no conditions, so that every request gets a ruling".to_owned()
            );
        }
        for (place, row) in self.rows.iter().enumerate() {
            let wrong = |key: &str, why: &str| Err(format!("rows[{place}].{key}: {why} (row `{}`)", row.id));
            if self.rows[..place].iter().any(|it| it.id == row.id) {
                return wrong("id", "another row has it");
            }
            if matches!(row.outcome, Outcome::Denied | Outcome::Reduced) {
                return wrong(
                    "outcome",
                    "a policy neither denies nor grants less than was asked: a clinician does (FED-05)",
                );
            }
            if (row.duplicate == Some(true)) != (row.outcome == Outcome::Pend) {
                return wrong("outcome", "a possible duplicate pends, and nothing else does");
            }
            if row.services.as_ref().is_some_and(Vec::is_empty) {
                return wrong("services", "names none");
            }
            if row.diagnoses.as_ref().is_some_and(|it| !self.diagnosis_groups.contains_key(it)) {
                return wrong("diagnoses", "there is no such group in diagnosis_groups");
            }
            if row.per_days.is_some_and(|it| it == 0 || row.units_at_most.is_none()) {
                return wrong("per_days", "must be 1 or more, and beside units_at_most");
            }
            if place < others.len() && row.is_for_all() && row.services.is_none() {
                return wrong("id", "has no conditions, so that the rows after it never hold");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_policy_is_refused_with_the_place() {
        let good = include_str!("../../policy/2026-11.toml");
        Policy::parse(good).expect("the shipped policy");
        for (from, to, word) in [
            ("outcome = \"APPROVED\"", "outcome = \"DENIED\"", "rows[1].outcome: a policy neither denies"),
            ("outcome = \"APPROVED\"", "outcome = \"REDUCED\"", "rows[1].outcome: a policy neither denies"),
            ("outcome = \"APPROVED\"", "outcome = \"GRANTED\"", "rows[1].outcome: unknown variant"),
            ("id = \"past-start\"", "id = \"duplicate\"", "rows[2].id: another row has it (row `duplicate`)"),
            ("started_days_ago = 30\n", "", "rows[2].id: has no conditions"),
            (
                "duplicate = true\noutcome = \"PEND\"",
                "duplicate = true\noutcome = \"APPROVED\"",
                "rows[0].outcome: a possible duplicate pends",
            ),
            ("id = \"otherwise\"", "id = \"otherwise\"\nstarts_in_days = 1", "rows: the last one"),
            ("per_days = 60", "per_week = 60", "rows[7].per_week: unknown field"),
            ("per_days = 60", "per_days = 0", "rows[7].per_days: must be 1 or more"),
            ("diagnoses = \"wound\"", "diagnoses = \"wounds\"", "rows[11].diagnoses: there is no such group"),
            ("code = \"0572\"", "code = \"572x\"", "services.home_health_aide.codes[0].code: "),
            (
                "code = \"0572\"",
                "code = \"9999\"",
                "services.home_health_aide.codes[0].code: is not in the code set",
            ),
            (
                "code = \"0572\"",
                "code = \"G0156\"",
                "services.home_health_aide.codes[0].code: is not of the form",
            ),
            ("codes = [{", "codes = [] #", "services.home_health_aide.codes: names no codes"),
            ("[services.speech_therapy]", "[services.singing]", "services: unknown variant"),
            (
                "topic = \"home_infusion\"",
                "topic = \"room_and_board\"",
                "services.home_infusion.codes[0].topic",
            ),
            ("notification = true", "notification = 1", "services.skilled_nursing_evaluation.notification: "),
            (
                "services = [\"skilled_nursing_evaluation\"]\n",
                "started_days_ago = 0\n",
                "services.skilled_nursing_evaluation.notification: the first row",
            ),
            (
                "duplicate = true",
                "duplicate = true\nage_from = 18",
                "services.home_health_aide.title: the first row for it must pend",
            ),
            (
                "id = \"duplicate\"\n",
                "id = \"first\"\nservices = [\"home_health_aide\"]\noutcome = \"APPROVED\"\nreason_code = \"x\"\nreason = \"x\"\n[[rows]]\nid = \"duplicate\"\n",
                "services.home_health_aide.title: the first row",
            ),
            (
                "evaluation_remark = \"1 visit for Evaluation\"",
                "evaluation_remark = \" \"",
                "services.occupational_therapy.evaluation_remark: is empty",
            ),
            (
                "services = [\"home_infusion\", \"private_duty_nursing\"]",
                "services = []",
                "rows[5].services: names none",
            ),
            ("[decide_reasons.deny]", "[decide_reasons.refuse]", "decide_reasons: unknown variant"),
            ("phone = \"+18554444647\"", "phone = \"911\"", "contact.phone: "),
            ("in_force_from = \"2026-01-01\"", "in_force_from = \"2026-02-30\"", "in_force_from: "),
            ("version = \"2026-11\"", "version = 2026-11", "TOML parse error"),
        ] {
            assert!(good.contains(from), "{from}");
            let wrong = Policy::parse(&good.replacen(from, to, 1)).expect_err(to);
            assert!(wrong.starts_with(word), "{wrong}\nexpected: {word}");
        }
    }
}
