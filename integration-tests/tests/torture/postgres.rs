//! A PostgreSQL server of a test's own, which it may kill.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel::{Connection, PgConnection};

use crate::support::{Kind, fill, run_folder};

use super::ledger::Ledger;
use super::node::signal;
use super::{pause, variable};

/// `nobody`, as whom the server runs where the tests are root, since it refuses to be.
const NOBODY: u32 = 65_534;

/// A server, its files and its port.
pub(super) struct Cluster {
    pub(super) url: String,
    data: PathBuf,
    port: u16,
    server: Option<Child>,
}

/// The folder of PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|it| PathBuf::from(String::from_utf8_lossy(&it.stdout).trim()));
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|it| it.path().join("bin"));
    told.into_iter().chain(debian).find(|it| it.join("initdb").exists() && it.join("postgres").exists())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn own(folder: &Path) {
    if is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).expect("an owner");
    }
}

impl Cluster {
    /// A copy of the demo's plan on a server of its own in `folder`; none where there is no PostgreSQL.
    pub(super) async fn new(folder: &Path) -> Option<Self> {
        variable("LANYARD_TEST_POSTGRES")?;
        let programs = programs()?;
        let template = template(&programs).await;
        let data = folder.join("cluster");
        let copied = Command::new("cp").arg("-a").arg(template).arg(&data).status();
        assert!(copied.expect("cp").success());
        let mut it = Self::at(data);
        it.start();
        it.accepts().await;
        Some(it)
    }

    fn at(data: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        Self { url: format!("postgres://lanyard@127.0.0.1:{port}/lanyard"), data, port, server: None }
    }

    pub(super) fn start(&mut self) {
        let log = File::options().append(true).create(true).open(self.data.with_extension("log"));
        let mut command = as_nobody(&programs().expect("PostgreSQL").join("postgres"));
        command.arg("-D").arg(&self.data).args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=100"]);
        let server = command.stdout(Stdio::null()).stderr(log.expect("a log")).spawn();
        self.server = Some(server.expect("a server"));
    }

    /// Waits until it answers; a server whose last processes are still about is started again.
    pub(super) async fn accepts(&mut self) {
        for _ in 0..1500 {
            let gone = self.server.as_mut().is_none_or(|it| it.try_wait().is_ok_and(|it| it.is_some()));
            if gone {
                self.start();
            }
            let server = format!("postgres://lanyard@127.0.0.1:{}/postgres", self.port);
            // Beside, since the clients run on this thread.
            let found = actix_web::rt::task::spawn_blocking(move || PgConnection::establish(&server).is_ok());
            if found.await.expect("an attempt") {
                return;
            }
            pause(20).await;
        }
        let log = fs::read_to_string(self.data.with_extension("log")).unwrap_or_default();
        panic!("the server doesn't start: {log}");
    }

    /// Ends it by this signal: `-KILL` for a crash of all its processes, `-INT` for a fast stop, `-QUIT` for an immediate one.
    pub(super) async fn stop(&mut self, how: &str) {
        let Some(mut server) = self.end(how) else { return };
        while server.try_wait().is_ok_and(|it| it.is_none()) {
            pause(5).await;
        }
    }

    fn end(&mut self, how: &str) -> Option<Child> {
        let server = self.server.take()?;
        let own = server.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        signal(own, how);
        if how == "-KILL" {
            for child in children.split_whitespace().filter_map(|it| it.parse().ok()) {
                signal(child, how);
            }
        }
        Some(server)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.end("-QUIT") {
            let _ = server.wait();
        }
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// The files of a stopped server with the demo's plan, made by whichever test of the run comes first.
async fn template(programs: &Path) -> PathBuf {
    let run = run_folder();
    let lock = File::create(run.join("cluster.lock")).expect("a lock");
    lock.lock().expect("the lock");
    let (folder, done) = (run.join("cluster-template"), run.join("cluster.done"));
    let data = folder.join("cluster");
    if !done.exists() {
        fs::create_dir_all(&folder).expect("a folder");
        own(&folder);
        let mut init = as_nobody(&programs.join("initdb"));
        init.arg("--pgdata").arg(&data).args([
            "--username=lanyard",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        assert!(init.stdout(Stdio::null()).status().expect("initdb").success());
        let mut cluster = Cluster::at(data.clone());
        cluster.start();
        cluster.accepts().await;
        let server = cluster.url.trim_end_matches("lanyard").to_owned() + "postgres";
        Ledger::new(Kind::Postgres, &server).execute("create database lanyard");
        let url = cluster.url.clone();
        std::thread::spawn(move || fill(&url)).join().expect("the demo's plan");
        cluster.stop("-INT").await;
        // Its files stay.
        std::mem::forget(cluster);
        File::create(done).expect("a mark");
    }
    data
}
