//! Diagnoses, and procedures with their units.

use chrono::NaiveDate;
use kernel::{CodeType, Draft, FlawCode, Flaws, Modifier, ProcedureCode};
use registry::{days, procedures};

use crate::policy::{AllowedCode, ServicePolicy};
use crate::request::NewLine;
use crate::{DiagnosisLine, Facts, Line, NewAuthorization, Policy, Service, Status};

/// AUT-16: each code is valid on the start date, and may be billed.
pub(super) fn diagnoses(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    flaws: &mut Flaws,
) -> Option<Vec<DiagnosisLine>> {
    let mut one = |(place, code): (usize, &Option<kernel::DiagnosisCode>)| {
        let code = code.as_ref()?;
        let (word, detail) = match facts.diagnosis(code) {
            Some(it) if it.billable => {
                return Some(DiagnosisLine { code: it.code.clone(), description: it.description.clone() });
            }
            Some(_) => {
                let detail = "Is a heading, which can't be billed: give one of the longer codes under it.";
                (FlawCode::NotBillable, detail.to_owned())
            }
            None => match facts.diagnoses.iter().rfind(|it| it.code == *code) {
                Some(it) => {
                    (FlawCode::NotValidOnDate, format!("Is valid {} here, not on the start date.", it.days()))
                }
                None => (FlawCode::UnknownCode, "Is not an ICD-10-CM code.".to_owned()),
            },
        };
        flaws.broken("AUT-16", format_args!("/diagnoses/{place}"), word, detail);
        None
    };
    let all: Vec<_> = draft.diagnoses.as_ref()?.iter().enumerate().map(&mut one).collect();
    all.into_iter().collect()
}

/// AUT-17: only codes of the service's set, each with its modifiers; AUT-12: none of another discipline; AUT-15: exactly
/// as many visits as the service has.
pub(super) fn lines(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    policy: &Policy,
    flaws: &mut Flaws,
) -> Option<Vec<Line>> {
    let service = draft.requested_service?;
    let sent = draft.lines.as_ref()?;
    let rules = policy.service(service);
    let own = |it: &Draft<NewLine>| Some(rules.takes(it.code_type?, it.code.as_ref()?).next().is_some());
    let others = |it: &Draft<NewLine>| -> Option<Vec<Service>> {
        let all = policy.disciplines(it.code_type?, it.code.as_ref()?);
        Some(all.into_iter().filter(|_| own(it) == Some(false)).collect())
    };
    // Codes of two disciplines; where they are of one alone, the code or the service may just be wrong.
    let strangers: Vec<_> = sent.iter().flatten().filter_map(others).filter(|it| !it.is_empty()).collect();
    let mixed = sent.iter().flatten().any(|it| own(it) == Some(true))
        || Service::ALL.iter().all(|it| strangers.iter().any(|all| !all.contains(it)));
    let mut all = Vec::with_capacity(sent.len());
    for (place, it) in sent.iter().enumerate() {
        let strange = it.as_ref().filter(|_| mixed).and_then(others).and_then(|it| it.first().copied());
        if let Some(strange) = strange {
            let strange = &policy.service(strange).title;
            let detail =
                format!("Is a code of {strange}: each discipline is a request of its own. {}", takes(rules));
            flaws.broken("AUT-12", format_args!("/lines/{place}/code"), FlawCode::OtherDiscipline, detail);
        } else if let Some(it) = it {
            all.push(line(place, it, facts, rules, policy, flaws));
        }
    }
    let units = sent.iter().map(|it| Some(it.as_ref()?.units?.get())).sum::<Option<u32>>();
    if let (Some(exact), Some(units)) = (rules.exact_units, units)
        && exact != units
    {
        let at = if sent.len() == 1 { "/lines/0/units" } else { "/lines" };
        let detail = format!("{} has exactly {exact} visit: treatment is a request of its own.", rules.title);
        flaws.broken("AUT-15", at, FlawCode::Range, detail);
        return None;
    }
    if all.len() < sent.len() {
        return None;
    }
    all.into_iter().collect()
}

fn line(
    place: usize,
    sent: &Draft<NewLine>,
    facts: &Facts,
    rules: &ServicePolicy,
    policy: &Policy,
    flaws: &mut Flaws,
) -> Option<Line> {
    let (code_type, code) = (sent.code_type?, sent.code.as_ref()?);
    if !code_type.admits(code) {
        return None; // Its form is a flaw already.
    }
    let mut wrong = |part: &str, flaw: FlawCode, detail: String| {
        flaws.broken("AUT-17", format_args!("/lines/{place}/{part}"), flaw, detail);
    };
    let taken: Vec<_> = rules.takes(code_type, code).collect();
    if taken.is_empty() {
        wrong("code", FlawCode::NotForService, takes(rules));
        return None;
    }
    let beside = taken.iter().find_map(|it| it.alongside);
    let missing = beside.filter(|it| facts.alongside.as_ref().is_some_and(|there| !there.contains(it)));
    let description = description(code_type, code, facts.start);
    if description.is_none() {
        let when = procedures().iter().filter(|it| it.code_type == code_type && it.code == *code);
        let when: Vec<_> = when.map(|it| days(it.first_on, it.last_on)).collect();
        let detail = format!("Is valid {}, not on the start date.", when.join(" and "));
        wrong("code", FlawCode::NotValidOnDate, detail);
    } else if let Some(beside) = missing {
        let beside = &policy.service(beside).title;
        let detail =
            format!("Is taken only where the member has a request for {beside} whose dates overlap.");
        wrong("code", FlawCode::NotAlongside, detail);
    }
    let modifiers: Vec<_> =
        sent.modifiers.as_ref()?.iter().flatten().map(Option::as_ref).collect::<Option<_>>()?;
    if !taken.iter().any(|it| it.qualified_by(&modifiers)) {
        wrong("modifiers", FlawCode::NotForService, takes(rules));
        return None;
    }
    let modifiers: Vec<_> = modifiers.into_iter().map(Modifier::as_str).collect();
    Some(Line {
        number: i32::try_from(place).ok()? + 1,
        status: Status::Pend,
        code_type,
        code: code.to_string(),
        modifiers: modifiers.join(" "),
        description: description.filter(|_| missing.is_none())?,
        requested: sent.units?.get().cast_signed(),
        authorized: 0,
        used: 0,
    })
}

/// What a code means on `day`, or whenever it holds, in our words; none where it isn't valid then. CPT's words are its owner's.
pub(crate) fn description(
    code_type: CodeType,
    code: &ProcedureCode,
    day: Option<NaiveDate>,
) -> Option<String> {
    if code_type == CodeType::Cpt {
        return Some(format!("CPT {code}"));
    }
    let mut known = procedures().iter().filter(|it| it.code_type == code_type && it.code == *code);
    known.find(|it| day.is_none_or(|day| it.holds(day))).map(|it| it.description.clone())
}

/// Which codes a service takes, in words.
pub(crate) fn takes(service: &ServicePolicy) -> String {
    let each: Vec<_> = service.codes.iter().map(AllowedCode::words).collect();
    format!("{} takes {}.", service.title, each.join(" or "))
}
