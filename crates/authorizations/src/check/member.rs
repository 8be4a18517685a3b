//! Whether the member is covered, and for what.

use kernel::{Draft, FlawCode, Flaws, Period};
use registry::{Benefit, Ineligible, days};

use crate::{Facts, MemberParty, NewAuthorization, PcpParty, Policy};

/// AUT-02: active today, and on every requested day; with the product of the start date, and the age then.
pub(super) fn member(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    flaws: &mut Flaws,
) -> Option<(MemberParty, String, u32)> {
    draft.member_id.as_ref()?;
    let Some(member) = &facts.member else {
        flaws.broken("AUT-02", "/member_id", FlawCode::UnknownMember, "Is not a member of the plan.");
        return None;
    };
    // Of an end that is wrong the start is still a day that must be covered.
    let whole = draft.start_date.zip(draft.end_date).and_then(|(start, end)| Period::new(start, end));
    let period = whole.or_else(|| draft.start_date.and_then(|start| Period::new(start, start)));
    let Err(why) = member.eligible(facts.today, period) else {
        let start = period?.start();
        let coverage = member.coverage(start)?;
        let (id, name, date_of_birth) = (member.id.clone(), member.name.clone(), member.date_of_birth);
        let (product, pcp) = (coverage.product.clone(), member.pcp.clone().map(PcpParty::from));
        // Of one who is born in between, the years before are none.
        let age = start.years_since(date_of_birth).unwrap_or_default();
        return Some((
            MemberParty { id, name, date_of_birth, product, pcp },
            coverage.product_id.clone(),
            age,
        ));
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

/// AUT-14, AUT-06: the service is one for the member's product, and within the benefit.
pub(super) fn benefit(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    policy: &Policy,
    flaws: &mut Flaws,
) -> Option<Benefit> {
    let service = draft.requested_service?;
    let start = draft.start_date?;
    let end = draft.end_date.unwrap_or(start).max(start);
    let member = facts.member.as_ref()?;
    let rules = policy.service(service);
    let during = |it: &&registry::Coverage| it.first_on <= end && it.last_on.is_none_or(|last| start <= last);
    if rules.my_care_family_only && member.coverages.iter().filter(during).any(|it| !it.my_care_family) {
        let detail = format!("{} is for My Care Family members only, on every requested day.", rules.title);
        flaws.broken("AUT-14", "/requested_service", FlawCode::NotForProduct, detail);
        return None;
    }
    let fax = &policy.contact.fax;
    let covered = |it: &registry::Coverage| it.benefit.as_ref().is_some_and(|it| it.covered);
    let everywhere = member.coverages.iter().filter(during).all(covered);
    let Some(benefit) = member.coverage(start)?.benefit.as_ref().filter(|_| everywhere) else {
        let detail = format!(
            "{} is not a benefit of the member's product: ask for Individual Consideration by fax to {fax}.",
            rules.title
        );
        flaws.broken("AUT-06", "/requested_service", FlawCode::BeyondBenefit, detail);
        return None;
    };
    let asked = draft
        .lines
        .as_ref()
        .and_then(|it| it.iter().map(|it| Some(it.as_ref()?.units?.get())).sum::<Option<u32>>());
    let remaining = facts.balance.as_ref().and_then(crate::Balance::remaining);
    if asked.zip(remaining).is_some_and(|(asked, remaining)| i64::from(asked) > i64::from(remaining)) {
        let detail = format!(
            "Is more than what is left of the member's benefit, which the look-up of eligibility tells: ask for \
             Individual Consideration by fax to {fax}."
        );
        flaws.broken("AUT-06", "/lines", FlawCode::BeyondBenefit, detail);
        return None;
    }
    Some(benefit.clone())
}
