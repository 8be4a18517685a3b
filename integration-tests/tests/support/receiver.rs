//! A receiver of webhooks: HTTPS on loopback, with a name and a certificate of its own, which answers as a test says.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use outbound::{Found, Lookup};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// What was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// How a receiver answers.
#[derive(Debug, Clone)]
pub(crate) enum Answers {
    /// With this status and these headers.
    With(u16, &'static str),
    /// With 200 and a body that has no end.
    Endless,
    /// With a byte of the head every 200 milliseconds.
    Drips,
    /// Not at all.
    Never,
}

type Answering = Arc<Mutex<Box<dyn FnMut(&Received) -> Answers + Send>>>;

pub(crate) struct Receiver {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connected: Arc<AtomicUsize>,
    /// How many bytes of bodies without an end went out.
    pub(crate) poured: Arc<AtomicUsize>,
    answering: Answering,
}

/// The names that tests know, and their addresses.
pub(crate) struct Names;

static NAMES: Mutex<Option<HashMap<String, Vec<SocketAddr>>>> = Mutex::new(None);

impl Names {
    pub(crate) fn set(name: &str, addresses: &[SocketAddr]) {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        names.get_or_insert_default().insert(name.to_owned(), addresses.to_vec());
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> Found {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let found = names.as_ref().and_then(|it| it.get(name)).cloned();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// Who signs the receivers' certificates, and theirs.
fn authority() -> &'static (Issuer<'static, KeyPair>, String) {
    static MADE: OnceLock<(Issuer<'static, KeyPair>, String)> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = KeyPair::generate().expect("a key");
        let mut of = CertificateParams::new(Vec::new()).expect("a certificate");
        of.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = of.self_signed(&key).expect("a certificate").pem();
        (Issuer::new(of, key), pem)
    })
}

/// The certificate of the tests' authority.
pub(crate) fn ca() -> String {
    authority().1.clone()
}

fn acceptor(name: &str, trusted: bool) -> TlsAcceptor {
    let key = KeyPair::generate().expect("a key");
    let of = CertificateParams::new(vec![name.to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    let made = if trusted { of.signed_by(&key, &authority().0) } else { of.self_signed(&key) };
    let chain: Vec<CertificateDer<'static>> = vec![made.expect("a certificate").der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a configuration");
    TlsAcceptor::from(Arc::new(config))
}

fn fresh_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("r{}.receiver.test", COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Receiver {
    /// One that takes everything.
    pub(crate) async fn start() -> Self {
        Self::with(&fresh_name(), true, "127.0.0.1").await
    }

    /// One of this name.
    pub(crate) async fn named(name: &str) -> Self {
        Self::with(name, true, "127.0.0.1").await
    }

    /// One on another address of this machine.
    pub(crate) async fn inside() -> Self {
        Self::with(&fresh_name(), true, "127.0.0.2").await
    }

    /// One whose certificate is its own.
    pub(crate) async fn untrusted() -> Self {
        Self::with(&fresh_name(), false, "127.0.0.1").await
    }

    async fn with(name: &str, trusted: bool, at: &str) -> Self {
        let listener = TcpListener::bind((at, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        Names::set(name, &[address]);
        let it = Self {
            name: name.to_owned(),
            address,
            received: Arc::default(),
            connected: Arc::default(),
            poured: Arc::default(),
            answering: Arc::new(Mutex::new(Box::new(|_| Answers::With(204, "")))),
        };
        let (received, connected) = (Arc::clone(&it.received), Arc::clone(&it.connected));
        let (poured, answering) = (Arc::clone(&it.poured), Arc::clone(&it.answering));
        let acceptor = acceptor(name, trusted);
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connected.fetch_add(1, Ordering::Relaxed);
                let one =
                    (acceptor.clone(), Arc::clone(&received), Arc::clone(&poured), Arc::clone(&answering));
                actix_web::rt::spawn(async move { drop(serve(stream, one).await) });
            }
        });
        it
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}/hook", self.name)
    }

    /// How it answers from here on.
    pub(crate) fn answer(&self, how: impl FnMut(&Received) -> Answers + Send + 'static) {
        *self.answering.lock().expect("a receiver") = Box::new(how);
    }

    /// How often something connected.
    pub(crate) fn connected(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }

    /// All that was received.
    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.lock().expect("a receiver").clone()
    }

    /// The ids of what was received.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.all().iter().map(|it| it.header("webhook-id").to_owned()).collect()
    }
}

type One = (TlsAcceptor, Arc<Mutex<Vec<Received>>>, Arc<AtomicUsize>, Answering);

async fn serve(stream: TcpStream, (acceptor, received, poured, answering): One) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let it = read(&mut stream).await?;
    let how = (answering.lock().expect("a receiver"))(&it);
    received.lock().expect("a receiver").push(it);
    match how {
        Answers::With(status, headers) => {
            let head =
                format!("HTTP/1.1 {status} x\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
            let head = if status == 204 { head.replace("content-length: 0\r\n", "") } else { head };
            stream.write_all(head.as_bytes()).await?;
        }
        Answers::Endless => {
            stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 10737418240\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 4096]).await?;
                poured.fetch_add(4096, Ordering::Relaxed);
            }
        }
        Answers::Drips => loop {
            stream.write_all(b"H").await?;
            stream.flush().await?;
            actix_web::rt::time::sleep(std::time::Duration::from_millis(200)).await;
        },
        Answers::Never => {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
        }
    }
    stream.shutdown().await
}

async fn read(stream: &mut TlsStream<TcpStream>) -> io::Result<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let lines = text.lines().skip(1).filter_map(|it| it.split_once(": "));
    let headers: HashMap<_, _> = lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Received { headers, text: String::from_utf8_lossy(&bytes[head + 4..]).into_owned() })
}
