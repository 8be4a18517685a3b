//! `lanyard doctor`: what is well, what isn't, and what to do.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, SystemClock};
use store::{Finding, Lag, Level, Store};

use super::{open, say};
use crate::config::{self, Settings};
use crate::keys::Keys;
use crate::secrets::others_may_read;
use crate::{host, policies};

/// Looks at everything, and fails where the service can't do what it promises.
pub(super) fn run(settings: &Settings, json: bool) -> Result<(), String> {
    let mut all = vec![sound(settings)];
    all.extend(secrets(settings));
    all.extend(of_database(settings));
    all.extend([policy(settings), keys(settings), proxy(settings)]);
    all.extend(machine(settings));
    told(&all, json)
}

/// Looks at the database alone.
pub(super) fn database(settings: &Settings) -> Result<(), String> {
    told(&of_database(settings), false)
}

fn told(all: &[Finding], json: bool) -> Result<(), String> {
    if json {
        say(&serde_json::to_string_pretty(all).map_err(|it| it.to_string())?);
    } else {
        for it in all {
            say(&line(it));
        }
    }
    let failed: Vec<_> = all.iter().filter(|it| it.level == Level::Fail).map(|it| it.check).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("doctor: {}", failed.join(", "))) }
}

fn line(it: &Finding) -> String {
    let level = match it.level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    let advice = if it.advice.is_empty() { String::new() } else { format!(" -- {}", it.advice) };
    // A library's words may have several lines.
    let found = it.found.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{level:<4}  {:<18}  {found}{advice}", it.check)
}

fn sound(settings: &Settings) -> Finding {
    match settings.check() {
        Ok(()) => Finding::ok("settings", "sound"),
        Err(why) => {
            Finding::ok("settings", why).unless(false, Level::Fail, "the service refuses to start with them")
        }
    }
}

/// What lets someone in is in files that only their owner reads, and so is what is known of members.
fn secrets(settings: &Settings) -> Vec<Finding> {
    let named = |check: &'static str, read: Option<Result<Vec<u8>, String>>| {
        read.map(|it| match it {
            Ok(_) => Finding::ok(check, "no one else's to read"),
            Err(why) => Finding::ok(check, why).unless(
                false,
                Level::Fail,
                "make it anew, and have only its owner read it",
            ),
        })
    };
    let secret = settings.secret_file.as_deref().map(config::secret);
    let signing = settings.auth.signing_key_file.as_deref().map(config::private);
    let mut all: Vec<_> =
        [named("secret_file", secret), named("signing_key_file", signing)].into_iter().flatten().collect();
    if let Some(file) =
        settings.database.url.0.strip_prefix("sqlite:").map(Path::new).filter(|it| it.exists())
    {
        let shown = others_may_read(file).unwrap_or(true);
        let it =
            Finding::ok("database file", if shown { "others may read it" } else { "no one else's to read" });
        all.push(it.unless(!shown, Level::Warn, "chmod 600 it, and run the service with umask 077"));
    }
    all
}

fn of_database(settings: &Settings) -> Vec<Finding> {
    let mut all = store::examine(&settings.database.url.0, &SystemClock);
    // Whoever opens a SQLite file as the service does changes how it is kept.
    let needed: &[_] = if settings.database.url.0.starts_with("sqlite:") {
        &["database", "schema", "durability"]
    } else {
        &["database", "schema"]
    };
    let usable = all.iter().all(|it| it.level < Level::Fail || !needed.contains(&it.check));
    if usable {
        match open(settings, 1).and_then(|store| content(&store)) {
            Ok(found) => all.extend(found),
            Err(why) => {
                all.push(Finding::ok("content", why).unless(
                    false,
                    Level::Fail,
                    "see what the database says",
                ));
            }
        }
    }
    all
}

fn content(store: &Store) -> Result<Vec<Finding>, String> {
    let codes = store.read(registry::has_diagnosis_codes).wait().map_err(|it| format!("{it:?}"))?;
    let backlog = store.lag().wait().map_err(store::Error::words)?;
    let found =
        Finding::ok("code sets", if codes { "diagnosis codes are loaded" } else { "no diagnosis codes" });
    let mut all = vec![found.unless(codes, Level::Fail, "run `lanyard migrate`, or `lanyard load icd10`")];
    all.extend(backlogs(&backlog, SystemClock.now()));
    Ok(all)
}

