//! TLS, ended by the service itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;

use api::patience::{Late, Limits, Tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::{Certificate, Client};
use serde_json::Value;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{ENDLESS, HEAD, SHORT, address, is_closed, is_problem, large, manner, ms, one};
use crate::cli::folder;
use crate::support::{Kind, Options, Service, example, start};

/// A root that tests trust, and the files of a certificate by it.
struct Root {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Root {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("a form");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Writes a certificate for this machine, and its key.
    fn certify(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (cert, key) = (folder.join("tls.pem"), folder.join("tls-key.pem"));
        let private = KeyPair::generate().expect("a key");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("a form");
        write(&cert, &params.signed_by(&private, &self.issuer).expect("a certificate").pem());
        write(&key, &private.serialize_pem());
        (cert, key)
    }

    fn client(&self) -> Client {
        let root = Certificate::from_pem(self.pem.as_bytes()).expect("a certificate");
        Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client")
    }

    /// A connection by hand, whose client offers these protocols.
    fn connect(&self, address: &str, protocols: &[&[u8]]) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("a root")).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("versions");
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(ms(2000))).expect("a time-out");
        StreamOwned::new(session, stream)
    }
}

fn write(file: &Path, text: &str) {
    // A new file each time, as those who renew do it.
    let new = file.with_extension("new");
    fs::write(&new, text).expect("a file");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::rename(new, file).expect("a file");
}

/// Runs `body` with a service that ends TLS.
fn secured(name: &str, limits: Limits, body: impl AsyncFnOnce(&Service, Root, &Path)) {
    start(Kind::Sqlite, async |service| {
        let (folder, root) = (folder(name), Root::new());
        let files = root.certify(&folder);
        let twin = service.twin(Options { tls: Some(files), limits, ..Options::default() });
        body(&twin, root, &folder).await;
        twin.stop().await;
    });
}

/// What a good client is answered, or nothing if it doesn't trust whom it reaches.
async fn status(service: &Service, client: &Client) -> Option<u16> {
    let answer = client.get(format!("{}/healthz/live", service.base)).send().await.ok()?;
    Some(answer.status().as_u16())
}

#[test]
fn tls_a_good_client_is_served() {
    secured("tls-good", SHORT, async |service, root, _| {
        let client = root.client();
        assert_eq!(status(service, &client).await, Some(200));
        assert_eq!(status(service, &Root::new().client()).await, None);
        let submission = client.post(format!("{}/v1/authorizations", service.base)).json(&example());
        let answer = submission.bearer_auth(service.token("single-site")).send().await.expect("an answer");
        assert_eq!(answer.version(), reqwest::Version::HTTP_11);
        assert_eq!(answer.status(), 201);
        let script = format!("{}/assets/swagger-ui-bundle.js", service.base);
        let script = client.get(script).send().await.expect("an answer").bytes().await.expect("all of it");
        assert!(script.len() > 1_000_000, "{}", script.len());
    });
}

/// A client's first words in TLS, of this version.
fn hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    // No session; a suite of 1.2 and three of before; no compression; the groups and signatures that go with them.
    hello.extend([0, 0, 8, 0xc0, 0x2b, 0xc0, 0x13, 0, 0x2f, 0, 0x35, 1, 0]);
    hello.extend([0, 26, 0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3, 0, 11, 0, 2, 1, 0, 0, 23, 0, 0]);
    let length = u8::try_from(hello.len()).expect("short");
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat()
}

#[test]
fn tls_what_is_old_or_isnt_tls_is_refused() {
    secured("tls-refused", ENDLESS, async |service, root, _| {
        // 70: the version of the protocol.
        for minor in [1, 2] {
            let fate = one(service, &manner(hello(minor), "")).await;
            assert_eq!(fate.text, [21, 3, 3, 0, 2, 2, 70], "1.{}", minor - 1);
            is_closed(&fate, 0, 500);
        }
        let fate = one(service, &manner(format!("{HEAD}\r\n"), "")).await;
        assert!(!fate.text().contains("HTTP/"), "{}", fate.text());
        is_closed(&fate, 0, 500);
        for (protocols, good) in [(&[&b"h2"[..]][..], false), (&[b"h2", b"http/1.1"], true), (&[], true)] {
            let mut stream = root.connect(&address(service), protocols);
            let sent = stream.write_all(format!("{HEAD}\r\n").as_bytes());
            assert_eq!(sent.is_ok(), good, "{protocols:?}");
        }
        assert_eq!(status(service, &root.client()).await, Some(200));
    });
}

