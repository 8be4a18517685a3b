//! TLS, where no proxy ends it: 1.2 and 1.3, HTTP/1.1 only.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::rt::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::UNSENT;
use crate::config;
use crate::keys::same;

/// The certificate by which the service shows who it is, read again when its files change.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    kept: RwLock<Kept>,
}

/// What is in force, and the files as they were when it was read.
struct Kept {
    seen: [Option<Metadata>; 2],
    read: Read,
}

/// How hands are shaken, and until when.
struct Read {
    config: Arc<ServerConfig>,
    /// When the certificate expires, in seconds since 1970.
    expires: i64,
}

impl Tls {
    /// The certificate in `cert`, with those between it and the root (PEM), and its key in `key`, which no one else may read.
    ///
    /// # Errors
    /// Which file can't be used, and why (L-08).
    pub fn open(cert: &Path, key: &Path) -> Result<Self, String> {
        let seen = [cert, key].map(|it| fs::metadata(it).ok());
        let kept = RwLock::new(Kept { seen, read: read(cert, key)? });
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), kept })
    }

    /// The client's side of `io`, once hands are shaken.
    pub(super) async fn accept(&self, io: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = TlsAcceptor::from(self.in_force()).accept(io).await?;
        stream.get_mut().1.set_buffer_limit(Some(UNSENT));
        Ok(stream)
    }

    /// When the certificate expires, in seconds since 1970.
    pub(crate) fn expires(&self) -> i64 {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).read.expires
    }

    /// What is in force. Files that can't be used leave what was before, and the log says so.
    fn in_force(&self) -> Arc<ServerConfig> {
        let now = [&self.cert, &self.key].map(|it| fs::metadata(it).ok());
        let as_seen = |seen: &[Option<Metadata>; 2]| {
            seen.iter().zip(&now).all(|(was, is)| same(was.as_ref(), is.as_ref()))
        };
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if as_seen(&kept.seen) {
            return Arc::clone(&kept.read.config);
        }
        drop(kept);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if !as_seen(&kept.seen) {
            match read(&self.cert, &self.key) {
                Ok(read) => kept.read = read,
                Err(why) => ::log::error!(
                    target: "lanyard::fault", cause = why; "the certificate can't be used, and the one of before stays"
                ),
            }
            kept.seen = now;
        }
        Arc::clone(&kept.read.config)
    }
}

fn read(cert: &Path, key: &Path) -> Result<Read, String> {
    let (of_cert, of_key) =
        (format!("tls.cert: {}: ", cert.display()), format!("tls.key: {}: ", key.display()));
    let pem = fs::read(cert).map_err(|it| format!("{of_cert}{it}"))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|it| format!("{of_cert}{it}"))?;
    let first = chain.first().ok_or_else(|| format!("{of_cert}there is no certificate in it"))?;
    let (_, first) = X509Certificate::from_der(first).map_err(|it| format!("{of_cert}{it}"))?;
    let expires = first.validity().not_after.timestamp();
    let pem = config::private(key).map_err(|it| format!("tls.key: {it}"))?;
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|it| format!("{of_key}{it}"))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|it| it.to_string())?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain.clone(), private)
        .map_err(|it| format!("{of_cert}{it}, with {}", key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Read { config: Arc::new(config), expires })
}
