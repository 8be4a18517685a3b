//! Clients that write and read as many people at once do, and remember what they were told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta};
use kernel::{Clock, SystemClock};
use reqwest::Client;
use serde_json::{Value, json};

use crate::same::Dice;
use crate::support::example;

use super::ledger::Ledger;
use super::node::token;
use super::outcome::{Act, Outcome, Read, What, outcome};

/// What all clients of a test share.
#[derive(Clone)]
pub(super) struct Load(Rc<Shared>);

struct Shared {
    client: Client,
    bases: RefCell<Vec<String>>,
    tokens: HashMap<&'static str, String>,
    members: Vec<String>,
    today: NaiveDate,
    acts: RefCell<Vec<Act>>,
    reads: RefCell<Vec<Read>>,
    /// Where each authorization stands, as far as the clients know.
    known: RefCell<BTreeMap<String, (i64, String)>>,
    stopped: Cell<bool>,
    count: Cell<usize>,
    limit: Cell<usize>,
    /// How many of a hundred steps only read.
    reading: Cell<usize>,
    seed: Cell<u64>,
}

/// A decision's outcome and its reason.
const REASONS: [(&str, &str); 4] = [
    ("approve", "medically_necessary"),
    ("deny", "not_medically_necessary"),
    ("pend", "clinical_notes_needed"),
    ("review", "information_received"),
];

impl Load {
    pub(super) fn new(ledger: &Ledger, bases: &[&str]) -> Self {
        let members = ledger.texts(
            "select member_id as it from coverages where product_id = 'mcf' and last_on is null and first_on < '2026-11-01' \
             and member_id > 'MCF0000001000' order by member_id limit 400",
        );
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().expect("a client");
        let who = ["single-site", "physician", "site-administrator", "coordinator", "nurse"];
        Self(Rc::new(Shared {
            client,
            bases: RefCell::new(bases.iter().map(|it| (*it).to_owned()).collect()),
            tokens: who.iter().map(|it| (*it, token(it))).collect(),
            members,
            today: SystemClock.now().with_timezone(&chrono_tz::America::New_York).date_naive(),
            acts: RefCell::default(),
            reads: RefCell::default(),
            known: RefCell::default(),
            stopped: Cell::new(false),
            count: Cell::new(0),
            limit: Cell::new(usize::MAX),
            reading: Cell::new(10),
            seed: Cell::new(7),
        }))
    }

    /// Sends what comes next to these nodes.
    pub(super) fn turn_to(&self, bases: &[&str]) {
        *self.0.bases.borrow_mut() = bases.iter().map(|it| (*it).to_owned()).collect();
    }

    pub(super) fn reading(&self, of_hundred: usize) {
        self.0.reading.set(of_hundred);
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        self.0.acts.borrow().clone()
    }

    pub(super) fn reads(&self) -> Vec<Read> {
        self.0.reads.borrow().clone()
    }

    /// How many answers, acknowledgements or reads, the clients have so far.
    pub(super) fn answered(&self) -> usize {
        self.0.acts.borrow().iter().filter(|it| it.is_done()).count() + self.0.reads.borrow().len()
    }

    /// How many steps were taken so far.
    pub(super) fn steps(&self) -> usize {
        self.0.count.get()
    }

    /// Has so many clients at work while `meanwhile` goes on, and waits for their last answers.
    pub(super) async fn during<T>(&self, clients: usize, meanwhile: impl Future<Output = T>) -> T {
        self.0.stopped.set(false);
        let all: Vec<_> = (0..clients).map(|_| actix_web::rt::spawn(self.clone().client())).collect();
        let done = meanwhile.await;
        self.0.stopped.set(true);
        for client in all {
            client.await.expect("a client");
        }
        done
    }

    /// Has so many clients take so many steps, together.
    pub(super) async fn steps_by(&self, clients: usize, steps: usize) {
        self.0.limit.set(self.0.count.get() + steps);
        self.0.stopped.set(false);
        let all: Vec<_> = (0..clients).map(|_| actix_web::rt::spawn(self.clone().client())).collect();
        for client in all {
            client.await.expect("a client");
        }
        self.0.limit.set(usize::MAX);
    }

