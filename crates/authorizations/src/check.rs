//! The rules that ask more than the form of a request: each sees what passed, and adds to the same list (AUT-05).

use kernel::{Draft, FlawCode, Flaws, Modifier, Period};
use registry::{Ineligible, Principal, PrincipalKind, days};

use crate::policy::AllowedCode;
use crate::{Facts, NewAuthorization, NewLine, Policy};

/// Adds what the rules say of `draft`, given the facts.
pub fn check(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    caller: &Principal,
    policy: &Policy,
    flaws: &mut Flaws,
) {
    site(draft, facts, caller, flaws);
    eligibility(draft, facts, flaws);
    parties(draft, facts, caller, flaws);
    diagnoses(draft, facts, flaws);
    codes(draft, policy, flaws);
}

/// AUT-09: a caller with several sites says for which one a request is; a system client always does.
fn site(draft: &Draft<NewAuthorization>, facts: &Facts, caller: &Principal, flaws: &mut Flaws) {
    let unnamed = matches!(draft.site_id, Some(None));
    if unnamed && (facts.site.is_none() || caller.role.kind() == PrincipalKind::System) {
        flaws.broken(
            "AUT-09",
            "/site_id",
            FlawCode::SiteRequired,
            "Must name one of your sites; GET /v1/me lists them.",
        );
    }
}

/// AUT-02: active today, and on every requested day.
fn eligibility(draft: &Draft<NewAuthorization>, facts: &Facts, flaws: &mut Flaws) {
    if draft.member_id.is_none() {
        return;
    }
    let Some(member) = &facts.member else {
        return flaws.broken("AUT-02", "/member_id", FlawCode::UnknownMember, "Is not a member of the plan.");
    };
    let period = draft.start_date.zip(draft.end_date).and_then(|(start, end)| Period::new(start, end));
    let Err(why) = member.eligible(facts.today, period) else { return };
    // Only what the refusal is about: the member's history is for those who look the member up.
    let (at, code, detail) = match why {
        Ineligible::Terminated(last) => {
            ("/member_id", FlawCode::Terminated, format!("The member's coverage ended on {last}."))
        }
        Ineligible::Future(first) => {
            ("/member_id", FlawCode::NotYetEffective, format!("The member's coverage begins on {first}."))
        }
        Ineligible::Never => ("/member_id", FlawCode::NotCovered, "The member has no coverage.".to_owned()),
        Ineligible::Uncovered(day) => {
            let at = if Some(day) == draft.start_date { "/start_date" } else { "/end_date" };
            let now =
                member.coverage(facts.today).map(|it| days(it.first_on, it.last_on)).unwrap_or_default();
            (
                at,
                FlawCode::NotCovered,
                format!("The member is not covered on {day}; the coverage of today is {now}."),
            )
        }
    };
    flaws.broken("AUT-02", at, code, detail);
}

/// AUT-09, AUT-11: who asks practises at the site; both providers are known; someone can be called about it.
fn parties(draft: &Draft<NewAuthorization>, facts: &Facts, caller: &Principal, flaws: &mut Flaws) {
    let named = draft.requesting_provider.as_ref().map(|it| it.as_ref());
    if let Some(Some(it)) = named {
        if it.npi.is_some() && facts.requesting.is_none() {
            flaws.broken(
                "AUT-11",
                "/requesting_provider/npi",
                FlawCode::UnknownProvider,
                "Is not a provider known to the plan.",
            );
        } else if it.npi.is_some() && facts.site.is_some() && !facts.affiliated {
            let detail = "Must be affiliated with the submitting site on the start date.";
            flaws.broken("AUT-09", "/requesting_provider/npi", FlawCode::NotAffiliated, detail);
        }
    }
    let without_contact = named.is_some_and(|it| it.is_none_or(|it| matches!(it.contact, Some(None))));
    if without_contact && caller.contact.is_none() {
        let detail = "Must be given, since your profile has no contact.";
        flaws.broken("AUT-11", "/requesting_provider/contact", FlawCode::Required, detail);
    }
    let servicing = draft.servicing_provider.as_ref().and_then(|it| it.npi.as_ref());
    if servicing.is_some() && facts.servicing.is_none() {
        flaws.broken(
            "AUT-11",
            "/servicing_provider/npi",
            FlawCode::UnknownProvider,
            "Is not a provider known to the plan.",
        );
    }
}

/// AUT-16: each code is valid on the start date, and may be billed.
fn diagnoses(draft: &Draft<NewAuthorization>, facts: &Facts, flaws: &mut Flaws) {
    for (place, code) in draft.diagnoses.iter().flatten().enumerate() {
        let Some(code) = code else { continue };
        let known: Vec<_> = facts.diagnoses.iter().filter(|it| it.code == *code).collect();
        let (word, detail) = match (facts.diagnosis(code), known.last()) {
            (Some(it), _) if it.billable => continue,
            (Some(_), _) => {
                let detail = "Is a heading, which can't be billed: give one of the longer codes under it.";
                (FlawCode::NotBillable, detail.to_owned())
            }
            (None, Some(it)) => {
                (FlawCode::NotValidOnDate, format!("Is valid {} here, not on the start date.", it.days()))
            }
            (None, None) => (FlawCode::UnknownCode, "Is not an ICD-10-CM code.".to_owned()),
        };
        flaws.broken("AUT-16", format_args!("/diagnoses/{place}"), word, detail);
    }
}

/// AUT-17: only codes of the service's set, each with its modifiers.
fn codes(draft: &Draft<NewAuthorization>, policy: &Policy, flaws: &mut Flaws) {
    let Some(service) = draft.requested_service else { return };
    let service = policy.service(service);
    let takes = || {
        let each = service.codes.iter().map(|it| {
            let (set, code) = (it.code_type.as_str(), it.code.as_str());
            [set, code]
                .into_iter()
                .chain(it.modifiers.iter().map(Modifier::as_str))
                .collect::<Vec<_>>()
                .join(" ")
        });
        format!("{} takes {}.", service.title, each.collect::<Vec<_>>().join(" or "))
    };
    for (place, line) in draft.lines.iter().flatten().enumerate() {
        let Some(line) = line else { continue };
        let Some((set, code)) = line.code_type.zip(line.code.as_ref()) else { continue };
        if !set.admits(code) {
            continue; // Its form is a flaw already.
        }
        let of_code: Vec<_> =
            service.codes.iter().filter(|it| it.code_type == set && it.code == *code).collect();
        let Some(modifiers) =
            line.modifiers.as_ref().map(|it| it.iter().flatten().flatten().collect::<Vec<_>>())
        else {
            continue;
        };
        if of_code.is_empty() {
            flaws.broken("AUT-17", format_args!("/lines/{place}/code"), FlawCode::NotForService, takes());
        } else if !of_code.iter().any(|it| it.modifiers.iter().eq(modifiers.iter().copied())) {
            flaws.broken(
                "AUT-17",
                format_args!("/lines/{place}/modifiers"),
                FlawCode::NotForService,
                takes(),
            );
        }
    }
}

/// The entry of the service's set that a line without a flaw is.
pub(crate) fn allowed<'p>(
    request: &NewAuthorization,
    line: &NewLine,
    policy: &'p Policy,
) -> Option<&'p AllowedCode> {
    let modifiers = line.modifiers.as_deref().unwrap_or_default();
    let of_line = |it: &&AllowedCode| {
        it.code_type == line.code_type && it.code == line.code && it.modifiers == modifiers
    };
    policy.service(request.requested_service).codes.iter().find(of_line)
}
