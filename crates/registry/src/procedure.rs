use std::sync::LazyLock;

use chrono::NaiveDate;
use kernel::{CodeType, ProcedureCode, codes};

use crate::diagnosis::holds;

codes! {
    /// What a procedure's code is for.
    pub enum Topic {
        /// Help with daily living by a home health aide.
        HomeHealthAide = "home_health_aide",
        /// Infusion at home: visits, therapies by the day, supplies, pumps.
        HomeInfusion = "home_infusion",
        /// Nursing visits.
        SkilledNursing = "skilled_nursing",
        /// Social work.
        MedicalSocialWork = "medical_social_work",
        /// Visits to give medication.
        MedicationAdministration = "medication_administration",
        /// Occupational therapy.
        OccupationalTherapy = "occupational_therapy",
        /// Physical therapy.
        PhysicalTherapy = "physical_therapy",
        /// Speech and language therapy.
        SpeechTherapy = "speech_therapy",
        /// Nursing by the hour or the shift.
        PrivateDutyNursing = "private_duty_nursing",
        /// A stay's room.
        RoomAndBoard = "room_and_board",
        /// Care at the end of life.
        Hospice = "hospice",
        /// Whatever else is rendered at home.
        Other = "other",
    }
}

/// A procedure's code of HCPCS level II or of the revenue codes, in our own words. CPT codes are known by their form only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procedure {
    /// The set that it is of.
    pub code_type: CodeType,
    /// The code.
    pub code: ProcedureCode,
    /// What it is for.
    pub topic: Topic,
    /// The first day of service on which it may be used.
    pub first_on: NaiveDate,
    /// The last one, if it was ended.
    pub last_on: Option<NaiveDate>,
    /// What it means, in our words.
    pub description: String,
}

impl Procedure {
    /// Whether it may be used for a service on `day`.
    #[must_use]
    pub fn holds(&self, day: NaiveDate) -> bool {
        holds(self.first_on, self.last_on, day)
    }
}

/// The codes that are shipped: HCPCS level II of home health and home infusion, and revenue codes, by set and code.
///
/// # Panics
/// Never: a test reads them.
#[must_use]
pub fn procedures() -> &'static [Procedure] {
    static ALL: LazyLock<Vec<Procedure>> = LazyLock::new(|| {
        let rows = csv::Reader::from_reader(&include_bytes!("../data/procedure-codes.csv")[..]);
        rows.into_records()
            .zip(2_u32..)
            .map(|(row, at)| read(row.ok()).ok_or(at))
            .collect::<Result<_, _>>()
            .expect("a row")
    });
    &ALL
}

fn read(row: Option<csv::StringRecord>) -> Option<Procedure> {
    let row = row?;
    let [code_type, code, topic, first_on, last_on, description] =
        std::array::from_fn(|it| row.get(it).unwrap_or_default());
    let it = Procedure {
        code_type: CodeType::parse(code_type)?,
        code: ProcedureCode::parse(code)?,
        topic: Topic::parse(topic)?,
        first_on: first_on.parse().ok()?,
        last_on: if last_on.is_empty() { None } else { Some(last_on.parse().ok()?) },
        description: description.to_owned(),
    };
    it.code_type.admits(&it.code).then_some(it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_17_the_shipped_codes_can_be_read_and_none_holds_twice() {
        let all = procedures();
        for (one, other) in all.iter().zip(&all[1..]) {
            let order =
                (one.code_type, &one.code, one.first_on).cmp(&(other.code_type, &other.code, other.first_on));
            assert!(order.is_lt() || one.code_type > other.code_type, "{other:?}");
            assert!(
                one.code != other.code || one.last_on.is_some_and(|last| last < other.first_on),
                "{other:?}"
            );
        }
        assert!(
            all.iter()
                .all(|it| !it.description.is_empty() && it.last_on.is_none_or(|last| last >= it.first_on))
        );
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let holds = |code: &str, on| all.iter().any(|it| &*it.code == code && it.holds(day(on)));
        for (code, on, right) in [
            ("G0154", "2015-12-31", true),
            ("G0154", "2016-01-01", false),
            ("G0299", "2016-01-01", true),
            ("G0299", "2015-12-31", false),
            ("G0493", "2017-01-01", true),
            ("0551", "2026-12-01", true),
        ] {
            assert_eq!(holds(code, on), right, "{code} {on}");
        }
    }
}
