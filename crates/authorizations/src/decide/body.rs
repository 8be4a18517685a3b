//! What a reviewer sends, and what it comes to.

use chrono::NaiveDate;
use kernel::{
    Count, Draft, FlawCode, Flaws, List, Modifier, OneLine, Period, ProcedureCode, Read, Text, body, codes,
};

use crate::check::{description, takes};
use crate::{Action, Authorization, LIFECYCLE, Line, Policy, ServicePolicy, Status};

codes! {
    /// What a reviewer decides of a request.
    pub enum Verdict {
        /// Granted as asked.
        Approve = "approve",
        /// Granted in part: fewer units, a shorter period, a lesser code, or not every line (FED-05).
        Reduce = "reduce",
        /// Refused (FED-05).
        Deny = "deny",
        /// More information is needed; the clock goes on (FED-04).
        Pend = "pend",
        /// To a clinician.
        Review = "review",
    }
}

codes! {
    /// What a reviewer decides of a line.
    pub enum LineVerdict {
        /// Granted as asked.
        Approve = "approve",
        /// Granted in part.
        Reduce = "reduce",
        /// Refused.
        Deny = "deny",
    }
}

body! {
    /// A decision of the plan's people on a request.
    pub struct NewDecision {
        /// The revision that it is on; left out for the request itself.
        revision: Option<Count<1, 9999>> => "AUT-31",
        /// What is decided. Lines that aren't named are approved, or with `deny` denied.
        outcome: Verdict => "FED-05",
        /// One of the plan's reasons for this outcome; GET /v1/policy lists them.
        reason_code: OneLine<1, 64> => "FED-05",
        /// The specific reason, in words for the provider.
        reason: Text<1, 1000> => "FED-05",
        /// What is decided of single lines, where they differ.
        lines: Option<List<NewLineDecision, 0, 50>> => "AUT-34",
        /// The first day granted, with `reduce`: not before the one asked for.
        service_start: Option<NaiveDate> => "AUT-20",
        /// The last day granted, with `reduce`: not after the one asked for.
        service_end: Option<NaiveDate> => "AUT-20",
    }
}

body! {
    /// A decision on one line.
    pub struct NewLineDecision {
        /// Its number.
        line: Count<1, 50> => "AUT-34",
        /// What is decided of it.
        outcome: LineVerdict => "FED-05",
        /// Units granted, with `reduce`: 1 or more, and no more than were asked for.
        authorized_units: Option<Count<1, 9999>> => "AUT-18",
        /// The code granted instead, with `reduce`: one of the service's, of the same set.
        code: Option<ProcedureCode> => "AUT-17",
    }
}

impl From<Verdict> for Action {
    fn from(it: Verdict) -> Self {
        match it {
            Verdict::Approve => Self::Approve,
            Verdict::Reduce => Self::Reduce,
            Verdict::Deny => Self::Deny,
            Verdict::Pend => Self::Pend,
            Verdict::Review => Self::Review,
        }
    }
}

/// What becomes of the lines and the dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) lines: Vec<Line>,
    pub(super) service: Period,
}

/// Adds what the rules say of a decision on `it`; what it comes to, if nothing is wrong.
///
/// Where the move isn't permitted at all, only its reason is looked at: the refusal says why.
pub(super) fn check(
    draft: &Draft<NewDecision>,
    it: &Authorization,
    policy: &Policy,
    flaws: &mut Flaws,
) -> Option<Granted> {
    let before = flaws.iter().len();
    let verdict = draft.outcome?;
    if let Some(code) = &draft.reason_code
        && !policy.decide_reasons.get(&verdict).is_some_and(|it| it.contains_key(&**code))
    {
        let codes: Vec<_> =
            policy.decide_reasons.get(&verdict).into_iter().flatten().map(|it| it.0.as_str()).collect();
        let detail = format!("With {verdict}, must be one of {}.", codes.join(", "));
        flaws.broken("FED-05", "/reason_code", FlawCode::OneOf, detail);
    }
    if draft.revision.flatten().is_some() {
        flaws.broken(
            "AUT-31",
            "/revision",
            FlawCode::NoSuchRevision,
            "The authorization has no such revision.",
        );
    }
    let mut granted = Granted { lines: it.lines.clone(), service: it.service };
    if LIFECYCLE.next(it.status, verdict.into()).is_some() {
        if matches!(verdict, Verdict::Pend | Verdict::Review) {
            leave_out(draft, verdict, flaws);
        } else {
            let parts = flaws.iter().len();
            dates(draft, verdict, &mut granted, flaws);
            let whole = lines(draft, verdict, &mut granted, policy, it, flaws);
            if whole && flaws.iter().len() == parts {
                comes_to(verdict, &granted, it, flaws);
            }
        }
    }
    (flaws.iter().len() == before).then_some(granted)
}

/// AUT-34: what decides nothing says nothing of lines and dates.
fn leave_out(draft: &Draft<NewDecision>, verdict: Verdict, flaws: &mut Flaws) {
    let lines = draft.lines.as_ref().is_some_and(|it| it.as_ref().is_some_and(|it| !it.is_empty()));
    let dates = [("/service_start", draft.service_start), ("/service_end", draft.service_end)];
    let dates = dates.into_iter().filter(|it| it.1.flatten().is_some()).map(|it| it.0);
    for at in lines.then_some("/lines").into_iter().chain(dates) {
        flaws.broken("AUT-34", at, FlawCode::NotApplicable, format!("Must be left out with {verdict}."));
    }
}

