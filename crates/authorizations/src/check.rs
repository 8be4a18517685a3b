//! The rules that ask more than the form of a request (AUT-05).
//!
//! Each sees what passed before, adds what is wrong to the same list, and hands on what it proved; a [`Submission`] is made
//! of nothing else.
//!
//! [`Submission`]: crate::Submission

use kernel::{CodeType, Draft, FlawCode, Flaws, Modifier, Period};
use registry::{Ineligible, Principal, PrincipalKind, Site, days};

use crate::policy::ServicePolicy;
use crate::request::{NewContact, NewLine};
use crate::{
    DiagnosisLine, Facts, Line, MemberParty, Named, NewAuthorization, Parties, Party, PcpParty, Policy,
    Status,
};

/// What the rules proved of a request.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(crate) site: Site,
    pub(crate) parties: Parties,
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
    let site = site(draft, facts, caller, flaws);
    let member = member(draft, facts, flaws);
    let refer_from = refer_from(draft, facts, caller, flaws);
    let refer_to = refer_to(draft, facts, flaws);
    let diagnoses = diagnoses(draft, facts, flaws);
    let lines = lines(draft, policy, flaws);
    let (refer_to, pay_to) = refer_to?;
    let parties = Parties { member: member?, refer_from: refer_from?, refer_to, pay_to };
    Some(Checked { site: site?, parties, diagnoses: diagnoses?, lines: lines? })
}

/// AUT-09: a caller with several sites says for which one a request is; a system client always does.
fn site(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    caller: &Principal,
    flaws: &mut Flaws,
) -> Option<Site> {
    let unnamed = matches!(draft.site_id, Some(None));
    if unnamed && (facts.site.is_none() || caller.role.kind() == PrincipalKind::System) {
        let detail = "Must name one of your sites; GET /v1/me lists them.";
        flaws.broken("AUT-09", "/site_id", FlawCode::SiteRequired, detail);
        return None;
    }
    facts.site.clone()
}

/// AUT-02: active today, and on every requested day.
fn member(draft: &Draft<NewAuthorization>, facts: &Facts, flaws: &mut Flaws) -> Option<MemberParty> {
    draft.member_id.as_ref()?;
    let Some(member) = &facts.member else {
        flaws.broken("AUT-02", "/member_id", FlawCode::UnknownMember, "Is not a member of the plan.");
        return None;
    };
    let period = draft.start_date.zip(draft.end_date).and_then(|(start, end)| Period::new(start, end));
    let Err(why) = member.eligible(facts.today, period) else {
        let product = member.coverage(period?.start())?.product.clone();
        let (id, name, date_of_birth) = (member.id.clone(), member.name.clone(), member.date_of_birth);
        return Some(MemberParty {
            id,
            name,
            date_of_birth,
            product,
            pcp: member.pcp.clone().map(PcpParty::from),
        });
    };
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
    None
}

/// AUT-09, AUT-11: who asks is known and practises at the site, and someone can be called about it.
fn refer_from(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    caller: &Principal,
    flaws: &mut Flaws,
) -> Option<Party> {
    let named = draft.requesting_provider.as_ref()?.as_ref();
    let provider = match named {
        // Its absence, and that of the site, are flaws already.
        Some(it) => it.npi.as_ref().and_then(|_| match &facts.requesting {
            None => {
                let detail = "Is not a provider known to the plan.";
                flaws.broken("AUT-11", "/requesting_provider/npi", FlawCode::UnknownProvider, detail);
                None
            }
            Some(_) if facts.site.is_some() && !facts.affiliated => {
                let detail = "Must be affiliated with the submitting site on the start date.";
                flaws.broken("AUT-09", "/requesting_provider/npi", FlawCode::NotAffiliated, detail);
                None
            }
            Some(known) => Some((known.npi.clone(), known.name.clone())),
        }),
        None => facts.site.as_ref().map(|site| match &facts.requesting {
            Some(known) => (known.npi.clone(), known.name.clone()),
            None => (site.npi.clone(), site.name.clone()),
        }),
    };
    let sent = named.map_or(Some(None), |it| it.contact.as_ref().map(Option::as_ref));
    let contact = match (sent?, &caller.contact) {
        (Some(sent), _) => self::contact(sent),
        (None, Some(own)) => Some((own.name.clone(), own.phone.clone())),
        (None, None) => {
            let detail = "Must be given, since your profile has no contact.";
            flaws.broken("AUT-11", "/requesting_provider/contact", FlawCode::Required, detail);
            None
        }
    };
    let ((npi, name), (contact_name, contact_phone)) = (provider?, contact?);
    Some(Party { npi, name, contact_name, contact_phone })
}

