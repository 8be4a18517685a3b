//! The command, as its users run it: in an empty folder, with an empty environment.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{Database, Kind, root, run_folder};

/// The built command.
pub(crate) fn lanyard() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bin", "lanyard"])
            .current_dir(root())
            .status();
        assert!(build.expect("cargo").success());
        let tests = std::env::current_exe().expect("this test's own path");
        tests.ancestors().nth(2).expect("the target's folder").join("lanyard")
    })
}

/// A folder of this test alone.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = run_folder().join(format!("cli-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn command(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(lanyard());
    command.env_clear().envs(variables.iter().copied()).current_dir(folder).args(arguments);
    command
}

/// Runs the command to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(folder, arguments, variables).output().expect("a command")
}

/// A service in a process of its own, whose log is `log` in its folder.
pub(crate) struct Process {
    child: Child,
    /// What it printed until it listened, and then until the line for other callers.
    printed: String,
    pub(crate) address: String,
}

impl Process {
    pub(crate) fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let variables = [&[("LANYARD_BIND", "127.0.0.1:0")], variables].concat();
        Self::spawn(folder, command(folder, &["--demo", "serve"], &variables))
    }

    /// One that `command` starts.
    pub(crate) fn spawn(folder: &Path, mut command: Command) -> Self {
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut printed = String::new();
        while !printed.contains("Tokens for others") {
            let line = lines.next().unwrap_or_else(|| {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("it ended: {}", log.lines().last().unwrap_or_default())
            });
            printed += &line.expect("text");
            printed.push('\n');
        }
        let (_, address) = printed.split_once("listening on http://").expect("an address");
        let address = address.split_whitespace().next().expect("an address").to_owned();
        Self { child, printed, address }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The request that it prints, to be pasted.
    fn pasted(&self) -> String {
        let (_, curl) = self.printed.split_once("\ncurl ").expect("a command");
        let (curl, _) = curl.split_once("\n\n").expect("its end");
        let output = Command::new("sh").args(["-c", &format!("curl {curl}")]).output().expect("a shell");
        String::from_utf8(output.stdout).expect("text")
    }

    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `make run` does: the printed request answers 201, and pasted twice shows a possible duplicate.
#[test]
fn a_new_user_pastes_the_printed_request() {
    let folder = folder("paste");
    let mut process = Process::start(&folder, &[]);
    for (status, word) in
        [("HTTP/1.1 201 Created", "\"APPROVED\""), ("HTTP/1.1 201 Created", "possible_duplicate")]
    {
        let answer = process.pasted();
        assert!(answer.starts_with(status) && answer.contains(word), "{answer}");
    }
    for name in ["secret", "signing-key.pem"] {
        let mode =
            std::fs::metadata(folder.join("lanyard-demo").join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let token = run(&folder, &["--demo", "token", "--as", "nurse"], &[]);
    assert_eq!(String::from_utf8(token.stdout).expect("text").trim().split('.').count(), 3);
    let unknown = run(&folder, &["--demo", "token", "--as", "nobody"], &[]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("single-site"));
    // C-15, in part: SIGTERM ends it well.
    process.signal("-TERM");
    assert!(process.child.wait().expect("an end").success());
}

/// Sends the request with a key, by hand, so that no client is in between; the answer's status line and body.
fn keyed(process: &Process, folder: &Path, variables: &[(&str, &str)]) -> (String, Value) {
    let token = run(folder, &["--demo", "token"], variables);
    let token = String::from_utf8(token.stdout).expect("text");
    let today = chrono::DateTime::<chrono::Utc>::from(
        std::fs::metadata(folder.join("lanyard-demo/secret")).and_then(|it| it.modified()).expect("a time"),
    );
    let start = today.date_naive() + chrono::Days::new(3);
    let body = include_str!("../../api/src/examples/create_authorization.request.json");
    let body = body
        .replace("2026-12-01", &start.to_string())
        .replace("2027-01-29", &(start + chrono::Days::new(9)).to_string());
    let mut stream = TcpStream::connect(&process.address).expect("a connection");
    let head = format!(
        "POST /v1/authorizations HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\nidempotency-key: k1\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        process.address,
        token.trim(),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("a request");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    let replayed = head.contains("idempotency-replayed: true");
    let status = head.lines().next().unwrap_or_default();
    (format!("{status} {replayed}"), serde_json::from_str(body).expect(body))
}

fn killed_and_started_again(kind: Kind) {
    let Some(database) = Database::new(kind) else { return eprintln!("left out: there is no PostgreSQL") };
    let folder = folder(&format!("kill-{kind:?}"));
    let variables = [("LANYARD_DATABASE__URL", database.url.as_str()), ("LANYARD_DATABASE__POOL", "2")];
    let mut first = Process::start(&folder, &variables);
    let (status, answer) = keyed(&first, &folder, &variables);
    assert_eq!(status, "HTTP/1.1 201 Created false", "{answer}");
    first.signal("-KILL");
    assert!(!first.child.wait().expect("an end").success());
    let second = Process::start(&folder, &variables);
    assert_eq!(keyed(&second, &folder, &variables), ("HTTP/1.1 201 Created true".to_owned(), answer));
}

#[test]
fn c_11_a_key_outlives_kill_9_on_sqlite() {
    killed_and_started_again(Kind::Sqlite);
}

#[test]
fn c_11_a_key_outlives_kill_9_on_postgres() {
    killed_and_started_again(Kind::Postgres);
}

/// L-08: outside the demo profile nothing starts without keys of its own, and the demo profile stays on loopback.
#[test]
#[expect(clippy::too_many_lines, reason = "a list of what is refused")]
fn l_08_what_would_expose_the_service_is_refused() {
    let folder = folder("refused");
    let file = |name: &str, text: &str, mode: u32| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("a mode");
        file.display().to_string()
    };
    let jwks = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let (jwks, empty) = (file("jwks.json", jwks, 0o644), file("empty.json", r#"{"keys": []}"#, 0o644));
    let random = "bXQ3ZkQy9pL0aVxw7RkTn4uHs2Ge8JcY";
    let (good, short) = (file("good", random, 0o600), file("short", &random[..31], 0o600));
    let (open, grouped) = (file("open", random, 0o644), file("grouped", random, 0o640));
    let (none, typed) = (file("none", "", 0o600), file("typed", &"changeme".repeat(8), 0o600));
    let (shut, shown) =
        ("[database]\nurl = \"postgres://lanyard:a-long-password@127.0.0.1:1/x\"\n", "shown.toml");
    file(shown, shut, 0o644);
    file("shut.toml", shut, 0o600);
    let keys = ("LANYARD_AUTH__JWKS_FILE", jwks.as_str());
    let issuer = ("LANYARD_AUTH__ISSUER", "https://issuer.test");
    let secret = ("LANYARD_SECRET_FILE", good.as_str());
    let url = ("LANYARD_PUBLIC_URL", "https://lanyard.test");
    let pem = std::fs::read_to_string(crate::support::signing_key()).expect("a key");
    let (pem, public) = (file("signing.pem", &pem, 0o600), file("shown.pem", &pem, 0o644));
    let signing = ("LANYARD_AUTH__SIGNING_KEY_FILE", pem.as_str());
    let database = |it: &'static str| [keys, issuer, url, signing, secret, ("LANYARD_DATABASE__URL", it)];
    let proxy = ("LANYARD_TRUSTED_PROXIES", "10.0.0.1");
    let (cert, key) = (("LANYARD_TLS__CERT", "cert.pem"), ("LANYARD_TLS__KEY", "key.pem"));
    for (arguments, variables, word) in [
        (&["serve"][..], &[][..], "auth.jwks_file"),
        (&["serve"], &[keys], "auth.issuer"),
        (&["serve"], &[keys, issuer], "secret_file"),
        (&["serve"], &[issuer, secret], "public_url"),
        (
            &["serve"],
            &[issuer, secret, ("LANYARD_PUBLIC_URL", "http://plan.example")],
            "auth.signing_key_file",
        ),
        (&["serve"], &[issuer, secret, url], "auth.signing_key_file"),
        (&["serve"], &[issuer, secret, signing, ("LANYARD_PUBLIC_URL", "http://plan.example")], "public_url"),
        (
            &["serve"],
            &[issuer, secret, signing, ("LANYARD_PUBLIC_URL", "https://plan.example/")],
            "public_url",
        ),
        (
            &["serve"],
            &[issuer, secret, signing, ("LANYARD_PUBLIC_URL", "https://issuer.test")],
            "auth.issuer",
        ),
        (
            &["serve"],
            &[("LANYARD_AUTH__ISSUER", "http://issuer.test"), secret, url, signing],
            "isn't of https",
        ),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", "/nowhere")], "/nowhere"),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", &short)], "at least 32 bytes"),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", &open)], "others may read it"),
        (
            &["serve"],
            &[keys, issuer, url, secret, ("LANYARD_AUTH__SIGNING_KEY_FILE", &public)],
            "others may read it",
        ),
        (
            &["serve"],
            &[keys, issuer, url, secret, ("LANYARD_AUTH__SIGNING_KEY_FILE", &good)],
            "auth.signing_key_file",
        ),
        (&["serve"], &[("LANYARD_AUTH__JWKS_FILE", &empty), issuer, url, signing, secret], "no key"),
        (&["serve"], &[keys, issuer, url, signing, secret], "run `lanyard migrate`"),
        // The provider needn't be there at the start.
        (&["serve"], &[issuer, url, signing, secret], "run `lanyard migrate`"),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", &grouped)], "others may read it"),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", &none)], "at least 32 bytes"),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", &typed)], "is random"),
        (&["serve"], &[keys, issuer, url, signing, ("LANYARD_SECRET_FILE", "")], "secret_file"),
        (
            &["serve"],
            &[keys, secret, url, signing, ("LANYARD_AUTH__ISSUER", "https://lanyard.invalid/demo")],
            "auth.issuer",
        ),
        (&["serve"], &database("postgres://lanyard:@127.0.0.1/x"), "at least 12 characters"),
        (&["serve"], &database("postgres://lanyard:changeme@127.0.0.1/x"), "at least 12 characters"),
        (&["serve"], &database("postgres://lanyard@127.0.0.1/x?password=lanyard"), "at least 12 characters"),
        (&["serve"], &database("postgres://lanyardlanyard:lanyardlanyard@127.0.0.1/x"), "the user's name"),
        (&["serve", "--config", shown], &[keys, issuer, url, signing, secret], "others may read the file"),
        // The controls: what is long, random and hidden gets as far as the database.
        (&["serve", "--config", "shut.toml"], &[keys, issuer, url, signing, secret], "127.0.0.1"),
        (&["serve"], &[keys, secret, issuer, ("LANYARD_RATES__READ__BURST", "0")], "rates: a burst"),
        (&["serve"], &[keys, secret, ("LANYARD_BIND", "0.0.0.0:0")], "trusted_proxies"),
        (&["serve"], &[keys, secret, ("LANYARD_BIND", "0.0.0.0:0"), cert, key], "hosts: beyond loopback"),
        (&["serve"], &[keys, secret, cert], "tls: name both"),
        (&["serve"], &[keys, secret, key], "tls: name both"),
        (&["--demo", "serve"], &[cert, key], "tls.cert: cert.pem"),
        (&["--demo", "serve"], &[("LANYARD_LIMITS__HEAD", "0")], "limits: each is at least 1"),
        (&["--demo", "serve"], &[("LANYARD_LIMITS__PER_ADDRESS", "0")], "limits: each is at least 1"),
        (&["serve"], &[keys, secret, ("LANYARD_BIND", "0.0.0.0:0"), proxy], "hosts: beyond loopback"),
        (&["--demo", "serve"], &[("LANYARD_HOSTS", "https://plan.example")], "hosts: `https://plan.example`"),
        (&["--demo", "serve"], &[("LANYARD_HOSTS", "plan.example:443")], "hosts: `plan.example:443`"),
        (&["--demo", "serve"], &[("LANYARD_CORS_ORIGINS", "*")], "cors_origins: `*`"),
        (&["--demo", "serve"], &[("LANYARD_CORS_ORIGINS", "http://plan.example")], "cors_origins"),
        (&["--demo", "serve"], &[("LANYARD_CORS_ORIGINS", "https://plan.example/")], "cors_origins"),
        (&["--demo", "serve"], &[("LANYARD_CORS_ORIGINS", "https://a.example,null")], "cors_origins: `null`"),
        (&["--demo", "serve"], &[("LANYARD_BIND", "0.0.0.0:0")], "loopback"),
        (&["serve"], &[("LANYARD_COLOUR", "red")], "colour"),
        (&["serve"], &[("LANYARD_BIND", "somewhere")], "bind"),
        (&["serve"], &[("LANYARD_PLAN__ZONE", "Mars/Olympus")], "zone"),
        (&["migrate"], &[("LANYARD_DATABASE__URL", "mysql://x")], "postgres://"),
        (&["token"], &[], "demo"),
        (&["--demo", "token"], &[], "lanyard --demo serve"),
    ] {
        let output = run(&folder, arguments, variables);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(word), "{arguments:?} {variables:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn the_settings_are_shown_without_their_secrets() {
    let folder = folder("config");
    let url = ("LANYARD_DATABASE__URL", "postgres://lanyard:S3CR3T@db.test/lanyard?password=S3CR3T");
    std::fs::write(
        folder.join("lanyard.toml"),
        "bind = \"127.0.0.1:9090\"\n[plan]\nzone = \"America/Chicago\"\n",
    )
    .expect("a file");
    // An orchestrator's variables for a service of this name are none of ours.
    let kubernetes = [("LANYARD_PORT", "tcp://10.0.0.1:80"), ("LANYARD_SERVICE_HOST", "10.0.0.1")];
    let shown = run(&folder, &["config", "--config", "lanyard.toml"], &[url, kubernetes[0], kubernetes[1]]);
    let shown = String::from_utf8(shown.stdout).expect("text");
    for word in
        ["bind = \"127.0.0.1:9090\"", "zone = \"America/Chicago\"", "url = \"postgres://db.test/lanyard\""]
    {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(!shown.contains("S3CR3T"), "{shown}");
    let defaults = run(&folder, &["config", "--defaults"], &[]);
    assert_eq!(String::from_utf8(defaults.stdout).expect("text"), api::config::DEFAULTS);
    let contract = run(&folder, &["openapi"], &[]);
    assert_eq!(String::from_utf8(contract.stdout).expect("text"), api::openapi::yaml());
}

#[test]
fn migrating_twice_changes_nothing() {
    let folder = folder("migrate");
    for word in ["98186 diagnosis codes", "0 diagnosis codes"] {
        let output = run(&folder, &["migrate"], &[]);
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains(word),
            "{output:?}"
        );
    }
}

