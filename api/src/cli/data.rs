//! What the database is filled with, and asked, from the command line.

use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use access::Login;
use kernel::{At, Clock, Flaws, Json, OneLine, Read, SystemClock};
use registry::Release;
use store::{Store, Tx};

use super::{open, options, say};
use crate::config::Settings;
use crate::demo::Loaded;
use crate::verify::verify;
use crate::{State, demo, policies};

pub(super) fn migrate(settings: &Settings) -> Result<(), String> {
    if settings.demo {
        fs::create_dir_all(&settings.demo_folder).map_err(|it| format!("demo_folder: {it}"))?;
    }
    let url = &settings.database.url.0;
    let count = store::migrate(url).map_err(|it| format!("{it:?}"))?;
    say(&format!("{count} migrations run"));
    let store = open(settings, 1)?;
    let codes = load_codes(&store).map_err(|it| format!("{it:?}"))?;
    say(&format!("{codes} diagnosis codes loaded (ICD-10-CM, April 2026)"));
    Ok(())
}

/// Makes up a plan, and tells how far it is on standard error: in one line for a person, in ten for a file.
pub(super) fn make_up(settings: &Settings, members: u32) -> Result<(), String> {
    let start = SystemClock.now();
    migrate(settings)?;
    let store = open(settings, 1)?;
    let (terminal, mut tenth) = (std::io::stderr().is_terminal(), 0);
    let progress = |done: u32| {
        let now = u64::from(done) * 10 / u64::from(members);
        if terminal {
            eprint!("\r{done} of {members} members{}", if done == members { "\n" } else { "" });
        } else if now > tenth {
            eprintln!("{done} of {members} members");
        }
        tenth = now;
    };
    let loaded = demo::load(&store, members, progress).map_err(|it| format!("{it:?}"))?;
    if loaded == Loaded::Refused {
        return Err("demo: the database holds another plan; nothing was added to it".to_owned());
    }
    ask(settings)?;
    let time = (SystemClock.now() - start).as_seconds_f64();
    match loaded {
        Loaded::Refused => {}
        Loaded::Unchanged(plan) => say(&format!("nothing to add: {plan}")),
        Loaded::Grown(plan) => say(&format!("a made-up plan: {plan}; in {time:.1} s")),
    }
    Ok(())
}

/// Has the made-up plan's requests asked for, as far as they weren't.
pub(super) fn ask(settings: &Settings) -> Result<(), String> {
    let policies = Arc::new(policies::load(settings.plan.policy_folder.as_deref())?);
    let made =
        demo::ask(&settings.database.url.0, &options(settings), &policies).map_err(|it| format!("{it:?}"))?;
    say(&format!("{made} authorizations of the past two months, in every status"));
    Ok(())
}

/// Loads the release that is shipped into a database that has none; how many codes.
///
/// # Errors
/// If the database can't answer.
pub fn load_codes(store: &Store) -> Result<usize, registry::Error> {
    if store.read(registry::has_diagnosis_codes).wait()? {
        return Ok(0);
    }
    let release = Release::shipped()?;
    store.write(&State::system("migrate"), |tx| registry::load_first_release(tx, release)).wait()
}

/// Makes an administrator of the plan, as long as there aren't two who could.
pub(super) fn add_administrator(store: &Store, login: &str, name: &str) -> Result<(), String> {
    let mut flaws = Flaws::default();
    let login = Login::read(&Json::Text(login.into()), At::Member(&At::Root, "login"), &mut flaws);
    let name = OneLine::read(&Json::Text(name.into()), At::Member(&At::Root, "name"), &mut flaws);
    let (Some(login), Some(name)) = (login, name) else {
        let wrong: Vec<_> = flaws.iter().map(|it| format!("--{}: {}", &it.pointer[1..], it.detail)).collect();
        return Err(wrong.join(" "));
    };
    let add = move |tx: &mut Tx<'_>| access::add_administrator(tx, &login, &name);
    match store.write(&State::system("admin"), add).wait() {
        Ok(Some(user)) => say(&format!("{} is an administrator of the plan", user.id)),
        Ok(None) => return Err("admin: the plan has two administrators; ask one of them".to_owned()),
        Err(it @ access::Error::UserExists) => return Err(format!("admin: {it}")),
        Err(it) => return Err(format!("admin: {it:?}")),
    }
    Ok(())
}

/// Fails at the first entry of the trail that isn't as it was sealed.
pub(super) fn verify_trail(settings: &Settings, more: &[PathBuf]) -> Result<(), String> {
    let own = super::serve::own(settings)?;
    let of_node = settings.checkpoints().filter(|it| it.exists());
    let files: Vec<_> = of_node.into_iter().chain(more.iter().cloned()).collect();
    let it = verify(&open(settings, 1)?, &own, &files).map_err(|it| format!("trail: {it}"))?;
    say(&format!(
        "{} entries are as they were sealed, {} wait to be; {} checkpoints agree",
        it.sealed, it.loose, it.checkpoints
    ));
    Ok(())
}

/// Fails where a decision can't be made again; that another file decides otherwise is no failure.
pub(super) fn replay(settings: &Settings, with: Option<&PathBuf>) -> Result<(), String> {
    let policies = policies::load(settings.plan.policy_folder.as_deref())?;
    let it = policies::replay(&open(settings, 1)?, &policies, with, say)?;
    let what = if with.is_some() { "would change" } else { "do not come out the same" };
    say(&format!("{} decisions of policies, of which {} {what}", it.decisions, it.differ));
    if with.is_none() && it.differ > 0 {
        Err("replay: not every decision can be made again".to_owned())
    } else {
        Ok(())
    }
}
