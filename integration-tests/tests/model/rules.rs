//! The rules of a request, by `docs/rules.md`: each is asked of whatever can be read (AUT-05).

use chrono::NaiveDate;
use serde_json::Value;

use super::form::{Form, Line};
use super::read::{Field, Flaws};
use super::ruling::Policy;
use super::world::{
    AFFILIATIONS, APRIL, CALLERS, DIAGNOSES, HEADINGS, MEMBERS, PROVIDERS, Plan, SITES,
    always_my_care_family, day, first_uncovered, offset, product, span,
};

/// What comes of a request before it is ruled on.
pub(super) enum Checked {
    Forbidden,
    Flawed(Flaws),
    Right(Box<Request>),
}

/// A request that breaks no rule.
pub(super) struct Request {
    pub(super) form: Form,
    /// The site by its place.
    pub(super) site: usize,
}

struct Asked<'a> {
    plan: &'a Plan,
    form: &'a Form,
    flaws: &'a mut Flaws,
}

pub(super) fn check(plan: &Plan, who: &str, body: &Value) -> Checked {
    let mut flaws = Flaws::default();
    let services = plan.policy.services();
    let Some(form) = Form::read(body, &services, &mut flaws) else { return Checked::Flawed(flaws) };
    let (_, granted, system, has_contact) = CALLERS.into_iter().find(|it| it.0 == who).expect("a caller");
    let named = form.site.given().map(|id| granted.iter().copied().find(|it| SITES[*it].0 == id));
    let site = match (named, &form.site) {
        (Some(None), _) => return Checked::Forbidden,
        (Some(site), _) => site,
        (None, Field::Absent) if system || granted.len() > 1 => {
            flaws.say("/site_id", "site-required", "AUT-09");
            None
        }
        (None, Field::Absent) => Some(granted[0]),
        (None, _) => None,
    };
    let mut asked = Asked { plan, form: &form, flaws: &mut flaws };
    asked.parties(site, has_contact);
    asked.urgency();
    asked.days();
    asked.diagnoses();
    asked.codes();
    asked.units();
    match site.filter(|_| flaws.0.is_empty()) {
        Some(site) => Checked::Right(Box::new(Request { form, site })),
        None => Checked::Flawed(flaws),
    }
}

