//! `lanyard serve`, and the tokens that go with it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use chrono::TimeDelta;
use futures_util::future::join;
use kernel::{Clock, SystemClock};

use super::data::{ask, migrate};
use super::{open, say};
use crate::codes::Codes;
use crate::config::{self, Settings, Webhooks};
use crate::cursor::Cursors;
use crate::decisions::Decisions;
use crate::deliveries::Deliveries;
use crate::demo::Loaded;
use crate::hosts::Hosts;
use crate::jobs::{Checkpoints, Jobs};
use crate::keys::{ClientKeys, Keys, Own, StepUp};
use crate::metrics::{Metrics, Scrapers};
use crate::misses::Misses;
use crate::patience::{Patience, Tls};
use crate::rates::Rates;
use crate::ready::Ready;
use crate::{State, deliveries, demo, log, patience, policies, server};

pub(super) fn serve(settings: &Settings) -> Result<(), String> {
    settings.check()?;
    let tls = match (&settings.tls.cert, &settings.tls.key) {
        (Some(cert), Some(key)) => Some(Tls::open(cert, key)?),
        _ => None,
    };
    log::start(&settings.log, SystemClock);
    let listener = patience::listen(settings.bind).map_err(|it| format!("bind: {}: {it}", settings.bind))?;
    if settings.demo {
        migrate(settings)?;
    }
    let state = state(settings, tls)?;
    if settings.demo {
        match demo::load(&state.store, demo::MEMBERS, |_| ()).map_err(|it| format!("{it:?}"))? {
            Loaded::Refused => say("the database holds another plan, which is served as it is"),
            Loaded::Unchanged(plan) | Loaded::Grown(plan) => {
                say(&format!("a made-up plan: {plan}"));
                ask(settings)?;
            }
        }
    }
    let address = listener.local_addr().map_err(|it| it.to_string())?;
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    actix_web::rt::System::new().block_on(async {
        let state = Data::new(state);
        let server =
            server::serve(Data::clone(&state), listener, workers, true).map_err(|it| it.to_string())?;
        let state = state.into_inner();
        actix_web::rt::spawn(Arc::clone(&state).tend());
        let jobs = Arc::new(Jobs::new(Arc::clone(&state)));
        let own = Arc::clone(&jobs);
        let work = actix_web::rt::spawn(async move { own.work().await });
        let sending = actix_web::rt::spawn(deliveries::run(Arc::clone(&state)));
        actix_web::rt::spawn(Arc::clone(&state).warm());
        let scheme = settings.scheme();
        say(&format!("listening on {scheme}://{address}  (docs: {scheme}://{address}/docs)"));
        if settings.demo {
            say(&welcome(settings, &address.to_string())?);
        }
        let ended = server.await.map_err(|it| it.to_string());
        work.abort();
        sending.abort();
        join(jobs.release(), deliveries::stop(&state)).await;
        ended
    })
}

