//! The service, in this process, over real HTTP.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use api::State;
use api::codes::Codes;
use api::cursor::Cursors;
use api::decisions::Decisions;
use api::deliveries::Deliveries;
use api::demo::Issuer;
use api::hosts::Hosts;
use api::jobs::{Checkpoints, Jobs};
use api::keys::{ClientKeys, Keys, StepUp};
use api::metrics::{Metrics, Scrapers};
use api::misses::Misses;
use api::patience::{Limits, Patience, Tls};
use api::rates::Rates;
use api::ready::Ready;
use authorizations::{Decider, Policies};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use kernel::{Clock, ManualClock, Scope};
use registry::{Entry, Principal};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use store::{Actor, Db, Store};

use super::{Database, Kind, NOW, Names, ca};

/// Who issues the tests' tokens.
pub(crate) const ISSUER: &str = "https://issuer.test";

/// How callers reach the tests' service, and who issues the tokens of its system clients.
pub(crate) const PUBLIC_URL: &str = "https://lanyard.test";

/// How long the service waits for its clients, as by default; for as many as a test likes.
pub(crate) const LIMITS: Limits = Limits {
    head: Duration::from_secs(5),
    idle: Duration::from_secs(15),
    body: Duration::from_mins(1),
    body_credit: Duration::from_secs(10),
    write_credit: Duration::from_secs(25),
    linger: Duration::from_secs(5),
    rate: 1000,
    per_address: 10_000,
    connections: 10_000,
};
/// The secret of the tests' service.
const SECRET: &[u8] = b"a secret of the tests, of 32 bytes";

/// What a test may want otherwise.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) decider: Arc<dyn Decider>,
    /// How long it is waited for.
    pub(crate) decision_limit: Duration,
    /// Whether there are maintenance windows.
    pub(crate) maintained: bool,
    /// Where the signed ends of the trail are kept.
    pub(crate) checkpoints: Option<PathBuf>,
    /// Replaces the key that the tests' tokens are signed with.
    pub(crate) jwks_file: Option<PathBuf>,
    /// The OpenID provider of people, in the place of a file.
    pub(crate) provider: Option<String>,
    /// How many connections read, and write.
    pub(crate) pool: u32,
    /// Another way to the same database.
    pub(crate) url: Option<String>,
    /// How often someone may call; as often as they like.
    pub(crate) rates: api::config::Rates,
    /// How long a caller waits to begin, and in all: longer than elsewhere, since a machine that does much else may be slow.
    pub(crate) waits: (Duration, Duration),
    /// Who is believed about addresses.
    pub(crate) proxies: Vec<IpAddr>,
    /// Who may read the metrics.
    pub(crate) scrapers: Scrapers,
    /// How long it waits for its clients, and for how many.
    pub(crate) limits: Limits,
    /// The files of its certificate and of the key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// The networks that webhooks may be in, beside those that are open to everyone.
    pub(crate) allow: Vec<String>,
    /// Whether the keys that clients publish are fetched as outside the demo profile.
    pub(crate) strict_keys: bool,
    /// How names of webhooks are resolved.
    pub(crate) lookup: Arc<dyn outbound::Lookup>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            decider: Arc::new(Policies::shipped()),
            decision_limit: Duration::from_millis(300),
            maintained: false,
            checkpoints: None,
            jwks_file: None,
            provider: None,
            pool: 4,
            url: None,
            rates: api::config::Rates::default(),
            waits: (Duration::from_secs(5), Duration::from_secs(30)),
            proxies: Vec::new(),
            scrapers: Scrapers::default(),
            limits: LIMITS,
            tls: None,
            allow: vec!["127.0.0.1".to_owned()],
            strict_keys: false,
            lookup: Arc::new(Names),
        }
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) base: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) kind: Kind,
    pub(crate) state: Data<State>,
    handle: ServerHandle,
    /// What it does on its own, as the test has it done.
    pub(crate) jobs: Jobs,
    // Last, so that it goes when no one uses it any more.
    pub(crate) database: Arc<Database>,
}

/// An answer, read to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

/// Runs `body` with a service on a database of this kind; not at all where there is none.
pub(crate) fn start<F: Future<Output = ()>>(kind: Kind, body: impl FnOnce(Service) -> F) {
    let Some(database) = Database::new(kind) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let database = Arc::new(database);
    actix_web::rt::System::new().block_on(async {
        let service = Service::on(&database, kind, Options::default());
        let handle = service.handle.clone();
        body(service).await;
        handle.stop(true).await;
    });
}

