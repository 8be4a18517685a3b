//! The made-up plan's requests: asked for by the domain itself, at moments of the past two months.

use std::collections::BTreeMap;
use std::sync::Arc;

use authorizations::{
    Error, Facts, NewAuthorization, NewClosing, NewDecision, Policies, Question, Ruled, Submission, ToClose,
    ToDecide,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use kernel::{At, Draft, Flaws, Json, ManualClock, Read, Scope};
use registry::demo::{PRINCIPALS, Plan, SITES};
use registry::{Access, Credential, Entry, Needs};
use serde_json::{Value, json};
use store::{Actor, Db, IdempotencyKey, Number, Options, Store, Tx};

/// How many requests there are.
pub const REQUESTS: usize = 100;

/// As many of the made-up members as there are requests.
#[expect(clippy::cast_possible_truncation, reason = "it is a hundred")]
const FATED: u32 = REQUESTS as u32;

/// Service, code's set, code, modifier, units that are usual, and units that a clinician reviews.
const SERVICES: [(&str, &str, &str, Option<&str>, u32, u32); 11] = [
    ("skilled_nursing_care", "revenue", "0551", None, 12, 45),
    ("skilled_nursing_evaluation", "revenue", "0551", None, 1, 1),
    ("physical_therapy", "revenue", "0421", None, 9, 30),
    ("home_health_aide", "revenue", "0572", None, 40, 150),
    ("occupational_therapy", "revenue", "0431", None, 8, 28),
    ("home_health_aide_adl", "hcpcs", "G0156", Some("UD"), 240, 700),
    ("medication_administration_visit", "hcpcs", "T1502", None, 60, 180),
    ("medical_social_worker", "revenue", "0561", None, 3, 9),
    ("speech_therapy", "revenue", "0441", None, 10, 26),
    ("home_infusion", "hcpcs", "S9500", None, 14, 14),
    ("private_duty_nursing", "revenue", "0552", None, 40, 40),
];

const DIAGNOSES: [&[&str]; 7] = [
    &["I10", "E11.9"],
    &["L89.153"],
    &["I69.351", "I10"],
    &["J44.9"],
    &["I50.9", "N17.9"],
    &["S72.001D", "Z48.00"],
    &["G20.A1"],
];

/// What becomes of a request, in the order in which it does; the last of each twenty wait for someone now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// As the policy rules.
    Usual,
    /// Looks like the one before it.
    Twin,
    /// Waits for a clinician.
    Waits,
    /// Decided or ended by someone after so many hours: who, the move, and its reason.
    Moved(&'static str, &'static str, &'static str, i64),
}

const FATES: [Fate; 10] = [
    Fate::Usual,
    Fate::Usual,
    Fate::Moved("physician", "deny", "not_medically_necessary", 47),
    Fate::Usual,
    Fate::Moved("coordinator", "close", "requested_by_provider", 90),
    Fate::Usual,
    Fate::Moved("nurse", "approve", "medically_necessary", 21),
    Fate::Moved("second-physician", "reduce", "fewer_units_needed", 66),
    Fate::Usual,
    Fate::Usual,
];

/// Those of the last three days.
const NOW: [Fate; 5] = [
    Fate::Waits,
    Fate::Usual,
    Fate::Twin,
    Fate::Moved("coordinator", "pend", "clinical_notes_needed", 3),
    Fate::Waits,
];

/// Something that happens to a request, at its moment.
struct Step {
    at: DateTime<Utc>,
    request: usize,
    /// None where it is asked for.
    moved: Option<(&'static str, &'static str, &'static str)>,
}

/// Asks for what is missing of the requests; how many there are that could be made. They are numbered by the days on which
/// they came, and the same each time; what was made already is known again by its key.
///
/// # Errors
/// If the database can't answer.
pub fn ask(url: &str, options: &Options, policies: &Arc<Policies>) -> Result<usize, Error> {
    let now = options.clock.now();
    let clock = Arc::new(ManualClock::new(now));
    let store = Store::open(url, Options { clock: Arc::clone(&clock) as _, pool: 1, ..options.clone() })?;
    let people = Plan::new(now.date_naive()).members(12..12 + 8 * FATED).ids();
    let (mut made, mut chosen) = (BTreeMap::new(), BTreeMap::new());
    for step in steps(now) {
        clock.set(step.at);
        let place = step.request;
        let (name, moved) = step.moved.map_or(("submit", None), |it| (it.1, Some(it)));
        let key = IdempotencyKey {
            scope: format!("demo {name}"),
            key: place.to_string(),
            fingerprint: String::new(),
        };
        let done = if let Some(id) = store.kept::<String>(key.clone()).wait()? {
            Number::parse(&id)
        } else if let Some(moved) = moved {
            let moved = made.get(&place).map(|it| move_on(&store, policies, key, *it, moved)).transpose();
            // Someone who tries the service may have moved it already.
            match moved {
                Err(Error::NotPermitted(..) | Error::Stale | Error::BeyondBenefit) => None,
                moved => moved?.flatten(),
            }
        } else {
            // Some members' coverage has ended or not begun: the next one is asked for instead.
            let like = if fate(place) == Fate::Twin { place - 1 } else { place };
            let members = chosen.get(&like).copied().map_or(8 * like..8 * like + 8, |it| it..it + 1);
            let mut done = None;
            for member in members {
                let body = request(like, people[member].as_str(), step.at.date_naive());
                let caller = if like % 3 == 2 { "other-site" } else { "multi-site" };
                done = submit(&store, policies, key.clone(), caller, &body)?;
                if done.is_some() {
                    chosen.insert(place, member);
                    break;
                }
            }
            done
        };
        if let Some(number) = done {
            made.insert(place, number);
        }
    }
    Ok(made.len())
}

fn fate(request: usize) -> Fate {
    let recent = request.checked_sub(REQUESTS - 30);
    recent.map_or(FATES[request % FATES.len()], |it| NOW[it % NOW.len()])
}

/// Every step, in the order of time: most requests came evenly over two months, the last thirty within three days.
fn steps(now: DateTime<Utc>) -> Vec<Step> {
    let mut all = Vec::new();
    for (request, place) in (0..REQUESTS).zip(0_i32..) {
        let recent = place - 70;
        let before = if recent < 0 {
            TimeDelta::minutes(i64::from(4_320 - recent * 1_170))
        } else {
            TimeDelta::minutes(i64::from(4_200 - recent * 140))
        };
        let at = now - before;
        all.push(Step { at, request, moved: None });
        if let Fate::Moved(who, to, why, hours) = fate(request) {
            let at = (at + TimeDelta::hours(hours)).min(now - TimeDelta::minutes(1));
            all.push(Step { at, request, moved: Some((who, to, why)) });
        }
    }
    all.sort_by_key(|it| (it.at, it.moved.is_some()));
    all
}

/// The body of a request.
fn request(place: usize, member: &str, day: NaiveDate) -> Value {
    let reviewed = !matches!(fate(place), Fate::Usual | Fate::Moved(_, "close", ..));
    // A member of another product has what its product covers.
    let of_family = member.starts_with("MCF");
    let at = if of_family { place % SERVICES.len() } else { [0, 1, 9][place % 3] };
    let (.., usual, more) = SERVICES[at];
    // What is always approved isn't reviewed, and what is always reviewed isn't usual.
    let fits = if reviewed { more > 1 } else { usual == 1 || usual < more };
    let (service, code_type, code, modifier, usual, more) = SERVICES[if fits { at } else { 0 }];
    let (name, npi) = [("Scheduling", "1972902351"), ("Front office", "1770626038")][place % 2];
    let therapy = service.ends_with("l_therapy");
    json!({
        "type": "home_health_care",
        "site_id": SITES[place % 3].0,
        "member_id": member,
        "requested_service": service,
        "urgency": if place % 9 == 4 { "expedited" } else { "standard" },
        "urgency_reason": (place % 9 == 4).then_some("Discharge is planned for tomorrow."),
        "requesting_provider": {"npi": SITES[place % 3].3, "contact": {"name": "Intake desk", "phone": "+16175550100"}},
        "servicing_provider": {"npi": npi, "contact": {"name": name, "phone": "+16175550123"}},
        "diagnoses": DIAGNOSES[place % DIAGNOSES.len()],
        "lines": [{"code_type": code_type, "code": code, "modifiers": modifier, "units": if reviewed { more } else { usual }}],
        "start_date": day + TimeDelta::days(2),
        "end_date": day + TimeDelta::days(if usual == 1 { 2 } else { 61 }),
        "remarks": therapy.then_some("1 visit for Evaluation."),
    })
}

/// A caller of the made-up plan, with all that their role permits.
fn caller(store: &Store, name: &str) -> Result<(Access, Actor), Error> {
    let login = PRINCIPALS.iter().find(|it| it.1 == name).map(|it| it.0).ok_or(Error::NotFound)?;
    let entry = Entry { login: login.to_owned(), emergency: None };
    let find = move |db: &mut Db, moment| Ok::<_, Error>(entry.find(db, moment)?);
    let found = store.enter(find, |_, found| Ok(found)).wait()?;
    let credential = Credential {
        login: login.to_owned(),
        of_system: login.starts_with("cli_"),
        scopes: Scope::ALL.to_vec(),
        strong: true,
        emergency: None,
    };
    let access = registry::authorize(found, &credential, &Needs::NOTHING).map_err(|_| Error::NotFound)?;
    let (client, request) = ("lanyard-demo".into(), "demo".into());
    Ok((access, Actor { id: login.into(), client, request, of_service: true }))
}

fn read<T: Read>(body: &Value, flaws: &mut Flaws) -> Option<Draft<T>> {
    let text = body.to_string();
    T::read(&Json::parse(text.as_bytes()).ok()?, At::Root, flaws)
}

/// Asks for one; none if it breaks a rule, as some members' do.
fn submit(
    store: &Store,
    policies: &Arc<Policies>,
    key: IdempotencyKey,
    caller: &str,
    body: &Value,
) -> Result<Option<Number>, Error> {
    let (caller, actor) = self::caller(store, caller)?;
    let mut flaws = Flaws::default();
    let Some(draft) = read::<NewAuthorization>(body, &mut flaws) else { return Ok(None) };
    let (asks, sent, all) = (caller.clone(), draft.clone(), Arc::clone(policies));
    let facts = store.read(move |rx| Facts::gather(rx, &asks, &sent, &all)).wait()?;
    let policy = policies.on(facts.today);
    let checked = authorizations::check(&draft, &facts, &caller.principal, policy, &mut flaws);
    let (Some(checked), Some(whole), true) = (checked, NewAuthorization::whole(draft), flaws.is_empty())
    else {
        return Ok(None);
    };
    let ruled = Ruled::by(policy, Question::of(&whole, &checked, facts.today)?);
    let submission = Submission::new(&whole, checked, &caller.principal, facts.today, policy, ruled)?;
    let submit = move |tx: &mut Tx<'_>| Ok::<_, Error>(authorizations::submit(tx, &caller, submission)?.id());
    let id: String = store.write_once(&actor, key, submit).wait()?.value;
    Ok(Number::parse(&id))
}

fn move_on(
    store: &Store,
    policies: &Arc<Policies>,
    key: IdempotencyKey,
    number: Number,
    (who, to, why): (&str, &'static str, &str),
) -> Result<Option<Number>, Error> {
    let (caller, actor) = caller(store, who)?;
    let scope = caller.scope(Scope::AuthorizationsRead);
    let found = store.read(move |rx| ToDecide::gather(rx, &scope, number)).wait()?;
    let (it, policy) = (&found.0, policies.on(found.0.number.day));
    let reason =
        policy.close_reasons.get(why).or_else(|| policy.decide_reasons.values().find_map(|it| it.get(why)));
    let mut body = json!({"reason_code": why, "reason": reason});
    let mut flaws = Flaws::default();
    if to == "close" {
        let reason = read::<NewClosing>(&body, &mut flaws).and_then(NewClosing::whole);
        let Some(reason) = reason else { return Ok(None) };
        let version = it.version;
        let close = move |tx: &mut Tx<'_>| {
            let asked = ToClose { number, version, reason };
            Ok::<_, Error>(authorizations::close(tx, &caller, &asked)?.id())
        };
        store.write_once(&actor, key, close).wait().map(|it| Number::parse(&it.value))
    } else {
        body["outcome"] = json!(to);
        if to == "reduce" {
            body["lines"] =
                json!([{"line": 1, "outcome": "reduce", "authorized_units": it.lines[0].requested / 2}]);
        }
        let draft = read::<NewDecision>(&body, &mut flaws);
        let decided = draft.and_then(|draft| ToDecide::check(&draft, &found, it.version, policy, &mut flaws));
        let Some(decided) = decided.filter(|_| flaws.is_empty()) else { return Ok(None) };
        let decide =
            move |tx: &mut Tx<'_>| Ok::<_, Error>(authorizations::decide(tx, &caller, decided)?.id());
        store.write_once(&actor, key, decide).wait().map(|it| Number::parse(&it.value))
    }
}