/// S-10: the command makes the plan's first two administrators, and from then on two administrators make others.
fn administrators(kind: Kind) {
    let Some(database) = Database::new(kind) else { return eprintln!("left out: there is no PostgreSQL") };
    let folder = folder(&format!("admin-{kind:?}"));
    let url = [("LANYARD_DATABASE__URL", database.url.as_str())];
    let admin = |login: &str, name: &str| {
        let output = run(&folder, &["admin", "--login", login, "--name", name], &url);
        let said = [output.stdout, output.stderr].map(|it| String::from_utf8(it).expect("text")).concat();
        (output.status.success(), said)
    };
    // The demo's plan has two already.
    let (done, said) = admin("first@plan", "Lee Chan");
    assert!(!done && said.contains("ask one of them"), "{said}");
    let store = || store::Store::open(&database.url, store::Options::default()).expect("a store");
    let system =
        store::Actor { id: "test".into(), client: "test".into(), request: "test".into(), of_service: true };
    let none = "update grants set ended_at = requested_at where role = 'plan_administrator'";
    let clear = move |tx: &mut store::Tx<'_>| {
        diesel::connection::SimpleConnection::batch_execute(tx.db()?, none).map_err(store::Error::from)
    };
    store().write(&system, clear).wait().expect("a write");
    for (login, name, word) in
        [("a b", "Lee Chan", "--login"), ("first@plan", " ", "--name"), ("a:b", "\n", "--login")]
    {
        let (done, said) = admin(login, name);
        assert!(!done && said.contains(word), "{said}");
    }
    assert!(admin("first@plan", "Lee Chan").0);
    let (done, said) = admin("first@plan", "Lee Chan");
    assert!(!done && said.contains("a user with this login"), "{said}");
    assert!(admin("second@plan", "Ana Rivera").0);
    let (done, said) = admin("third@plan", "Kim Doe");
    assert!(!done && said.contains("ask one of them"), "{said}");
    let found = store().read(|rx| registry::user_of_login(rx.db(), "second@plan")).wait().expect("an answer");
    let user = found.expect("a user");
    assert_eq!((&*user.name, user.version, user.grants.len()), ("Ana Rivera", 2, 1));
    assert_eq!(user.grants[0].approved_by.as_deref(), Some("system"));
}

#[test]
fn s_10_the_first_two_administrators_are_made_on_sqlite() {
    administrators(Kind::Sqlite);
}

#[test]
fn s_10_the_first_two_administrators_are_made_on_postgres() {
    administrators(Kind::Postgres);
}