/// The key of the tests' tokens, made once a process.
pub(crate) fn issuer() -> &'static Issuer {
    static ISSUED: OnceLock<Issuer> = OnceLock::new();
    ISSUED.get_or_init(|| Issuer::make(ISSUER, PUBLIC_URL, &key_folder()).expect("a key"))
}

/// The file of that key.
pub(crate) fn signing_key() -> PathBuf {
    let _ = issuer();
    key_folder().join("signing-key.pem")
}

/// Where the key of the tests' tokens is.
pub(crate) fn key_folder() -> std::path::PathBuf {
    super::run_folder().join(format!("keys-{}", std::process::id()))
}

impl Service {
    pub(crate) fn on(database: &Arc<Database>, kind: Kind, options: Options) -> Self {
        let clock = Arc::new(ManualClock::new(NOW.parse().expect("a time")));
        Self::at(database, kind, options, clock)
    }

    fn at(database: &Arc<Database>, kind: Kind, options: Options, clock: Arc<ManualClock>) -> Self {
        let Options { pool, url, .. } = &options;
        let (patience, limit) = options.waits;
        let settings = store::Options {
            clock: Arc::clone(&clock) as _,
            pool: *pool,
            patience,
            limit,
            ..store::Options::default()
        };
        let store = Store::open(url.as_ref().unwrap_or(&database.url), settings).expect("a store");
        let _ = issuer();
        let tls = options.tls.as_ref().map(|(cert, key)| Tls::open(cert, key).expect("a certificate"));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let deliveries = Deliveries::new(
            outbound::Settings {
                rules: outbound::Rules::new(&options.allow, &[443, 8443]).expect("networks"),
                ca: Some(ca().into_bytes()),
                lookup: options.lookup,
                patience: api::deliveries::PATIENCE,
            },
            SECRET,
            &*clock,
        );
        let checked = options.strict_keys.then(|| ClientKeys::checked(Arc::clone(&deliveries.client)));
        let state = Data::new(State {
            store: store.clone(),
            clock: Arc::clone(&clock) as _,
            keys: match (&options.jwks_file, &options.provider) {
                (Some(file), _) => Keys::of_file(ISSUER, file).expect("keys"),
                (None, Some(provider)) => Keys::of_provider(provider),
                (None, None) => Keys::parse(ISSUER, &issuer().jwks()).expect("keys"),
            },
            rates: Rates::new(&options.rates, &options.proxies, &(Arc::clone(&clock) as _)),
            misses: Misses::new(options.rates.misses, &(Arc::clone(&clock) as _)),
            own: Issuer::open(ISSUER, PUBLIC_URL, &key_folder()).expect("a key").into_own(),
            client_keys: checked.unwrap_or_default(),
            step_up: StepUp { acr: vec!["mfa".to_owned()], age: TimeDelta::minutes(15) },
            hosts: Hosts::new(&["plan.example.".to_owned()]).expect("names"),
            cors_origins: vec!["https://portal.example".to_owned()],
            policies: Arc::new(Policies::shipped()),
            zone: chrono_tz::America::New_York,
            decisions: Decisions::new(options.decider, options.decision_limit, options.maintained),
            checkpoints: Checkpoints::new(options.checkpoints),
            cursors: Cursors::new(SECRET),
            codes: Codes::default(),
            metrics: Metrics::new(options.scrapers.clone(), &database.url, clock.now()),
            patience: Patience::new(options.limits, &options.proxies, tls),
            deliveries,
            ready: Ready::default(),
        });
        let jobs = Jobs::new(Arc::clone(&state));
        let listener = api::patience::listen(([127, 0, 0, 1], 0).into()).expect("a port");
        let base = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let server = api::server::serve(Data::clone(&state), listener, 2, false).expect("a server");
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { base, clock, client, store, kind, state, handle, jobs, database: Arc::clone(database) }
    }

    /// Tells webhooks of everything that is due, until there is nothing left.
    pub(crate) async fn deliver(&self) -> usize {
        let mut all = 0;
        loop {
            match api::deliveries::deliver(&self.state).await.expect("deliveries") {
                0 => return all,
                some => all += some,
            }
        }
    }

    /// One pass of that.
    pub(crate) async fn deliver_once(&self) -> usize {
        api::deliveries::deliver(&self.state).await.expect("deliveries")
    }

    /// Another one on the same database, with the same clock.
    pub(crate) fn twin(&self, options: Options) -> Self {
        Self::at(&self.database, self.kind, options, Arc::clone(&self.clock))
    }

    /// Stops it; its database stays for a twin.
    pub(crate) async fn stop(self) {
        self.handle.stop(true).await;
    }

