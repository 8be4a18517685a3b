//! JWK sets that others publish: fetched, kept, and fetched again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::time::timeout;

use super::guarded;
use super::set::{Key, Set, Signs};
use crate::hosts::Host;

/// How old a set may be before it is fetched again, so that a key that was taken out isn't in force for longer.
const AGE: TimeDelta = TimeDelta::minutes(5);

/// How soon it is fetched again for a key that isn't in it, or if it couldn't be had: no one makes us ask all the time.
const PAUSE: TimeDelta = TimeDelta::seconds(10);

/// The longest answer that is read, and how long all of it may take.
const LONGEST: usize = 64 * 1024;
const SLOWEST: Duration = Duration::from_secs(5);

/// Where a set is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Where the document of this OpenID provider says.
    Provider(String),
    /// At this address.
    Url(String),
}

/// A JWK set that someone else publishes. One that can't be had leaves the keys of before in force.
pub(super) struct Remote {
    place: Place,
    signs: Signs,
    held: RwLock<Held>,
    /// Whoever has it fetches; the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
    client: OnceLock<Client>,
    /// Fetches instead, where someone else named the address.
    checked: Option<Arc<outbound::Client>>,
}

#[derive(Default)]
struct Held {
    set: Arc<Set>,
    tried: Option<DateTime<Utc>>,
    failed: bool,
}

/// What is read of an OpenID provider's document.
#[derive(Deserialize)]
struct Provider {
    issuer: String,
    jwks_uri: String,
}

impl Remote {
    fn new(place: Place, signs: Signs) -> Self {
        Self {
            place,
            signs,
            held: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            client: OnceLock::new(),
            checked: None,
        }
    }

    /// The keys of the OpenID provider `issuer`, by which its access tokens are verified.
    pub(super) fn of_provider(issuer: &str) -> Self {
        Self::new(Place::Provider(issuer.to_owned()), Signs::Tokens)
    }

    /// The keys as they were last published, in force until others are.
    pub(super) fn held(&self) -> Arc<Set> {
        Arc::clone(&guarded(self.held.read()).set)
    }

    /// The key that `kid` names. One that is known is answered at once, while an old set is fetched again beside.
    pub(super) async fn key(self: &Arc<Self>, kid: &str, now: DateTime<Utc>) -> Option<Arc<Key>> {
        if let Some(key) = self.held().key(kid) {
            if self.is_due(now, AGE) {
                let it = Arc::clone(self);
                actix_web::rt::spawn(async move { it.refresh(now).await });
            }
            return Some(key);
        }
        self.fetch_after(now, PAUSE).await;
        self.held().key(kid)
    }

    /// The key that `kid` names, in a set that isn't old, however long that takes.
    async fn fresh_key(&self, kid: &str, now: DateTime<Utc>) -> Option<Arc<Key>> {
        self.fetch_after(now, AGE).await;
        if self.held().key(kid).is_none() {
            self.fetch_after(now, PAUSE).await;
        }
        self.held().key(kid)
    }

    /// Fetches an old set again, unless someone does so already.
    pub(super) async fn refresh(&self, now: DateTime<Utc>) {
        if let Ok(_turn) = self.turn.try_lock()
            && self.is_due(now, AGE)
        {
            self.fetch(now).await;
        }
    }

    async fn fetch_after(&self, now: DateTime<Utc>, age: TimeDelta) {
        if self.is_due(now, age) {
            let _turn = self.turn.lock().await;
            // Whoever was first may have fetched it meanwhile.
            if self.is_due(now, age) {
                self.fetch(now).await;
            }
        }
    }

    fn is_due(&self, now: DateTime<Utc>, age: TimeDelta) -> bool {
        let held = guarded(self.held.read());
        let age = if held.failed { PAUSE } else { age };
        held.tried.is_none_or(|it| now - it >= age)
    }

    async fn fetch(&self, now: DateTime<Utc>) {
        let found = self.published().await.and_then(|it| Set::parse(self.signs, &it));
        let mut held = guarded(self.held.write());
        (held.tried, held.failed) = (Some(now), found.is_err());
        match found {
            Ok(set) => held.set = Arc::new(set),
            Err(why) => ::log::error!(
                target: "lanyard::fault", cause = why, place:? = self.place; "keys can't be had, and those of before stay"
            ),
        }
    }