fn state(settings: &Settings, tls: Option<Tls>) -> Result<State, String> {
    let (issuer, url) = (&settings.auth.issuer, settings.public_url());
    let (keys, secret) = if settings.demo {
        let made = demo::Issuer::make(issuer, &url, &settings.demo_folder)?;
        (Keys::parse(issuer, &made.jwks())?, demo::secret(&settings.demo_folder)?)
    } else {
        let secret = settings.secret_file.as_ref().ok_or("secret_file must be set")?;
        let keys = match &settings.auth.jwks_file {
            Some(file) => Keys::of_file(issuer, file).map_err(|it| format!("auth.jwks_file: {it}"))?,
            None => Keys::of_provider(issuer),
        };
        (keys, config::secret(secret).map_err(|it| format!("secret_file: {it}"))?)
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deliveries = deliveries(settings, &secret)?;
    // In a demo, what clients publish may be on this machine.
    let checked = (!settings.demo).then(|| ClientKeys::checked(Arc::clone(&deliveries.client)));
    let policies = Arc::new(policies::load(settings.plan.policy_folder.as_deref())?);
    let own = own(settings)?;
    Ok(State {
        store: open(settings, settings.pool())?,
        rates: Rates::new(&settings.rates, &settings.trusted_proxies, &clock),
        misses: Misses::new(settings.rates.misses, &clock),
        clock,
        keys,
        own,
        decisions: Decisions::new(
            Arc::clone(&policies) as _,
            Duration::from_millis(settings.plan.decision_limit_ms.into()),
            !settings.demo,
        ),
        checkpoints: Checkpoints::new(settings.checkpoints()),
        client_keys: checked.unwrap_or_default(),
        policies,
        step_up: StepUp {
            acr: settings.auth.step_up_acr.clone(),
            age: TimeDelta::minutes(settings.auth.step_up_minutes.into()),
        },
        hosts: Hosts::new(&settings.hosts)?,
        cors_origins: settings.cors_origins.clone(),
        zone: settings.plan.zone,
        cursors: Cursors::new(&secret),
        codes: Codes::default(),
        metrics: metrics(settings),
        patience: Patience::new((&settings.limits).into(), &settings.trusted_proxies, tls),
        deliveries,
        ready: Ready::default(),
    })
}

fn metrics(settings: &Settings) -> Metrics {
    let (allow, proxies) = (settings.metrics.allow.clone(), settings.trusted_proxies.clone());
    Metrics::new(Scrapers { allow, proxies }, &settings.database.url.0, SystemClock.now())
}

/// The keys of the service itself.
pub(super) fn own(settings: &Settings) -> Result<Own, String> {
    let url = settings.public_url();
    if settings.demo {
        return Ok(demo::Issuer::open(&settings.auth.issuer, &url, &settings.demo_folder)?.into_own());
    }
    let file = settings.auth.signing_key_file.as_ref().ok_or("auth.signing_key_file must be set")?;
    Own::of_file(&url, file).map_err(|it| format!("auth.signing_key_file: {it}"))
}

/// How events are sent to webhooks.
fn deliveries(settings: &Settings, secret: &[u8]) -> Result<Deliveries, String> {
    let Webhooks { allow, ports, ca_file } = &settings.webhooks;
    let read =
        |it: &PathBuf| fs::read(it).map_err(|why| format!("webhooks.ca_file: {}: {why}", it.display()));
    let made = outbound::Settings {
        rules: outbound::Rules::new(allow, ports).map_err(|it| format!("webhooks.allow: {it}"))?,
        ca: ca_file.as_ref().map(read).transpose()?,
        lookup: Arc::new(outbound::SystemLookup),
        patience: deliveries::PATIENCE,
    };
    let made = Deliveries::new(made, secret, &SystemClock);
    made.client.check().map_err(|it| format!("webhooks.ca_file: {it}"))?;
    Ok(made)
}

/// A request to paste into a shell.
fn welcome(settings: &Settings, address: &str) -> Result<String, String> {
    let token = token(settings, "single-site", 12)?;
    let start = (SystemClock.now() + TimeDelta::days(7)).with_timezone(&settings.plan.zone).date_naive();
    let end = start + TimeDelta::days(59);
    let example = include_str!("../examples/create_authorization.request.json");
    let body = example.replace("2026-12-01", &start.to_string()).replace("2027-01-29", &end.to_string());
    let body: serde_json::Value = serde_json::from_str(&body).map_err(|it| it.to_string())?;
    Ok(format!(
        "\nAsk for an authorization (paste it twice: the second one is received, too, and pended as a possible duplicate):\n\n\
         curl -i {}://{address}/v1/authorizations -H 'Content-Type: application/json' \\\n  \
         -H 'Authorization: Bearer {token}' \\\n  -d '{}'\n\n\
         Tokens for others, from this folder: {} --demo token --as {}\n",
        settings.scheme(),
        body,
        config::program(),
        registry::demo::PRINCIPALS.map(|it| it.1).join("|")
    ))
}

pub(super) fn token(settings: &Settings, name: &str, hours: u16) -> Result<String, String> {
    if !settings.demo {
        return Err(
            "token: only the demo profile makes tokens; elsewhere they come from the issuer".to_owned()
        );
    }
    let issuer = demo::Issuer::open(&settings.auth.issuer, &settings.public_url(), &settings.demo_folder)?;
    issuer.token(name, SystemClock.now(), TimeDelta::hours(hours.into()))
}