/// FED-05: a shorter period is a grant of less, within what was asked.
fn dates(draft: &Draft<NewDecision>, verdict: Verdict, granted: &mut Granted, flaws: &mut Flaws) {
    let asked = granted.service;
    for (at, day) in [("/service_start", draft.service_start), ("/service_end", draft.service_end)] {
        let Some(day) = day.flatten() else { continue };
        if verdict != Verdict::Reduce {
            flaws.broken("FED-05", at, FlawCode::NotApplicable, "Must be left out unless outcome is reduce.");
        } else if day < asked.start() || asked.end() < day {
            flaws.broken("FED-05", at, FlawCode::Range, "Must be within the dates asked for.");
        }
    }
    let start = draft.service_start.flatten().unwrap_or(asked.start());
    let end = draft.service_end.flatten().unwrap_or(asked.end());
    match Period::new(start, end) {
        Some(period) => granted.service = period,
        None => {
            flaws.broken(
                "AUT-20",
                "/service_end",
                FlawCode::BeforeStart,
                "Must not be before service_start.",
            );
        }
    }
}

/// AUT-34: line by line; whether each could be read.
fn lines(
    draft: &Draft<NewDecision>,
    verdict: Verdict,
    granted: &mut Granted,
    policy: &Policy,
    it: &Authorization,
    flaws: &mut Flaws,
) -> bool {
    let default = if verdict == Verdict::Deny { LineVerdict::Deny } else { LineVerdict::Approve };
    for line in &mut granted.lines {
        grant(line, default, line.requested);
    }
    let Some(sent) = &draft.lines else { return false };
    let (mut seen, mut whole) = (Vec::new(), true);
    for (place, one) in sent.iter().flatten().enumerate() {
        let Some(one) = one.clone().and_then(NewLineDecision::whole) else {
            whole = false;
            continue;
        };
        let number = one.line.get().cast_signed();
        let new = !seen.contains(&number);
        seen.push(number);
        if let Some(line) = granted.lines.iter_mut().find(|it| it.number == number && new) {
            decide_line(place, line, &one, policy.service(it.requested_service), it, flaws);
        } else {
            let detail = "Must be a line of the authorization, named once.";
            flaws.broken("AUT-34", format_args!("/lines/{place}/line"), FlawCode::NoSuchLine, detail);
        }
    }
    whole
}

fn decide_line(
    place: usize,
    line: &mut Line,
    one: &NewLineDecision,
    rules: &ServicePolicy,
    it: &Authorization,
    flaws: &mut Flaws,
) {
    let mut wrong = |part: &str, rule: &'static str, code, detail: String| {
        flaws.broken(rule, format_args!("/lines/{place}/{part}"), code, detail);
    };
    let units = one.authorized_units.map(|it| it.get().cast_signed());
    if one.outcome != LineVerdict::Reduce {
        let given = [("authorized_units", units.is_some()), ("code", one.code.is_some())];
        for (part, _) in given.into_iter().filter(|it| it.1) {
            let detail = "Must be left out unless the line's outcome is reduce.".to_owned();
            wrong(part, "FED-05", FlawCode::NotApplicable, detail);
        }
        return grant(line, one.outcome, line.requested);
    }
    if units.is_some_and(|it| it > line.requested) {
        wrong("authorized_units", "AUT-18", FlawCode::Range, format!("Must be 1 to {}.", line.requested));
    } else if units.is_none_or(|it| it == line.requested) && one.code.is_none() {
        let detail = format!("Must be given with reduce, and less than {}.", line.requested);
        wrong("authorized_units", "FED-05", FlawCode::Range, detail);
    }
    if let Some(code) = &one.code {
        let modifiers: Vec<_> = line.modifiers.split_whitespace().filter_map(Modifier::parse).collect();
        let modifiers: Vec<_> = modifiers.iter().collect();
        let taken =
            rules.takes(line.code_type, code).any(|it| it.alongside.is_none() && it.qualified_by(&modifiers));
        match description(line.code_type, code, Some(it.service.start())).filter(|_| taken) {
            Some(words) => (line.code, line.description) = (code.to_string(), words),
            None => wrong("code", "AUT-17", FlawCode::NotForService, takes(rules)),
        }
    }
    grant(line, LineVerdict::Reduce, units.unwrap_or(line.requested));
}

fn grant(line: &mut Line, outcome: LineVerdict, units: i32) {
    (line.status, line.authorized) = match outcome {
        LineVerdict::Deny => (Status::Denied, 0),
        LineVerdict::Approve | LineVerdict::Reduce => (Status::Approved, units),
    };
}

/// FED-05: what is adverse is called so, and what isn't, not.
fn comes_to(verdict: Verdict, granted: &Granted, it: &Authorization, flaws: &mut Flaws) {
    let none = granted.lines.iter().all(|it| it.status == Status::Denied);
    let less = |(old, new): (&Line, &Line)| new.authorized < old.requested || new.code != old.code;
    let less = granted.service != it.service || it.lines.iter().zip(&granted.lines).any(less);
    let comes_to = match (none, less) {
        (true, _) => Verdict::Deny,
        (false, true) => Verdict::Reduce,
        (false, false) => Verdict::Approve,
    };
    if comes_to != verdict {
        let detail = match (verdict, comes_to) {
            (Verdict::Reduce, Verdict::Approve) => {
                "Must name, in lines or dates, what is granted of less than was asked.".to_owned()
            }
            _ => format!("Must be {comes_to}: that is what the lines and dates come to."),
        };
        flaws.broken("FED-05", "/outcome", FlawCode::NotTheOutcome, detail);
    }
}
