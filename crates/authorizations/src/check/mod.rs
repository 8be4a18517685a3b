//! The rules that ask more than the form of a request (AUT-05).
//!
//! Each sees what passed before, adds what is wrong to the same list, and hands on what it proved; a [`Submission`] is made
//! of nothing else.
//!
//! [`Submission`]: crate::Submission

mod codes;
mod member;
mod parties;

use kernel::{Draft, Flaws};
use registry::{Principal, Site};

use crate::{DiagnosisLine, Facts, Line, NewAuthorization, Parties, Policy};

pub(crate) use codes::{description, takes};

/// What the rules proved of a request.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(crate) site: Site,
    pub(crate) parties: Parties,
    pub(crate) product: String,
    pub(crate) age: u32,
    pub(crate) limit: Option<i32>,
    pub(crate) diagnoses: Vec<DiagnosisLine>,
    pub(crate) lines: Vec<Line>,
}

/// Adds what the rules say of `draft`, given the facts; what they proved, if that is all of it.
pub fn check(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    caller: &Principal,
    policy: &Policy,
    flaws: &mut Flaws,
) -> Option<Checked> {
    let site = parties::site(draft, facts, caller, flaws);
    let member = member::member(draft, facts, flaws);
    let benefit = member::benefit(draft, facts, policy, flaws);
    let refer_from = parties::refer_from(draft, facts, caller, flaws);
    let refer_to = parties::refer_to(draft, facts, flaws);
    let diagnoses = codes::diagnoses(draft, facts, flaws);
    let lines = codes::lines(draft, facts, policy, flaws);
    let ((member, product, age), (refer_to, pay_to)) = (member?, refer_to?);
    let parties = Parties { member, refer_from: refer_from?, refer_to, pay_to };
    Some(Checked {
        site: site?,
        parties,
        product,
        age,
        limit: benefit?.limit,
        diagnoses: diagnoses?,
        lines: lines?,
    })
}