    /// A caller of the demo, as the plan has them on record.
    pub(crate) async fn principal(&self, who: &str) -> Principal {
        let login = registry::demo::PRINCIPALS.iter().find(|it| it.1 == who).expect("a caller").0;
        let entry = Entry { login: login.to_owned(), emergency: None };
        let found = self.store.enter(move |db, moment| entry.find(db, moment), |_, found| Ok(found));
        found.await.expect("an answer").expect("a caller").0
    }

    /// Has it do all that is due; how many jobs.
    pub(crate) async fn work(&self) -> usize {
        self.jobs.run().await.expect("the jobs")
    }

    /// Waits until the trail has all that was seen and refused.
    pub(crate) fn drain(&self) {
        assert!(aside(|| self.store.drain()));
    }

    /// Whether the trail could be written to its end, in the time that this waits.
    pub(crate) fn tries_to_drain(&self) -> bool {
        aside(|| self.store.drain())
    }

    /// Moves the clock.
    pub(crate) fn set(&self, at: &str) {
        self.clock.set(at.parse::<DateTime<Utc>>().expect("a time"));
    }

    /// A token for a caller of the demo, good for an hour.
    pub(crate) fn token(&self, who: &str) -> String {
        // With every scope, so that only what the plan granted decides.
        let caller = registry::demo::PRINCIPALS.iter().find(|it| it.1 == who).expect("a caller");
        let token =
            issuer().token_of(caller.0, caller.2.kind(), Scope::ALL, self.clock.now(), TimeDelta::hours(1));
        token.expect("a token")
    }

    /// A request without a token.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) fn request(&self, who: &str, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(self.token(who))
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        Answer::of(self.request(who, Method::GET, path)).await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(who, Method::POST, path).json(body)).await
    }

    /// Asks for an authorization as the single-site user.
    pub(crate) async fn submit(&self, body: &Value) -> Answer {
        self.post("single-site", "/v1/authorizations", body).await
    }

    /// What `sql` selects, as text.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            it: String,
        }
        let sql = format!("select cast(it as text) as it from ({sql}) as rows");
        self.look(|db| diesel::sql_query(sql).load::<Row>(db)).into_iter().map(|it| it.it).collect()
    }

    /// What `work` finds by a connection that can't write.
    pub(crate) fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> QueryResult<T> + Send + 'static,
    ) -> T {
        let read = self.store.read(|rx| Ok::<_, store::Error>(work(rx.db())?));
        aside(|| read.wait()).expect("rows")
    }

    /// Changes the database behind the service's back, as its owner.
    pub(crate) fn execute(&self, sql: &str) {
        if self.kind == Kind::Postgres {
            let mut db = PgConnection::establish(&self.database.url).expect("the server");
            return db.batch_execute(sql).expect(sql);
        }
        let sql = sql.to_owned();
        let write =
            self.store.write(&actor(), move |tx| Ok::<_, store::Error>(tx.db()?.batch_execute(&sql)?));
        aside(|| write.wait()).expect("a write");
    }

    /// How many rows each table has that a submission writes to.
    pub(crate) fn counts(&self) -> Vec<String> {
        let tables = ["authorizations", "authorization_lines", "authorization_diagnoses"];
        let ledgers = ["trail", "outbox", "deadlines", "idempotency"];
        // Of the trail what was done, and not what was seen or refused.
        let own = |table: &str| if table == "trail" { " where outcome is null" } else { "" };
        let count =
            |table: &str| self.texts(&format!("select count(*) as it from {table}{}", own(table))).concat();
        tables.iter().chain(&ledgers).map(|it| count(it)).collect()
    }
}

/// Waits on a thread of its own, since one that drives tasks may not.
fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("a thread"))
}

fn actor() -> Actor {
    Actor { id: "test".into(), client: "test".into(), request: "test".into(), of_service: true }
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.expect("text") }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|it| panic!("{it}: {}", self.text))
    }

    /// The body, once the status is as expected.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The slug of a problem with this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        body["type"].as_str().and_then(|it| it.strip_prefix("/problems/")).expect("a slug").to_owned()
    }

    /// The flaws of a body, as `pointer code rule`.
    #[track_caller]
    pub(crate) fn flaws(&self) -> Vec<String> {
        assert_eq!(self.problem(422), "invalid-body", "{}", self.text);
        let body = self.json();
        let flaws = body["errors"].as_array().expect("errors").iter();
        let word = |it: &Value, name: &str| it[name].as_str().unwrap_or("-").to_owned();
        flaws.map(|it| [word(it, "pointer"), word(it, "code"), word(it, "rule")].join(" ")).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|it| it.to_str().ok())
    }
}

/// The body of the main job.
pub(crate) fn example() -> Value {
    let (_, body, _) = api::openapi::EXAMPLES[0];
    serde_json::from_str(body.expect("a request")).expect("an example")
}