#[test]
fn tls_n_01_a_handshake_or_a_head_that_stalls_is_closed_in_time() {
    secured("tls-stalls", SHORT, async |service, root, _| {
        for opening in [&b""[..], b"\x16\x03\x01", &hello(3)[..20]] {
            let fate = one(service, &manner(opening, "")).await;
            assert!(fate.text.is_empty());
            is_closed(&fate, 280, 900);
        }
        assert_eq!(service.state.patience.count.late(Late::Handshake), 3);
        for (first, statuses) in [(String::new(), 1), (format!("{HEAD}\r\n"), 2)] {
            let mut stream = root.connect(&address(service), &[]);
            let text = actix_web::rt::task::spawn_blocking(move || {
                stream.write_all(first.as_bytes()).expect("a request");
                sleep(ms(50));
                stream.write_all(format!("{HEAD}X: ").as_bytes()).expect("half a request");
                let mut text = String::new();
                stream.read_to_string(&mut text).map(|_| text)
            });
            // Read to an end that TLS itself told.
            let text = text.await.expect("a thread").expect("an orderly end");
            assert_eq!(text.matches("HTTP/1.1 ").count(), statuses, "{text}");
            let (_, body) = text.rsplit_once("\r\n\r\n").expect("a body");
            let body: Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["type"], "/problems/request-timeout");
        }
    });
    // The control.
    secured("tls-waits", ENDLESS, async |service, _, _| {
        assert!(one(service, &manner("\x16\x03\x01", "")).await.closed.is_none());
    });
}

#[test]
fn tls_n_04_who_does_not_read_is_dropped_in_time() {
    for (limits, dropped) in [(SHORT, true), (ENDLESS, false)] {
        secured("tls-reads", limits, async |service, root, _| {
            let mut stream = root.connect(&address(service), &[]);
            let count = &service.state.patience.count;
            let thread = actix_web::rt::task::spawn_blocking(move || {
                stream.write_all(large().as_bytes()).expect("a request");
                sleep(ms(1500));
                stream
            });
            let mut stream = thread.await.expect("a thread");
            assert_eq!((count.late(Late::Reading), count.open()), (u64::from(dropped), u64::from(!dropped)));
            let thread = actix_web::rt::task::spawn_blocking(move || {
                let mut some = vec![0; 1 << 16];
                let mut all = 0;
                while all < 8_000_000 {
                    match stream.read(&mut some) {
                        Ok(0) | Err(_) => return false,
                        Ok(count) => all += count,
                    }
                }
                true
            });
            assert_eq!(thread.await.expect("a thread"), !dropped);
        });
    }
}

#[test]
fn tls_a_renewed_certificate_counts_at_the_next_connection() {
    secured("tls-renewed", SHORT, async |service, first, folder| {
        let second = Root::new();
        assert_eq!(status(service, &first.client()).await, Some(200));
        second.certify(folder);
        assert_eq!(status(service, &second.client()).await, Some(200));
        assert_eq!(status(service, &first.client()).await, None);
        // What can't be used changes nothing: half of a pair, no certificate, a key for all to read.
        let (cert, key) = (folder.join("tls.pem"), folder.join("tls-key.pem"));
        let good = fs::read_to_string(&cert).expect("a certificate");
        for wrong in [&first.pem, "", "-----BEGIN CERTIFICATE-----\n"] {
            write(&cert, wrong);
            assert_eq!(status(service, &second.client()).await, Some(200));
            assert!(Tls::open(&cert, &key).is_err());
        }
        write(&cert, &good);
        assert!(Tls::open(&cert, &key).is_ok());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("a mode");
        let why = Tls::open(&cert, &key).err().expect("a reason");
        assert!(why.contains("tls.key") && why.contains("others may read it"), "{why}");
        assert_eq!(status(service, &second.client()).await, Some(200));
    });
}

#[test]
fn tls_the_same_address_without_it_answers_a_handshake_with_a_problem() {
    start(Kind::Sqlite, async |service| {
        let fate = one(&service, &manner(hello(3), "")).await;
        is_problem(&fate, 400, "malformed-request");
    });
}