impl Asked<'_> {
    // AUT-09, AUT-11: who asks, and who will do it.
    fn parties(&mut self, site: Option<usize>, has_contact: bool) {
        let known = |npi: &str| PROVIDERS.iter().any(|it| it.0 == npi);
        let no_contact = match &self.form.asks {
            Field::Absent => true,
            Field::Broken => false,
            Field::Given(it) => matches!(it.contact, Field::Absent),
        };
        if no_contact && !has_contact {
            self.flaws.say("/requesting_provider/contact", "required", "AUT-11");
        }
        if let Some(npi) = self.form.asks.given().and_then(|it| it.npi.as_ref()) {
            if !known(npi) {
                self.flaws.say("/requesting_provider/npi", "unknown-provider", "AUT-11");
            } else if let Some((site, start)) = site.zip(self.form.start)
                && SITES[site].1 != npi
                && !AFFILIATIONS.iter().any(|(who, at, first, last)| {
                    who == npi && *at == site && offset(*first) <= start && start <= offset(*last)
                })
            {
                self.flaws.say("/requesting_provider/npi", "not-affiliated", "AUT-09");
            }
        }
        if self.form.serves.as_ref().is_some_and(|it| !known(it)) {
            self.flaws.say("/servicing_provider/npi", "unknown-provider", "AUT-11");
        }
    }

    // FED-01.
    fn urgency(&mut self) {
        let expedited = match &self.form.urgency {
            Field::Absent => false,
            Field::Broken => return,
            Field::Given(it) => it == "expedited",
        };
        match (&self.form.urgency_reason, expedited) {
            (Field::Absent, true) => self.flaws.say("/urgency_reason", "required", "FED-01"),
            (Field::Given(_), false) => self.flaws.say("/urgency_reason", "not-applicable", "FED-01"),
            _ => {}
        }
    }

    // AUT-20, AUT-02; and AUT-14, which takes a day to tell the product of.
    fn days(&mut self) {
        let (start, end) = (self.form.start, self.form.end);
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            self.flaws.say("/end_date", "before-start", "AUT-20");
        }
        let Some(member) = &self.form.member else { return };
        let Some((_, _, spans)) = MEMBERS.iter().find(|it| it.0 == member) else {
            return self.flaws.say("/member_id", "unknown-member", "AUT-02");
        };
        let own = self.form.service.as_ref().filter(|it| self.plan.policy.my_care_family_only(it));
        if own.is_some() && start.is_some_and(|start| !always_my_care_family(member, start, end)) {
            self.flaws.say("/requested_service", "not-for-product", "AUT-14");
        }
        let today = self.plan.today();
        if span(member, today).is_none() {
            let code = match spans {
                [] => "not-covered",
                _ if spans.iter().all(|it| offset(it.1) > today) => "not-yet-effective",
                _ => "terminated",
            };
            return self.flaws.say("/member_id", code, "AUT-02");
        }
        let Some(start) = start else { return };
        if span(member, start).is_none() {
            self.flaws.say("/start_date", "not-covered", "AUT-02");
        } else if end.is_some_and(|end| first_uncovered(member, start, end).is_some()) {
            self.flaws.say("/end_date", "not-covered", "AUT-02");
        }
    }

    // AUT-16.
    fn diagnoses(&mut self) {
        for (place, code) in self.form.diagnoses.iter().enumerate() {
            let Some(code) = code.as_ref().map(|it| dotted(it)) else { continue };
            let at = format!("/diagnoses/{place}");
            let early = self.form.start.is_some_and(|start| start < day(APRIL));
            if HEADINGS.contains(&code.as_str()) {
                self.flaws.say(&at, if early { "not-valid-on-date" } else { "not-billable" }, "AUT-16");
            } else if let Some((_, first, last)) = DIAGNOSES.iter().find(|it| it.0 == code) {
                let late = |start| !last.is_empty() && day(last) < start;
                if self.form.start.is_some_and(|start| start < day(first) || late(start)) {
                    self.flaws.say(&at, "not-valid-on-date", "AUT-16");
                }
            } else {
                self.flaws.say(&at, "unknown-code", "AUT-16");
            }
        }
    }

    // AUT-12, AUT-17.
    fn codes(&mut self) {
        let Some(service) = &self.form.service else { return };
        let (plan, lines) = (self.plan, &self.form.lines);
        let some_fit = lines.iter().any(|it| takes(plan, service, it).is_some());
        let services = plan.policy.services();
        // Any CPT code is one of home infusion's, so that one says nothing of the discipline.
        let tells = |it: &toml::Table| it.contains_key("code") || it.contains_key("topic");
        let of_another = |line| services.iter().any(|it| takes(plan, it, line).is_some_and(tells));
        let strange: Vec<_> =
            lines.iter().filter(|it| takes(plan, service, it).is_none() && of_another(it)).collect();
        let one_of_all = |it: &&str| strange.iter().all(|line| takes(plan, it, line).is_some_and(tells));
        let several = !strange.is_empty() && !services.iter().any(|it| one_of_all(&&**it));
        for (place, line) in lines.iter().enumerate() {
            if line.kind.is_none() || line.code.is_none() {
                continue;
            }
            let at = format!("/lines/{place}");
            let Some(taken) = takes(plan, service, line) else {
                let (code, rule) = if (some_fit || several) && of_another(line) {
                    ("other-discipline", "AUT-12")
                } else {
                    ("not-for-service", "AUT-17")
                };
                self.flaws.say(&format!("{at}/code"), code, rule);
                continue;
            };
            let mut wanted = Policy::words(taken, "modifiers");
            wanted.sort_unstable();
            let mut given = line.modifiers.clone();
            if let Some(given) = &mut given {
                given.sort();
            }
            if taken.contains_key("code") && given.is_some_and(|it| it != wanted) {
                self.flaws.say(&format!("{at}/modifiers"), "not-for-service", "AUT-17");
            }
            let Some(alongside) = taken.get("alongside").and_then(|it| it.as_str()) else { continue };
            let Some((member, (start, end))) =
                self.form.member.as_ref().zip(self.form.start.zip(self.form.end))
            else {
                continue;
            };
            if start <= end && !plan.open(member, alongside).any(|it| overlaps(it, start, end)) {
                self.flaws.say(&format!("{at}/code"), "not-alongside", "AUT-17");
            }
        }
    }

    // AUT-15, AUT-06.
    fn units(&mut self) {
        let Some(service) = &self.form.service else { return };
        let units = self.form.lines.iter().map(|it| it.units).sum::<Option<i64>>();
        let exactly = self.plan.policy.service(service).get("exact_units").and_then(toml::Value::as_integer);
        if exactly.is_some_and(|it| units.is_some_and(|units| units > 0 && units != it)) {
            let at = if self.form.lines.len() == 1 { "/lines/0/units" } else { "/lines" };
            self.flaws.say(at, "range", "AUT-15");
        }
        let (Some(member), Some(start), end) = (&self.form.member, self.form.start, self.form.end) else {
            return;
        };
        let Some((_, _, _, limits)) = product(member, start) else { return };
        let refused =
            self.plan.policy.my_care_family_only(service) && !always_my_care_family(member, start, end);
        if end.is_none() || refused {
            return;
        }
        if limits.contains(&(service.as_str(), 0)) {
            self.flaws.say("/requested_service", "beyond-benefit", "AUT-06");
        } else if let Some((left, units)) = self.plan.left(member, service, start).zip(units)
            && units > left
        {
            self.flaws.say("/lines", "beyond-benefit", "AUT-06");
        }
    }
}

/// The code of the service that a line has.
fn takes<'a>(plan: &'a Plan, service: &str, line: &Line) -> Option<&'a toml::Table> {
    let (kind, code) = (line.kind.as_ref()?, line.code.as_ref()?);
    plan.policy.codes(service).find(|it| {
        let word = |name| it.get(name).and_then(toml::Value::as_str);
        let of_topic =
            |topic| plan.procedures.iter().any(|it| it.0 == *kind && it.1 == *code && it.2 == topic);
        word("code_type") == Some(kind)
            && word("code").is_none_or(|it| it == code)
            && word("topic").is_none_or(of_topic)
    })
}

/// Whether an authorization's days meet those from `start` to `end`.
pub(super) fn overlaps(it: &Value, start: NaiveDate, end: NaiveDate) -> bool {
    let of = |name: &str| day(it[name].as_str().expect("a day"));
    of("service_start") <= end && start <= of("service_end")
}

/// A diagnosis code as the plan writes it.
pub(super) fn dotted(code: &str) -> String {
    let bare = code.to_uppercase().replace('.', "");
    let (head, tail) = bare.split_at(3);
    if tail.is_empty() { head.to_owned() } else { format!("{head}.{tail}") }
}