fn backlogs(it: &Lag, now: DateTime<Utc>) -> [Finding; 3] {
    let age = |at: Option<DateTime<Utc>>| at.map(|at| now - at);
    let hours = |it: TimeDelta| format!("{}.{} h", it.num_hours(), it.num_minutes() % 60 / 6);
    let (event, backup) = (age(it.oldest_unsent), age(it.last_backup));
    let unsent = event.map_or_else(
        || "none unsent".to_owned(),
        |age| format!("{} unsent, the oldest for {}", it.unsent, hours(age)),
    );
    let saved =
        backup.map_or_else(|| "there is none".to_owned(), |age| format!("the last one {} ago", hours(age)));
    [
        Finding::ok("deadlines", format!("{} overdue", it.overdue)).unless(
            it.overdue == 0,
            Level::Warn,
            "see docs/runbook.md, deadline overdue",
        ),
        Finding::ok("events", unsent).unless(
            event.is_none_or(|it| it < TimeDelta::hours(1)),
            Level::Warn,
            "see docs/runbook.md, deliveries failing",
        ),
        Finding::ok("backup", saved).unless(
            backup.is_some_and(|it| it < TimeDelta::hours(26)),
            Level::Warn,
            "run `lanyard backup FOLDER` every day",
        ),
    ]
}

fn policy(settings: &Settings) -> Finding {
    match policies::load(settings.plan.policy_folder.as_deref()) {
        Ok(_) => Finding::ok("policies", "all of them can be read"),
        Err(why) => Finding::ok("policies", why).unless(
            false,
            Level::Fail,
            "mend the file; `lanyard policy check FILE` looks at one",
        ),
    }
}

fn keys(settings: &Settings) -> Finding {
    let issuer = &settings.auth.issuer;
    if settings.demo {
        return Finding::ok("keys of people", "the demo profile makes its own");
    }
    let keys = match &settings.auth.jwks_file {
        Some(file) => Keys::of_file(issuer, file),
        None => Ok(Keys::of_provider(issuer)),
    };
    let read = keys.map(|keys| {
        actix_web::rt::System::new().block_on(keys.refresh(SystemClock.now()));
        keys.jwks().matches("\"kid\"").count()
    });
    let (good, found) = match read {
        Ok(0) => (false, format!("none can be had from {issuer}")),
        Ok(count) => (true, format!("{count} of {issuer}")),
        Err(why) => (false, why),
    };
    let advice = "see that this machine reaches auth.issuer's /.well-known/openid-configuration; until then no one's token is good";
    Finding::ok("keys of people", found).unless(good, Level::Fail, advice)
}

/// A proxy on this machine that isn't named looks like this machine itself.
fn proxy(settings: &Settings) -> Finding {
    let url = settings.public_url();
    let hidden =
        settings.bind.ip().is_loopback() && settings.trusted_proxies.is_empty() && url.starts_with("https:");
    let it = Finding::ok("proxies", format!("{} named", settings.trusted_proxies.len()));
    it.unless(
        !hidden,
        Level::Warn,
        "name the one that ends TLS in trusted_proxies: else its callers share one rate, and read /metrics",
    )
}

fn machine(settings: &Settings) -> Vec<Finding> {
    let folder = store::folder(&settings.database.url.0);
    let free = folder.and_then(|it| host::free_bytes(&it)).map(room);
    free.into_iter().chain(host::most_descriptors().map(files)).collect()
}

fn room(free: i64) -> Finding {
    let mebibytes = free >> 20;
    let advice = "make room: when the disk is full, every write gets 503 `storage-full`";
    let it = Finding::ok("disk", format!("{mebibytes} MiB free"));
    it.unless(mebibytes >= 2048, Level::Warn, advice).unless(mebibytes >= 256, Level::Fail, advice)
}

fn files(most: i64) -> Finding {
    let advice = "raise it (`ulimit -n`, `LimitNOFILE=`) to 4096 or more: each connection takes one";
    let it = Finding::ok("open files", format!("at most {most}"));
    it.unless(most >= 4096, Level::Warn, advice).unless(most >= 512, Level::Fail, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fills_is_told_before_it_is_full() {
        let level = |mebibytes: i64| room(mebibytes << 20).level;
        assert_eq!([level(4096), level(2047), level(255)], [Level::Ok, Level::Warn, Level::Fail]);
        let level = |most: i64| files(most).level;
        assert_eq!([level(4096), level(1024), level(256)], [Level::Ok, Level::Warn, Level::Fail]);
    }
}
