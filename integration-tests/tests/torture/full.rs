//! C-13: the folder of the database is full, and then it isn't.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::audit::{audit, finds_what_is_wrong};
use super::ledger::Ledger;
use super::load::Load;
use super::node::Setting;
use super::outcome::{Act, Outcome};
use super::postgres::Cluster;
use super::{drive, form, pause, report, variable};
use crate::cli;
use crate::support::{Database, Kind};

/// A small file system of its own, which goes away with it.
struct Small(PathBuf);

impl Small {
    /// None where this may not mount one.
    fn new(name: &str, megabytes: u32) -> Option<Self> {
        let folder = cli::folder(&format!("torture-{name}"));
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=777"), "tmpfs"])
            .arg(&folder)
            .output();
        if mounted.is_ok_and(|it| it.status.success()) {
            return Some(Self(folder));
        }
        assert!(variable("REQUIRE_MOUNT").is_none(), "REQUIRE_MOUNT is set, and nothing can be mounted");
        eprintln!("left out: this may not mount a file system");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

/// Takes all the room that is left.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = File::create(&path).expect("a file");
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

#[test]
fn torture_c_13_a_full_folder_is_told_and_survived_on_sqlite() {
    drive(async {
        let Some(small) = Small::new("c-13-sqlite", 160) else { return };
        let database = Database::new(Kind::Sqlite).expect("a database");
        let file = small.0.join("lanyard.db");
        fs::copy(database.url.trim_start_matches("sqlite:"), &file).expect("a copy");
        fills(Kind::Sqlite, &small, &format!("sqlite:{}", file.display())).await;
    });
}

#[test]
fn torture_c_13_a_full_folder_is_told_and_survived_on_postgres() {
    drive(async {
        let Some(small) = Small::new("c-13-postgres", 400) else { return };
        let Some(cluster) = Cluster::new(&small.0).await else {
            return eprintln!("left out: there is no PostgreSQL");
        };
        fills(Kind::Postgres, &small, &cluster.url).await;
    });
}

fn refused(acts: &[Act], what: &str) -> usize {
    acts.iter().filter(|it| matches!(&it.outcome, Outcome::Refused { slug, .. } if slug == what)).count()
}

async fn fills(kind: Kind, small: &Small, url: &str) {
    let (ledger, setting) = (Ledger::new(kind, url), Setting::new(&format!("c-13-{kind:?}"), url));
    let node = setting.start();
    let load = Load::new(&ledger, &[&node.base]);
    load.reading(50);
    let (rounds, mut full, mut back, mut reads) = (form(10, 1), 0, Duration::ZERO, 0);
    for _ in 0..rounds {
        load.during(8, async {
            pause(400).await;
            let lost = load
                .acts()
                .iter()
                .filter(|it| matches!(it.outcome, Outcome::Refused { status: 500.., .. }))
                .count();
            let filler = fill(&small.0);
            let (from, began) = (load.acts().len(), Instant::now());
            while refused(&load.acts()[from..], "storage-full") < 5
                && began.elapsed() < Duration::from_secs(20)
            {
                pause(20).await;
            }
            let read = load.reads().len();
            pause(1500).await;
            reads += load.reads().len() - read;
            let acts = load.acts().split_off(from);
            full += refused(&acts, "storage-full");
            for act in &acts {
                let right = match &act.outcome {
                    Outcome::Done { .. } => true,
                    Outcome::Refused { status, retry_after, .. } => {
                        *status < 500 || (*status == 503 && *retry_after)
                    }
                    Outcome::Unknown(why) => why == "outcome-unknown",
                };
                assert!(right, "{:?}", act.outcome);
            }
            fs::remove_file(filler).expect("room");
            let (freed, done) = (Instant::now(), || load.acts().iter().filter(|it| it.is_done()).count());
            let before = done();
            while done() < before + 8 && freed.elapsed() < Duration::from_secs(30) {
                pause(20).await;
            }
            back = back.max(freed.elapsed());
            // The control: before it was full, and after, no one was refused.
            let later = load.acts().len();
            pause(400).await;
            assert_eq!((lost, refused(&load.acts()[later..], "storage-full")), (lost, 0));
        })
        .await;
    }
    assert!(full >= rounds * 5, "it was told {full} times that the storage is full");
    assert!(reads > 0, "reads go on");
    assert!(back < Duration::from_secs(10), "it took {back:?} to recover");
    assert_eq!(load.retry(0).await, Vec::<String>::new());
    assert_eq!(audit(&ledger, &load), Vec::<String>::new());
    finds_what_is_wrong(&ledger, &load);
    let measured = format!(
        "{rounds} times full: {full} refused as storage-full, {reads} reads meanwhile, back within {} ms",
        back.as_millis()
    );
    report("C-13", kind, "503 storage-full, reads go on, recovers by itself", &measured);
}
