//! Clients that take their time: many at once on one thread, which looks at each of them again and again.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// What a client does.
#[derive(Clone)]
pub(super) struct Manner {
    /// What it sends at once.
    pub(super) opening: Vec<u8>,
    /// What it sends again and again after that; nothing if empty.
    pub(super) piece: Vec<u8>,
    /// Whether it reads what comes.
    pub(super) reads: bool,
}

/// What became of a client.
pub(super) struct Fate {
    stream: TcpStream,
    began: Instant,
    /// What it was answered.
    pub(super) text: Vec<u8>,
    /// After what time the service ended the connection, if it did.
    pub(super) closed: Option<Duration>,
}

impl Fate {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// The statuses of the answers, one after another.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        text.split("HTTP/1.1 ").skip(1).map(|it| it[..3].parse().expect("a status")).collect()
    }

    fn turn(&mut self, manner: &Manner) {
        let mut over = self.stream.take_error().expect("a socket").is_some();
        if !manner.piece.is_empty()
            && let Err(it) = self.stream.write(&manner.piece)
        {
            // An answer may be there to be read all the same.
            over |= it.kind() != ErrorKind::WouldBlock && !manner.reads;
        }
        let mut some = [0; 8192];
        while manner.reads && !over {
            match self.stream.read(&mut some) {
                Ok(0) => over = true,
                Ok(count) => self.text.extend(&some[..count]),
                Err(it) if it.kind() == ErrorKind::WouldBlock => break,
                Err(_) => over = true,
            }
        }
        self.closed = over.then(|| self.began.elapsed());
    }
}

/// A connection from another of this machine's addresses.
pub(super) fn elsewhere(address: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).expect("an address");
    let address: SocketAddr = address.parse().expect("an address");
    // The service may have refused it by now.
    let _ = socket.connect(&address.into());
    socket.into()
}

/// Has `count` clients of this manner call, and watches them until the service has closed all, or for so long.
pub(super) fn watch(address: &str, count: usize, manner: &Manner, patience: Duration) -> Vec<Fate> {
    let call = |_| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let began = Instant::now();
        // The service may have refused it by now.
        let _ = stream.write_all(&manner.opening);
        stream.set_nonblocking(true).expect("a socket");
        Fate { stream, began, text: Vec::new(), closed: None }
    };
    let began = Instant::now();
    let mut all: Vec<_> = (0..count).map(call).collect();
    while began.elapsed() < patience && all.iter().any(|it| it.closed.is_none()) {
        for it in all.iter_mut().filter(|it| it.closed.is_none()) {
            it.turn(manner);
        }
        sleep(Duration::from_millis(if count > 10 { 100 } else { 20 }));
    }
    all
}