/// AUT-11: who will render the service is known; and who is paid for it.
fn refer_to(draft: &Draft<NewAuthorization>, facts: &Facts, flaws: &mut Flaws) -> Option<(Party, Named)> {
    let sent = draft.servicing_provider.as_ref()?;
    sent.npi.as_ref()?;
    let Some(known) = &facts.servicing else {
        let detail = "Is not a provider known to the plan.";
        flaws.broken("AUT-11", "/servicing_provider/npi", FlawCode::UnknownProvider, detail);
        return None;
    };
    let (contact_name, contact_phone) = contact(sent.contact.as_ref()?)?;
    let (npi, name) = known.pay_to.clone();
    let party = Party { npi: known.npi.clone(), name: known.name.clone(), contact_name, contact_phone };
    Some((party, Named { npi, name }))
}

fn contact(sent: &Draft<NewContact>) -> Option<(String, kernel::Phone)> {
    Some((sent.name.as_ref()?.to_string(), sent.phone.clone()?))
}

/// AUT-16: each code is valid on the start date, and may be billed.
fn diagnoses(
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

/// AUT-17: only codes of the service's set, each with its modifiers.
fn lines(draft: &Draft<NewAuthorization>, policy: &Policy, flaws: &mut Flaws) -> Option<Vec<Line>> {
    let service = policy.service(draft.requested_service?);
    let lines = draft.lines.as_ref()?.iter().enumerate();
    let all: Vec<_> = lines.map(|(place, it)| line(place, it.as_ref()?, service, flaws)).collect();
    all.into_iter().collect()
}

fn line(place: usize, sent: &Draft<NewLine>, service: &ServicePolicy, flaws: &mut Flaws) -> Option<Line> {
    let (code_type, code) = (sent.code_type?, sent.code.as_ref()?);
    let modifiers: Vec<_> =
        sent.modifiers.as_ref()?.iter().flatten().map(Option::as_ref).collect::<Option<_>>()?;
    if !code_type.admits(code) {
        return None; // Its form is a flaw already.
    }
    let of_code = || service.codes.iter().filter(|it| it.code_type == code_type && it.code == *code);
    let Some(allowed) = of_code().find(|it| it.modifiers.iter().eq(modifiers.iter().copied())) else {
        let part = if of_code().next().is_none() { "code" } else { "modifiers" };
        let at = format_args!("/lines/{place}/{part}");
        flaws.broken("AUT-17", at, FlawCode::NotForService, takes(service));
        return None;
    };
    let modifiers: Vec<_> = modifiers.into_iter().map(Modifier::as_str).collect();
    Some(Line {
        number: i32::try_from(place).ok()? + 1,
        status: Status::Pend,
        code_type,
        code: code.to_string(),
        modifiers: modifiers.join(" "),
        description: allowed.description.clone(),
        requested: sent.units?.get().cast_signed(),
        authorized: 0,
        used: 0,
    })
}

fn takes(service: &ServicePolicy) -> String {
    let each = service.codes.iter().map(|it| {
        let words = [CodeType::as_str(it.code_type), it.code.as_str()].into_iter();
        words.chain(it.modifiers.iter().map(Modifier::as_str)).collect::<Vec<_>>().join(" ")
    });
    format!("{} takes {}.", service.title, each.collect::<Vec<_>>().join(" or "))
}
