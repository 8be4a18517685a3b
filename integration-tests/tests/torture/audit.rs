//! What the clients remember, compared with what the database holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use store::Number;

use super::ledger::Ledger;
use super::load::Load;
use super::outcome::{Act, Outcome, Read, What};

/// From, to: the moves of the contract.
const MOVES: [(&str, &str); 8] = [
    ("PEND", "MEDREVIEW"),
    ("PEND", "APPROVED"),
    ("PEND", "DENIED"),
    ("PEND", "CLOSED"),
    ("MEDREVIEW", "APPROVED"),
    ("MEDREVIEW", "DENIED"),
    ("MEDREVIEW", "PEND"),
    ("MEDREVIEW", "CLOSED"),
];

struct Authorization {
    id: String,
    version: i64,
    status: String,
    /// Member, site, servicing provider, first and last day.
    fields: [String; 5],
}

/// The rows that the requests left.
struct Rows {
    by_tag: BTreeMap<String, Vec<Authorization>>,
    /// By request: action and subject of each write.
    trail: BTreeMap<String, Vec<(String, String)>>,
    /// By subject: sequence, version, status.
    events: BTreeMap<String, Vec<(i64, i64, String)>>,
    promised: BTreeSet<String>,
    keys: BTreeSet<String>,
    logins: BTreeMap<String, usize>,
}

fn number(it: &str) -> i64 {
    it.parse().expect("a number")
}

impl Rows {
    fn read(ledger: &Ledger) -> Self {
        let mut by_tag = BTreeMap::<_, Vec<_>>::new();
        let columns = [
            "number_day",
            "number_seq",
            "remarks",
            "version",
            "status",
            "member_id",
            "site_id",
            "servicing_npi",
            "service_start",
            "service_end",
        ];
        for [day, seq, tag, version, status, fields @ ..] in ledger.rows(columns, "authorizations") {
            let day: NaiveDate = day.parse().expect("a day");
            let id = Number { day, seq: number(&seq) }.to_string();
            by_tag.entry(tag).or_default().push(Authorization {
                id,
                version: number(&version),
                status,
                fields,
            });
        }
        let mut trail = BTreeMap::<_, Vec<_>>::new();
        for [request, action, subject] in
            ledger.rows(["request", "action", "subject"], "trail where outcome is null")
        {
            trail.entry(request).or_default().push((action, subject));
        }
        let mut events = BTreeMap::<_, Vec<_>>::new();
        for [subject, sequence, version, status] in
            ledger.rows(["subject", "sequence", "version", "status"], "outbox order by subject, sequence")
        {
            events.entry(subject).or_default().push((number(&sequence), number(&version), status));
        }
        let mut logins = BTreeMap::new();
        for [login] in ledger.rows(["login"], "principals") {
            *logins.entry(login).or_default() += 1;
        }
        let promised = ledger.rows(["subject"], "deadlines").into_iter().map(|[it]| it).collect();
        let keys = ledger.rows(["key"], "idempotency").into_iter().map(|[it]| it).collect();
        Self { by_tag, trail, events, promised, keys, logins }
    }

    /// How often an act was done, by the rows of each kind that it leaves; what of it isn't whole.
    fn effects(&self, act: &Act, wrong: &mut Vec<String>) -> usize {
        let told = self.trail.get(&act.tag).map_or(&[][..], |it| it);
        let own = match act.what {
            What::Submit => self.by_tag.get(&act.tag).map_or(0, Vec::len),
            What::User => self.logins.get(&act.tag).copied().unwrap_or(0),
            What::Move => told.len(),
        };
        if own != told.len() {
            wrong.push(format!("{}: {own} rows, and {} entries in the trail", act.tag, told.len()));
        }
        let kept = act.key.as_ref().is_some_and(|it| self.keys.contains(it));
        if kept != (act.key.is_some() && own > 0) {
            wrong.push(format!("{}: {own} rows, and its answer is kept: {kept}", act.tag));
        }
        for (_, subject) in told.iter().filter(|_| act.what != What::User) {
            if !self.events.contains_key(subject) {
                wrong.push(format!("{}: no event of {subject}", act.tag));
            }
        }
        own
    }

    /// What of an acknowledged act isn't as its answer said.
    fn acknowledged(&self, act: &Act, wrong: &mut Vec<String>) {
        let Some(answer) = act.answer() else { return };
        if act.what == What::User {
            return;
        }
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let (id, version, status) = (text("id"), answer["version"].as_i64().unwrap_or(0), text("status"));
        if !self.trail.get(&act.tag).is_some_and(|it| it.iter().all(|it| it.1 == id)) {
            wrong.push(format!("{}: the trail has it of another", act.tag));
        }
        let events = self.events.get(&id).map_or(&[][..], |it| it);
        if !events.iter().any(|it| it.1 == version && it.2 == status) {
            wrong.push(format!("{}: no event of {id} at version {version}, {status}: {events:?}", act.tag));
        }
        if act.what == What::Submit {
            let Some([it]) = self.by_tag.get(&act.tag).map(|it| &it[..]) else { return };
            let sent =
                |pointer: &str| act.body.pointer(pointer).and_then(|it| it.as_str()).unwrap_or_default();
            let fields =
                ["/member_id", "/site_id", "/servicing_provider/npi", "/start_date", "/end_date"].map(sent);
            if it.id != id || it.fields != fields || it.version < version {
                wrong.push(format!("{}: {} {:?} instead of {id} {fields:?}", act.tag, it.id, it.fields));
            }
            if status != "APPROVED" && !self.promised.contains(&id) {
                wrong.push(format!("{}: no deadline of {id}", act.tag));
            }
        }
    }

