//! A TCP proxy before PostgreSQL, whose links can be made to fail in each of the ways in which networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    Passes,
    /// It is reset at the next byte.
    Resets,
    /// It takes all and delivers nothing; when that is over, it is reset.
    Swallows,
    /// The same, and what it took is never heard of again.
    Forgets,
    /// The server's half is closed; the service may still send.
    HalfCloses,
    /// Each piece takes a while.
    Slows,
}

/// The proxy.
#[derive(Clone)]
pub(super) struct Link {
    mode: Arc<AtomicU8>,
    open: Arc<AtomicUsize>,
    pub(super) url: String,
}

impl Link {
    /// A way to the same database.
    pub(super) fn new(url: &str) -> Self {
        let (before, rest) = url.split_once('@').expect("a user");
        let (address, path) = rest.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let url = format!("{before}@127.0.0.1:{port}/{path}?sslmode=disable&gssencmode=disable");
        let it = Self { mode: Arc::default(), open: Arc::default(), url };
        let (own, address) = (it.clone(), address.to_owned());
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let Ok(server) = TcpStream::connect(&address) else { continue };
                own.join(&client, &server);
            }
        });
        it
    }

    pub(super) fn turn(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    /// How many links the service holds.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    fn join(&self, client: &TcpStream, server: &TcpStream) {
        for (from, to, up) in [(client, server, true), (server, client, false)] {
            let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
            let own = self.clone();
            std::thread::spawn(move || {
                own.open.fetch_add(usize::from(up), Ordering::SeqCst);
                own.carry(from, to, up);
                own.open.fetch_sub(usize::from(up), Ordering::SeqCst);
            });
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, up: bool) {
        let (mut bytes, mut swallowed) = ([0; 16_384], false);
        let _ = from.set_read_timeout(Some(Duration::from_millis(50)));
        loop {
            if swallowed && !self.is(Mode::Swallows) {
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                return;
            }
            if self.is(Mode::HalfCloses) && !up {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            if self.is(Mode::Resets) && from.peek(&mut bytes).is_ok() {
                // What is closed with bytes that no one read is reset.
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                return;
            }
            let count = match from.read(&mut bytes) {
                Ok(0) => {
                    let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
                    return;
                }
                Ok(count) => count,
                Err(it)
                    if matches!(it.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(_) => return,
            };
            if self.is(Mode::Swallows) || self.is(Mode::Forgets) {
                swallowed = self.is(Mode::Swallows);
                continue;
            }
            if self.is(Mode::Slows) {
                std::thread::sleep(Duration::from_millis(100));
            }
            if to.write_all(&bytes[..count]).is_err() {
                return;
            }
        }
    }
}
