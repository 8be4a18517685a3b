//! The bytes of a connection, with TLS or without.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use super::tls::Tls;

/// What is read from and written to.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

/// A socket, with TLS or without.
pub(super) enum Wire {
    Plain(TcpStream),
    Secured(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// The same with TLS, if there is to be any.
    pub(super) async fn secured(self, tls: Option<&Tls>) -> io::Result<Self> {
        match (self, tls) {
            (Self::Plain(io), Some(tls)) => Ok(Self::Secured(Box::new(tls.accept(io).await?))),
            (it, _) => Ok(it),
        }
    }

    pub(super) fn stream(&mut self) -> Pin<&mut dyn Bytes> {
        match self {
            Self::Plain(io) => Pin::new(io),
            Self::Secured(io) => Pin::new(&mut **io),
        }
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(io) => io,
            Self::Secured(io) => io.get_mut().0,
        }
    }

    /// Has the kernel take no more when it holds so many bytes that it hasn't sent.
    #[cfg(target_os = "linux")]
    pub(super) fn hold_back(&self, bytes: usize) -> io::Result<()> {
        let Self::Plain(io) = self else { return Ok(()) };
        SockRef::from(io).set_tcp_notsent_lowat(u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    /// Has the kernel forget what it couldn't send in so much time.
    #[cfg(target_os = "linux")]
    pub(super) fn give_up_after(&mut self, time: Duration) -> io::Result<()> {
        SockRef::from(&*self.socket()).set_tcp_user_timeout(Some(time))
    }

    /// Only Linux can.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn hold_back(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    /// Only Linux can.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn give_up_after(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}