    async fn published(&self) -> Result<String, String> {
        let issuer = match &self.place {
            Place::Url(url) => return self.get(url).await,
            Place::Provider(issuer) => issuer,
        };
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let text = self.get(&format!("{base}/.well-known/openid-configuration")).await?;
        let provider: Provider = serde_json::from_str(&text)
            .map_err(|it| format!("the provider's document can't be read: {it}"))?;
        if provider.issuer != *issuer {
            return Err("the provider's document is of another issuer".to_owned());
        }
        self.get(&provider.jwks_uri).await
    }

    /// What is at `url`, if it is short and comes soon, from there and nowhere else.
    async fn get(&self, url: &str) -> Result<String, String> {
        if let Some(client) = &self.checked {
            return get_checked(client, url).await;
        }
        let url = address(url)?;
        let wrong = |it: reqwest::Error| format!("{:?}", it.without_url());
        let mut answer = self.client()?.get(url).send().await.map_err(wrong)?;
        if !answer.status().is_success() {
            return Err(format!("the answer is {}", answer.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(wrong)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST {
                return Err("the answer is longer than 64 kB".to_owned());
            }
        }
        String::from_utf8(bytes).map_err(|it| it.to_string())
    }

    /// Made when it is needed, since it reads the machine's certificates.
    fn client(&self) -> Result<&Client, String> {
        if let Some(it) = self.client.get() {
            return Ok(it);
        }
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(SLOWEST);
        // A kept connection would belong to the thread that made it.
        let client = client.pool_max_idle_per_host(0).build().map_err(|it| it.to_string())?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// What is at `url`, if that is an address that everyone can reach.
async fn get_checked(client: &outbound::Client, url: &str) -> Result<String, String> {
    let from = client.target(url).map_err(|it| format!("the address is none to fetch from: {it:?}"))?;
    let answer = timeout(SLOWEST, client.get(&from)).await.map_err(|it| it.to_string())?;
    let answer = answer.map_err(|it| format!("there is no answer: {it:?}"))?;
    match answer.status {
        200..=299 if answer.whole => String::from_utf8(answer.body).map_err(|it| it.to_string()),
        200..=299 => Err("the answer is longer than 64 kB, or too slow".to_owned()),
        status => Err(format!("the answer is {status}")),
    }
}

/// The address `url`, if keys may be fetched from there: by https, or from this machine itself.
///
/// # Errors
/// Why they may not.
pub fn address(url: &str) -> Result<Url, String> {
    let it = Url::parse(url).map_err(|it| it.to_string())?;
    let local = it.host_str().and_then(Host::parse).is_some_and(|it| it.is_loopback());
    let plain = it.username().is_empty() && it.password().is_none() && it.fragment().is_none();
    match it.scheme() {
        _ if !plain => Err("the address has a user or a fragment".to_owned()),
        "https" => Ok(it),
        "http" if local => Ok(it),
        _ => Err("the address isn't of https".to_owned()),
    }
}

/// The sets of the system clients that publish their keys, by address.
#[derive(Default)]
pub struct ClientKeys {
    known: Mutex<HashMap<String, Arc<Remote>>>,
    checked: Option<Arc<outbound::Client>>,
}

impl ClientKeys {
    /// Those that are fetched with `client`, only from where everyone can reach; by default from this machine, too.
    #[must_use]
    pub fn checked(client: Arc<outbound::Client>) -> Self {
        Self { known: Mutex::default(), checked: Some(client) }
    }

    /// Nothing, if keys may be fetched from `url`, as far as that can be said before its name is resolved.
    ///
    /// # Errors
    /// What it must be instead.
    pub(crate) fn takes(&self, url: &str) -> Result<(), &'static str> {
        match &self.checked {
            Some(client) => client.target(url).map(drop).map_err(outbound::Wrong::words),
            None => {
                address(url).map(drop).map_err(|_| "Must be an address of https, without user and fragment.")
            }
        }
    }

    /// The key that `kid` names in the set at `url`.
    pub(super) async fn key(&self, url: &str, kid: &str, now: DateTime<Utc>) -> Option<Arc<Key>> {
        let place = || {
            let it = Remote::new(Place::Url(url.to_owned()), Signs::Assertions);
            Arc::new(Remote { checked: self.checked.clone(), ..it })
        };
        let remote = Arc::clone(guarded(self.known.lock()).entry(url.to_owned()).or_insert_with(place));
        remote.fresh_key(kid, now).await
    }
}