    async fn client(self) {
        self.0.seed.set(self.0.seed.get() + 1);
        let mut dice = Dice(self.0.seed.get().wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.throw(2);
        while !self.0.stopped.get() && self.0.count.get() < self.0.limit.get() {
            self.0.count.set(self.0.count.get() + 1);
            if self.step(&mut dice).await {
                // Whoever gets no answer asks again in a moment.
                super::pause(20).await;
            }
        }
    }

    /// One step; whether there was no answer to it.
    async fn step(&self, dice: &mut Dice) -> bool {
        let known = self.0.known.borrow().len();
        if known > 0 && dice.throw(100) < self.0.reading.get() {
            return self.read(dice).await;
        }
        let act = match dice.throw(20) {
            _ if known < 4 => self.submission(dice),
            0..=8 => self.submission(dice),
            9 => self.user(),
            _ => self.a_move(dice),
        };
        self.take(act, dice.throw(64)).await
    }

    /// Sends it to one of the nodes, and remembers what became of it; whether there was no answer.
    pub(super) async fn take(&self, mut act: Act, node: usize) -> bool {
        let base = self.base(node);
        act.send(&self.0.client, &base, &self.0.tokens[act.who]).await;
        let lost = matches!(act.outcome, Outcome::Unknown(_) | Outcome::Refused { status: 503, .. });
        self.learn(&act);
        self.0.acts.borrow_mut().push(act);
        lost
    }

    fn base(&self, node: usize) -> String {
        let bases = self.0.bases.borrow();
        bases[node % bases.len()].clone()
    }

    fn learn(&self, act: &Act) {
        let Some(answer) = act.answer().filter(|_| act.what != What::User) else { return };
        let (Some(id), Some(version)) = (answer["id"].as_str(), answer["version"].as_i64()) else { return };
        let status = answer["status"].as_str().unwrap_or_default().to_owned();
        self.know(id, version, status);
    }

    fn know(&self, id: &str, version: i64, status: String) {
        let mut known = self.0.known.borrow_mut();
        if known.get(id).is_none_or(|it| it.0 < version) {
            known.insert(id.to_owned(), (version, status));
        }
    }

    fn tag(&self) -> String {
        let next = self.0.acts.borrow().len() + self.0.count.get() * 1_000_000;
        format!("t-{next}-{}", kernel::fresh_id("x", SystemClock.now()))
    }

    /// A request, with a key as often as not.
    pub(super) fn submission(&self, dice: &mut Dice) -> Act {
        let (mut body, tag) = (example(), self.tag());
        let start = self.0.today + TimeDelta::days(i64::try_from(dice.throw(30)).unwrap_or(0));
        body["member_id"] = json!(self.0.members[dice.throw(self.0.members.len())]);
        body["start_date"] = json!(start);
        body["end_date"] = json!(start);
        body["lines"][0]["units"] = json!(if dice.throw(3) == 0 { 1 } else { 99 });
        body["remarks"] = json!(tag);
        let key = (dice.throw(2) == 0).then(|| tag.clone());
        Act { key, ..Act::new(What::Submit, tag, "single-site", "/v1/authorizations".to_owned(), body) }
    }

    fn user(&self) -> Act {
        let tag = self.tag();
        let site = registry::demo::SITES[0].0;
        let body =
            json!({"login": tag, "name": "A", "kind": "person", "role": "portal_user", "site_id": site});
        let key = Some(tag.clone());
        Act { key, ..Act::new(What::User, tag, "site-administrator", "/v1/users".to_owned(), body) }
    }

    /// A move of an authorization, mostly one that may be, by what the client knows of it.
    fn a_move(&self, dice: &mut Dice) -> Act {
        let (id, (version, status)) = {
            let known = self.0.known.borrow();
            let open: Vec<_> = known.iter().filter(|it| !["DENIED", "CLOSED"].contains(&&*it.1.1)).collect();
            let all: Vec<_> = if open.is_empty() { known.iter().collect() } else { open };
            // The latest few, so that several clients want the same one.
            let place = all.len() - 1 - dice.throw(all.len().min(24));
            (all[place].0.clone(), all[place].1.clone())
        };
        let able: &[&str] = match &*status {
            "PEND" => &["review", "approve", "deny", "close"],
            "MEDREVIEW" => &["approve", "deny", "pend", "pend", "close"],
            _ => &["close"],
        };
        let action = if dice.throw(12) == 0 { "review" } else { dice.pick(able) };
        let tag = self.tag();
        let (path, body) = match REASONS.iter().find(|it| it.0 == action) {
            None => {
                (format!("/v1/authorizations/{id}/close"), json!({"reason_code": "replaced", "reason": tag}))
            }
            Some((_, code)) => (
                format!("/v1/authorizations/{id}/decide"),
                json!({"outcome": action, "reason_code": code, "reason": tag}),
            ),
        };
        let key = (dice.throw(2) == 0).then(|| tag.clone());
        Act { key, if_match: Some(version), ..Act::new(What::Move, tag, "physician", path, body) }
    }

    async fn read(&self, dice: &mut Dice) -> bool {
        let id = {
            let known = self.0.known.borrow();
            let place = known.len() - 1 - dice.throw(known.len().min(24));
            known.keys().nth(place).expect("one that is known").clone()
        };
        let base = self.base(dice.throw(64));
        let began = Instant::now();
        let request = self.0.client.get(format!("{base}/v1/authorizations/{id}"));
        let Outcome::Done { text, .. } = outcome(request.bearer_auth(&self.0.tokens["physician"])).await
        else {
            return true;
        };
        let it: Value = serde_json::from_str(&text).expect("JSON");
        let version = it["version"].as_i64().expect("a version");
        self.know(&id, version, it["status"].as_str().unwrap_or_default().to_owned());
        self.0.reads.borrow_mut().push(Read { id, version, began });
        false
    }

    /// From now on, what got no answer must not have been done.
    pub(super) fn take_unknown_as_refused(&self) {
        for act in self.0.acts.borrow_mut().iter_mut() {
            if matches!(act.outcome, Outcome::Unknown(_)) {
                act.outcome = Outcome::Refused { status: 0, slug: String::new(), retry_after: false };
            }
        }
    }

    /// Sends again each of the last requests that had a key: what was acknowledged is answered alike, and what wasn't
    /// is done now or was before. What differs.
    pub(super) async fn retry(&self, from: usize) -> Vec<String> {
        let (mut differ, end) = (Vec::new(), self.0.acts.borrow().len());
        for place in from..end {
            let mut act = self.0.acts.borrow()[place].clone();
            if act.key.is_none() || matches!(act.outcome, Outcome::Refused { .. }) {
                continue;
            }
            let before = act.outcome.clone();
            // Whoever is told that no one knows sends it again, as the answer says.
            for _ in 0..20 {
                act.send(&self.0.client, &self.base(place), &self.0.tokens[act.who]).await;
                if !matches!(act.outcome, Outcome::Unknown(_) | Outcome::Refused { status: 503, .. }) {
                    break;
                }
                super::pause(250).await;
            }
            match (&before, &act.outcome) {
                (
                    Outcome::Done { text, etag, .. },
                    Outcome::Done { text: again, etag: tag, replayed: true },
                ) if (text, etag) == (again, tag) => {}
                (Outcome::Unknown(_), Outcome::Done { .. } | Outcome::Refused { status: ..500, .. }) => {
                    self.learn(&act);
                    self.0.acts.borrow_mut()[place] = act;
                }
                (before, after) => {
                    let [before, after] = [before, after].map(|it| format!("{it:.400?}"));
                    differ.push(format!("{}: {after:.300}, and before {before:.300}", act.tag));
                }
            }
        }
        differ
    }
}
