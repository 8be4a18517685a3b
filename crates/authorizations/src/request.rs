//! What a requester sends (AUT-11).

use chrono::NaiveDate;
use kernel::{
    CodeType, Count, DiagnosisCode, Draft, FlawCode, List, MemberId, Modifier, Npi, OneLine, Phone,
    ProcedureCode, SiteId, Text, body, broken, codes,
};
use validator::ValidationError;

body! {
    /// A request that the plan agree, in advance, to cover one service for a member.
    pub struct NewAuthorization where dates_in_order, urgency_explained {
        /// The kind of request.
        r#type: RequestType => "AUT-01",
        /// The submitting site, which then owns the authorization. A person with a single site may leave it out; a system
        /// client always names it.
        site_id: Option<SiteId> => "AUT-09",
        /// The member's number.
        member_id: MemberId => "AUT-11",
        /// The one discipline asked for; each further one is a request of its own (AUT-12).
        requested_service: Service => "AUT-13",
        /// How soon an answer is needed; `standard` where left out.
        urgency: Option<Urgency> => "FED-01",
        /// Why a standard answer would be too late; with `expedited` only.
        urgency_reason: Option<Text<1, 255>> => "FED-01",
        /// Who asks. Where left out, the site's own provider, with the contact of the caller's profile.
        requesting_provider: Option<RequestingProvider> => "AUT-11",
        /// Who will render the service.
        servicing_provider: ServicingProvider => "AUT-11",
        /// One to six ICD-10-CM codes, the primary one first; each must be billable on the start date.
        diagnoses: List<DiagnosisCode, 1, 6> => "AUT-16",
        /// What is to be done, and how often.
        lines: List<NewLine, 1, 50> => "AUT-17",
        /// The first day of service.
        start_date: NaiveDate => "AUT-20",
        /// The last day of service; not before the first.
        end_date: NaiveDate => "AUT-20",
        /// Brief clinical or other information. Say here if a document will follow. Characters are Unicode scalar values,
        /// counted after normalization (NFC). For occupational or physical therapy with an evaluation, "1 visit for
        /// Evaluation", which the units then include (AUT-19).
        remarks: Option<Text<0, 255>> => "AUT-22",
    }
}

body! {
    /// The provider who asks.
    pub struct RequestingProvider {
        /// Its NPI; affiliated with the site on the start date.
        npi: Npi => "AUT-11",
        /// Whom to call there. Where left out, the contact of the caller's profile; a caller whose profile has none, as a
        /// system client's, gives it.
        contact: Option<NewContact> => "AUT-11",
    }
}

body! {
    /// The facility or provider who will render the service.
    pub struct ServicingProvider {
        /// Its NPI.
        npi: Npi => "AUT-11",
        /// Whom to call there.
        contact: NewContact => "AUT-11",
    }
}

body! {
    /// Whom to call.
    pub struct NewContact {
        /// A person or a desk.
        name: OneLine<1, 100> => "AUT-11",
        /// With the area code (E.164).
        phone: Phone => "AUT-11",
    }
}

body! {
    /// A procedure and its units.
    pub struct NewLine where code_of_its_set {
        /// The set that the code is of.
        code_type: CodeType => "AUT-17",
        /// The procedure's code; which codes a service takes is the plan's policy.
        code: ProcedureCode => "AUT-17",
        /// What qualifies the procedure.
        modifiers: Option<List<Modifier, 0, 4>> => "AUT-17",
        /// Units or visits, over the whole period.
        units: Count<1, 9999> => "AUT-18",
    }
}

codes! {
    /// The kinds of request (AUT-01).
    pub enum RequestType {
        /// Care at the member's home.
        HomeHealthCare = "home_health_care",
    }
}

codes! {
    /// The home-health services (AUT-13).
    pub enum Service {
        /// Home Health Aide (HHA).
        HomeHealthAide = "home_health_aide",
        /// Home Health Aide, ADL: help with the activities of daily living. My Care Family members only (AUT-14).
        HomeHealthAideAdl = "home_health_aide_adl",
        /// Home Infusion.
        HomeInfusion = "home_infusion",
        /// Home Skilled Nursing Evaluation: a notification of one visit (AUT-15).
        SkilledNursingEvaluation = "skilled_nursing_evaluation",
        /// Medical Social Worker (MSW).
        MedicalSocialWorker = "medical_social_worker",
        /// Medication Administration Visit (MAV). My Care Family members only (AUT-14).
        MedicationAdministrationVisit = "medication_administration_visit",
        /// Occupational Therapy. My Care Family members only (AUT-14).
        OccupationalTherapy = "occupational_therapy",
        /// Physical Therapy. My Care Family members only (AUT-14).
        PhysicalTherapy = "physical_therapy",
        /// Private Duty Nursing.
        PrivateDutyNursing = "private_duty_nursing",
        /// Skilled Nursing Care: nursing visits at home.
        SkilledNursingCare = "skilled_nursing_care",
        /// Speech Therapy. My Care Family members only (AUT-14).
        SpeechTherapy = "speech_therapy",
    }
}

codes! {
    /// How soon an answer is needed.
    pub enum Urgency {
        /// Within 7 calendar days (FED-02).
        Standard = "standard",
        /// Within 72 hours (FED-01).
        Expedited = "expedited",
    }
}

codes! {
    /// Where a service is rendered (AUT-29).
    pub enum Setting {
        /// Without a stay; at home, too.
        Outpatient = "outpatient",
    }
}

fn dates_in_order(it: &Draft<NewAuthorization>) -> Result<(), ValidationError> {
    match (it.start_date, it.end_date) {
        (Some(start), Some(end)) if end < start => {
            Err(broken("AUT-20", "/end_date", FlawCode::BeforeStart, "Must not be before start_date."))
        }
        _ => Ok(()),
    }
}

fn urgency_explained(it: &Draft<NewAuthorization>) -> Result<(), ValidationError> {
    let expedited = it.urgency.map(|it| it == Some(Urgency::Expedited));
    match (expedited, &it.urgency_reason) {
        (Some(true), Some(None)) => Err(broken(
            "FED-01",
            "/urgency_reason",
            FlawCode::Required,
            "Must be given where urgency is expedited.",
        )),
        (Some(false), Some(Some(_))) => Err(broken(
            "FED-01",
            "/urgency_reason",
            FlawCode::NotApplicable,
            "Must be left out unless urgency is expedited.",
        )),
        _ => Ok(()),
    }
}

fn code_of_its_set(it: &Draft<NewLine>) -> Result<(), ValidationError> {
    match (it.code_type, &it.code) {
        (Some(set), Some(code)) if !set.admits(code) => {
            let detail = match set {
                CodeType::Revenue => "Must be a revenue code: 4 digits.",
                CodeType::Hcpcs => "Must be a HCPCS level II code: a capital letter A to V and 4 digits.",
                CodeType::Cpt => "Must be a CPT code: 4 digits and a fifth, or F, T or U.",
            };
            Err(broken("AUT-17", "/code", FlawCode::Format, detail))
        }
        _ => Ok(()),
    }
}
