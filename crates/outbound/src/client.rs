//! The client that others may point at an address.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder, Response, retry};

use crate::{Rules, Target, Wrong};

/// As much of an answer as is read.
const LONGEST: usize = 64 * 1024;

/// Why something sent got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An address that its name stands for isn't open to everyone; nothing was connected to.
    AddressRefused,
    /// No address is known for its name.
    NameUnknown,
    /// Nothing took the connection.
    Unreachable,
    /// Its certificate isn't good, or it doesn't speak TLS.
    Tls,
    /// There was no answer in time.
    TimedOut,
    /// The connection broke, or what came is no HTTP.
    Broken,
}

/// The head of an answer, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// After how many seconds to come again, if it said.
    pub retry_after: Option<u32>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// As much of the body as was read.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
}

/// A look-up on its way.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync {
    /// They; a port of 0 is that of the URL.
    fn lookup(&self, name: &str) -> Found;
}

/// As the system does.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Found {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// How a client runs.
pub struct Settings {
    /// Where it may send to.
    pub rules: Rules,
    /// Certificates to be trusted beside the machine's, PEM.
    pub ca: Option<Vec<u8>>,
    /// How names are resolved.
    pub lookup: Arc<dyn Lookup>,
    /// How long all of it may take.
    pub patience: Duration,
}

/// The client.
pub struct Client {
    settings: Settings,
    made: OnceLock<Result<reqwest::Client, String>>,
}

impl Client {
    /// A client run by `settings`.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, made: OnceLock::new() }
    }

    /// Reads `url` as an address that may be sent to.
    ///
    /// # Errors
    /// Why it is none.
    pub fn target(&self, url: &str) -> Result<Target, Wrong> {
        self.settings.rules.target(url)
    }

    /// Posts `body`, as JSON, with these headers. What the answer is is said by its head alone: once that is there, the connection is
    /// closed, whatever of a body would follow.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post(
        &self,
        to: &Target,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Head, Failure> {
        let client = self.client().map_err(|_| Failure::Tls)?;
        let request = client.post(to.0.clone()).header("content-type", "application/json").body(body);
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, value));
        let answer = request.send().await.map_err(|it| why(&it))?;
        Ok(Head { status: answer.status().as_u16(), retry_after: retry_after(&answer) })
    }

    /// Gets what is there.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(&self, from: &Target) -> Result<Answer, Failure> {
        let client = self.client().map_err(|_| Failure::Tls)?;
        read(client.get(from.0.clone())).await
    }

    /// Why it can't be made, if so; it reads the machine's certificates.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        self.client().map(drop)
    }

    fn client(&self) -> Result<&reqwest::Client, String> {
        self.made.get_or_init(|| make(&self.settings)).as_ref().map_err(Clone::clone)
    }
}

fn make(settings: &Settings) -> Result<reqwest::Client, String> {
    let checked = Checked { rules: settings.rules.clone(), lookup: Arc::clone(&settings.lookup) };
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("Lanyard/", env!("CARGO_PKG_VERSION")))
        .https_only(true)
        .redirect(Policy::none())
        .referer(false)
        .retry(retry::never())
        .no_proxy()
        .timeout(settings.patience)
        // A kept connection would be to an address that was checked some time ago.
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(checked));
    if let Some(ca) = &settings.ca {
        client = client.tls_certs_merge(Certificate::from_pem_bundle(ca).map_err(|it| it.to_string())?);
    }
    client.build().map_err(|it| format!("{it:?}"))
}

async fn read(request: RequestBuilder) -> Result<Answer, Failure> {
    let mut answer = request.send().await.map_err(|it| why(&it))?;
    let status = answer.status().as_u16();
    let (mut body, mut whole) = (Vec::new(), false);
    while body.len() < LONGEST {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => whole = true,
            Err(_) => break,
        }
        if whole {
            break;
        }
    }
    body.truncate(LONGEST);
    Ok(Answer { status, body, whole })
}

fn retry_after(answer: &Response) -> Option<u32> {
    answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// What went wrong, told from what caused it.
fn why(it: &reqwest::Error) -> Failure {
    let causes = || std::iter::successors(it.source(), cause);
    let of_io = || causes().filter_map(|it| it.downcast_ref::<io::Error>());
    let inner = || of_io().filter_map(io::Error::get_ref);
    if causes().any(<dyn Error>::is::<Refused>) || inner().any(<dyn Error + Send + Sync>::is::<Refused>) {
        Failure::AddressRefused
    } else if it.is_timeout() {
        Failure::TimedOut
    } else if causes().any(<dyn Error>::is::<Unknown>) {
        Failure::NameUnknown
    } else if it.is_connect() {
        // What fails before TLS begins, the system tells.
        if of_io().any(|it| it.raw_os_error().is_some()) { Failure::Unreachable } else { Failure::Tls }
    } else {
        Failure::Broken
    }
}

fn cause<'a>(it: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    (*it).source()
}

/// Resolves a name to addresses that were checked; what is connected to is one of them.
struct Checked {
    rules: Rules,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, found) = (self.rules.clone(), self.lookup.lookup(name.as_str()));
        Box::pin(async move {
            let found = found.await.map_err(|_| Unknown)?;
            if found.is_empty() {
                return Err(Unknown.into());
            }
            // A name that leads inside in part is no accident.
            if !found.iter().all(|it| rules.is_open(it.ip())) {
                return Err(Refused.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug)]
struct Refused;

#[derive(Debug)]
struct Unknown;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is closed")
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name is unknown")
    }
}

impl Error for Refused {}
impl Error for Unknown {}