    /// What of the authorizations doesn't follow from one move after another.
    fn histories(&self, wrong: &mut Vec<String>) {
        let mut told = BTreeMap::<_, i64>::new();
        for (_, subject) in self.trail.values().flatten().filter(|it| it.0.starts_with("authorization.")) {
            *told.entry(subject.clone()).or_default() += 1;
        }
        for it in self.by_tag.values().flatten() {
            let events = self.events.get(&it.id).map_or(&[][..], |it| it);
            let sequences: Vec<_> = events.iter().map(|it| it.0).collect();
            if !sequences.iter().copied().eq(1..=i64::try_from(events.len()).unwrap_or(0)) {
                wrong.push(format!("{}: events {sequences:?}", it.id));
            }
            let steps: BTreeMap<_, _> = events.iter().map(|it| (it.1, &*it.2)).collect();
            if !steps.keys().copied().eq(1..=it.version) || told.get(&it.id) != Some(&it.version) {
                let entries = told.get(&it.id);
                wrong
                    .push(format!("{} is at {}: versions {steps:?}, {entries:?} entries", it.id, it.version));
            }
            let statuses: Vec<_> = steps.values().copied().collect();
            if statuses.last() != Some(&&*it.status) {
                wrong.push(format!("{} is {}: {statuses:?}", it.id, it.status));
            }
            for pair in statuses.windows(2) {
                if !MOVES.contains(&(pair[0], pair[1])) && pair != ["APPROVED", "CLOSED"] {
                    wrong.push(format!("{} went from {} to {}", it.id, pair[0], pair[1]));
                }
            }
        }
    }
}

/// What the database holds otherwise than the clients were told.
pub(super) fn audit(ledger: &Ledger, load: &Load) -> Vec<String> {
    let (rows, acts) = (Rows::read(ledger), load.acts());
    let mut wrong = Vec::new();
    for act in &acts {
        let effects = rows.effects(act, &mut wrong);
        let right = match act.outcome {
            Outcome::Done { .. } => effects == 1,
            Outcome::Refused { .. } => effects == 0,
            Outcome::Unknown(_) => effects <= 1,
        };
        if !right {
            wrong.push(format!("{}: there {effects} times, after {:?}", act.tag, act.outcome));
        }
        rows.acknowledged(act, &mut wrong);
    }
    let tags: BTreeSet<_> = acts.iter().map(|it| &it.tag).collect();
    for tag in rows.by_tag.keys().filter(|it| it.starts_with("t-") && !tags.contains(it)) {
        wrong.push(format!("{tag}: asked for by no one"));
    }
    rows.histories(&mut wrong);
    wrong.extend(once(&acts));
    wrong.extend(stale(&acts, &load.reads()));
    wrong.extend(ledger.flaws());
    wrong
}

/// Acknowledgements that share a version.
fn once(acts: &[Act]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let at = |it: &Act| {
        let answer = it.answer().filter(|_| it.what != What::User)?;
        Some(format!("{} at {}", answer["id"], answer["version"]))
    };
    acts.iter().filter_map(at).filter(|it| !seen.insert(it.clone())).collect()
}

/// Reads that began after a later version had been acknowledged than they showed.
pub(super) fn stale(acts: &[Act], reads: &[Read]) -> Vec<String> {
    let mut acknowledged = BTreeMap::<_, Vec<_>>::new();
    for act in acts.iter().filter(|it| it.what != What::User) {
        if let Some(answer) = act.answer() {
            let id = answer["id"].as_str().unwrap_or_default().to_owned();
            acknowledged.entry(id).or_default().push((act.ended, answer["version"].as_i64().unwrap_or(0)));
        }
    }
    let late = |read: &&Read| {
        let known = acknowledged.get(&read.id).map_or(&[][..], |it| it);
        known.iter().any(|it| it.0 < read.began && it.1 > read.version)
    };
    reads.iter().filter(late).map(|it| format!("{} was read at {}", it.id, it.version)).collect()
}

/// Shows that the audit finds what it is for: each of these wrongs, done to a database that was right.
pub(super) fn finds_what_is_wrong(ledger: &Ledger, load: &Load) {
    let acts = load.acts();
    let submitted = acts.iter().find(|it| it.what == What::Submit && it.is_done()).expect("one");
    let tag = &submitted.tag;
    let id = submitted.answer().and_then(|it| it["id"].as_str().map(str::to_owned)).expect("an id");
    for (wrong, right) in [
        (
            format!("update authorizations set remarks = 'lost' where remarks = '{tag}'"),
            format!("update authorizations set remarks = '{tag}' where remarks = 'lost'"),
        ),
        (
            format!("update authorizations set version = version + 1 where remarks = '{tag}'"),
            format!("update authorizations set version = version - 1 where remarks = '{tag}'"),
        ),
        (
            format!("update outbox set subject = 'lost' where subject = '{id}'"),
            format!("update outbox set subject = '{id}' where subject = 'lost'"),
        ),
        (
            format!("update trail set request = 'lost' where request = '{tag}' and outcome is null"),
            format!("update trail set request = '{tag}' where request = 'lost'"),
        ),
        (
            format!(
                "insert into trail (id, at, actor, client, request, action, subject, digest) \
                 select 'double', at, actor, client, request, action, subject, digest from trail where request = '{tag}' and outcome is null"
            ),
            "delete from trail where id = 'double'".to_owned(),
        ),
    ] {
        ledger.execute(&wrong);
        assert!(!audit(ledger, load).is_empty(), "the audit doesn't find {wrong}");
        ledger.execute(&right);
        assert_eq!(audit(ledger, load), Vec::<String>::new());
    }
}
