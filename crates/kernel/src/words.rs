//! Codes that others define, by their form; whether a code exists and may be used is for the code sets to say.

use crate::{codes, word};

word! {
    /// A National Provider Identifier: ten digits, the first 1 or 2, the last the Luhn digit over 80840 and the others
    /// (CMS).
    pub struct Npi = "^[12][0-9]{9}$", "an NPI: ten digits, the first 1 or 2, the last a right check digit",
        like "1346218294", if luhn;
}

word! {
    /// An ICD-10-CM code, in capitals and with its dot after the third character; X12's form without the dot and small
    /// letters are taken too (AUT-16). The second character may be a letter, as in QA0.01 of the release of April 2026.
    pub struct DiagnosisCode = r"^[A-Za-z][0-9A-Za-z]{2}(\.?[0-9A-Za-z]{1,4})?$",
        "an ICD-10-CM code, such as E11.9", like "E11.9", as dotted;
}

word! {
    /// A procedure's code in the set that the line's `code_type` names (AUT-17). A revenue code of three digits is taken and
    /// gets its leading zero.
    pub struct ProcedureCode = "^([0-9]{3,4}|[0-9]{4}[0-9FTU]|[A-V][0-9]{4})$",
        "a revenue code of 4 digits, a HCPCS code such as G0156, or a CPT code", like "0551", as padded;
}

word! {
    /// A modifier of a procedure's code (HCPCS, CPT).
    pub struct Modifier = "^[0-9A-Z]{2}$", "two capital letters or digits", like "UD";
}

word! {
    /// A telephone number in E.164 form. In the numbering plan of North America it has an area code (AUT-11).
    pub struct Phone = r"^\+(1[2-9][0-9]{2}[2-9][0-9]{6}|[2-9][0-9]{7,14})$",
        "a phone number with its area code, `+` and digits only, such as +16175550100", like "+16175550100";
}

word! {
    /// A member's number with the plan.
    pub struct MemberId = "^[A-Z]{3}[0-9]{10}$", "a member number: three capital letters and ten digits",
        like "MCF0000000042";
}

codes! {
    /// The set that a procedure's code is of.
    pub enum CodeType {
        /// NUBC revenue codes: four digits.
        Revenue = "revenue",
        /// HCPCS level II: a letter and four digits.
        Hcpcs = "hcpcs",
        /// CPT: five characters, by their form only.
        Cpt = "cpt",
    }
}

impl CodeType {
    /// Whether `code` has the form of this set.
    #[must_use]
    pub fn admits(self, code: &ProcedureCode) -> bool {
        let five = code.len() == 5;
        let letter = code.starts_with(|it: char| it.is_ascii_uppercase());
        match self {
            Self::Revenue => !five,
            Self::Hcpcs => five && letter,
            Self::Cpt => five && !letter,
        }
    }
}

/// Whether the last digit is the Luhn digit of the others after the prefix 80840, which adds 24.
fn luhn(digits: &str) -> bool {
    let weigh = |(place, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0');
        let doubled = digit * (1 + u32::from(place % 2 == 1));
        doubled / 10 + doubled % 10
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(weigh).sum();
    (sum + 24).is_multiple_of(10)
}

fn dotted(mut code: String) -> String {
    code.make_ascii_uppercase();
    if code.len() > 3 && !code.contains('.') {
        code.insert(3, '.');
    }
    code
}

fn padded(code: String) -> String {
    if code.len() == 3 { format!("0{code}") } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_11_an_npi_has_ten_digits_and_a_right_check_digit() {
        for (text, right) in [
            ("1234567893", true),
            ("1104816123", true),
            ("1346218294", true),
            ("1407820673", true),
            ("1770626038", true),
            ("1972902351", true),
            ("1234567890", false),
            ("8189991234", false),
            ("134621829", false),
            ("13462182944", false),
            ("１346218294", false),
            ("1346218294\n", false),
            ("", false),
        ] {
            assert_eq!(Npi::parse(text).is_some(), right, "{text}");
        }
    }

    #[test]
    fn aut_16_a_diagnosis_code_is_dotted_and_in_capitals() {
        for (text, code) in [
            ("I10", Some("I10")),
            ("E11.9", Some("E11.9")),
            ("E119", Some("E11.9")),
            ("e11.9", Some("E11.9")),
            ("S82891B", Some("S82.891B")),
            ("U07.1", Some("U07.1")),
            ("C4A.0", Some("C4A.0")),
            ("Z3A", Some("Z3A")),
            ("I1", None),
            ("I10.", None),
            ("110", None),
            ("QA0.0101", Some("QA0.0101")),
            ("S82.891BX", None),
            ("I10 ", None),
        ] {
            assert_eq!(DiagnosisCode::parse(text).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn aut_17_a_procedure_code_has_the_form_of_its_set() {
        use CodeType::{Cpt, Hcpcs, Revenue};
        for (text, code, kind) in [
            ("0551", "0551", Revenue),
            ("551", "0551", Revenue),
            ("G0156", "G0156", Hcpcs),
            ("99213", "99213", Cpt),
            ("0001F", "0001F", Cpt),
            ("0042T", "0042T", Cpt),
        ] {
            let read = ProcedureCode::parse(text).expect("a code");
            assert_eq!(&*read, code);
            assert_eq!(
                CodeType::ALL.iter().filter(|it| it.admits(&read)).collect::<Vec<_>>(),
                [&kind],
                "{text}"
            );
        }
        for text in ["", "55", "W0156", "G015", "G0156 UD", "g0156", "055A", "055100"] {
            assert_eq!(ProcedureCode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn aut_11_a_phone_number_has_an_area_code() {
        for (text, right) in [
            ("+16175550100", true),
            ("+442071838750", true),
            ("6175550100", false),
            ("+15550100", false),
            ("+10175550100", false),
            ("+16171550100", false),
            ("+1 617 555 0100", false),
        ] {
            assert_eq!(Phone::parse(text).is_some(), right, "{text}");
        }
    }
}
