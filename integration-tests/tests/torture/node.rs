//! The service's own binary, as a process that can be killed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use chrono::TimeDelta;
use kernel::{Clock, Scope, SystemClock};

use crate::cli;
use crate::support::{ISSUER, PUBLIC_URL, issuer, root, signing_key};

use super::variable;

/// How nodes are started: on which database, with which settings, under which other program.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) url: String,
    pub(super) variables: Vec<(&'static str, String)>,
    /// A program, with its arguments, that runs the binary.
    pub(super) wrapper: Vec<String>,
    /// Whether it is the build that can be made to die.
    pub(super) armed: bool,
    pub(super) folder: PathBuf,
}

/// A running one.
pub(super) struct Node {
    child: Child,
    pub(super) base: String,
}

impl Setting {
    pub(super) fn new(name: &str, url: &str) -> Self {
        let folder = cli::folder(&format!("torture-{name}"));
        let file = |name: &str, bytes: &[u8]| {
            let file = folder.join(name);
            fs::write(&file, bytes).expect("a file");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
            file.display().to_string()
        };
        let (jwks, secret) = (
            file("jwks.json", issuer().jwks().as_bytes()),
            file("secret", b"bXQ3ZkQy9pL0aVxw7RkTn4uHs2Ge8JcY"),
        );
        let policies = folder.join("policy");
        fs::create_dir_all(&policies).expect("a folder");
        fs::write(policies.join("tested.toml"), always_open()).expect("a policy");
        let variables = vec![
            ("LANYARD_BIND", "127.0.0.1:0".to_owned()),
            ("LANYARD_AUTH__ISSUER", ISSUER.to_owned()),
            ("LANYARD_PUBLIC_URL", PUBLIC_URL.to_owned()),
            ("LANYARD_AUTH__JWKS_FILE", jwks),
            ("LANYARD_AUTH__SIGNING_KEY_FILE", signing_key().display().to_string()),
            ("LANYARD_SECRET_FILE", secret),
            ("LANYARD_DATABASE__POOL", "4".to_owned()),
            ("LANYARD_PLAN__POLICY_FOLDER", policies.display().to_string()),
        ];
        Self { url: url.to_owned(), variables, wrapper: Vec::new(), armed: false, folder }
    }

    /// The same, which dies where `list` says.
    pub(super) fn armed(&self, list: &str) -> Self {
        let mut it = self.clone();
        it.armed = true;
        it.variables.push(("LANYARD_TEST_FAILPOINTS", list.to_owned()));
        it
    }

    /// The command, with what it needs to know.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let binary = binary(self.armed).display().to_string();
        let line = [&self.wrapper[..], &[binary]].concat();
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).args(arguments).env_clear().current_dir(&self.folder);
        command.env("LANYARD_DATABASE__URL", &self.url);
        command.envs(self.variables.iter().map(|it| (it.0, &it.1)));
        command
    }

    /// A node that listens.
    pub(super) fn start(&self) -> Node {
        self.try_start().unwrap_or_else(|log| panic!("it doesn't start: {log}"))
    }

    /// The same; its log, if it ends before it listens.
    pub(super) fn try_start(&self) -> Result<Node, String> {
        let log = self.folder.join("log");
        let errors = File::options().append(true).create(true).open(&log).expect("a log");
        let mut child =
            self.command(&["serve"]).stdout(Stdio::piped()).stderr(errors).spawn().expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        for line in lines.map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on ") {
                let base = rest.split_whitespace().next().expect("an address").to_owned();
                return Ok(Node { child, base });
            }
        }
        let _ = child.wait();
        Err(fs::read_to_string(log).unwrap_or_default())
    }
}

/// The policy that is shipped, under another version and without its maintenance windows: requests are ruled on every day.
fn always_open() -> String {
    let shipped = include_str!("../../../crates/authorizations/policy/2026-11.toml");
    let (before, rest) = shipped.split_once("[maintenance]").expect("a window");
    let (_, after) = rest.split_once("\n\n").expect("its end");
    let text = format!("{before}{after}");
    let text = text.replacen("version = \"2026-11\"", "version = \"2026-11-tested\"", 1);
    text.replacen("in_force_from = \"2026-01-01\"", "in_force_from = \"2026-01-02\"", 1)
}

impl Node {
    /// The process that serves: under a wrapper, its child.
    pub(super) fn id(&self) -> u32 {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        children.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(own)
    }

    pub(super) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Ends it at once, as a power switch would.
    pub(super) fn kill(mut self) {
        self.signal("-KILL");
        let _ = self.child.wait();
    }

    /// How it ended, once it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|it| it.is_none()) {
            self.signal("-KILL");
            let _ = self.child.wait();
        }
    }
}

pub(super) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([name, &process.to_string()]).stderr(Stdio::null()).status();
    // It may have ended by itself.
    let _ = sent.expect("kill");
}

/// A token of someone of the demo's plan, good for the whole test, on the machine's own clock.
pub(super) fn token(who: &str) -> String {
    let caller = registry::demo::PRINCIPALS.iter().find(|it| it.1 == who).expect("a caller");
    let now = SystemClock.now() - TimeDelta::minutes(1);
    issuer().token_of(caller.0, caller.2.kind(), Scope::ALL, now, TimeDelta::hours(12)).expect("a token")
}

/// The binary: that of `LANYARD_TEST_BINARY`, or this build's.
pub(super) fn binary(armed: bool) -> &'static Path {
    static ARMED: OnceLock<PathBuf> = OnceLock::new();
    static NAMED: OnceLock<Option<PathBuf>> = OnceLock::new();
    if let Some(named) = NAMED.get_or_init(|| variable("LANYARD_TEST_BINARY").map(PathBuf::from)) {
        return named;
    }
    if !armed {
        return cli::lanyard();
    }
    ARMED.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--features", "api/failpoints"])
            .args(["--bin", "lanyard-failpoints"])
            .current_dir(root())
            .status();
        assert!(build.expect("cargo").success());
        let tests = std::env::current_exe().expect("this test's own path");
        tests.ancestors().nth(2).expect("the target's folder").join("lanyard-failpoints")
    })
}
