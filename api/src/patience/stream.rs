//! The stream of a connection, with its deadlines: it owns the connection's only timer.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::http::StatusCode;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Bytes, Data};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, Phase};
use super::count::Late;
use super::due::Due;
use super::seats::Seat;
use super::waiting::{Alarm, Credit, within};
use super::wire::Wire;
use super::{UNSENT, bare};
use crate::State;

/// The most that is taken from the kernel at once, and thereby the most that is held before its time.
const PIECE: usize = 8 * 1024;

/// A connection's stream, which waits only so long for its client.
pub(crate) struct Patient {
    wire: Wire,
    /// What came before its time.
    held: Bytes,
    pub(super) connection: Rc<Connection>,
    alarm: Alarm,
    /// How long the client may still have us wait for it to read.
    credit: Credit,
    /// Until when the client has to have closed its side, once ours is.
    linger: Option<Instant>,
    closed: bool,
    /// Whether the framework's own answer was replaced, after which nothing is written.
    replaced: bool,
}

impl Patient {
    /// The stream of an accepted socket, if its client may have one, and shakes hands in time where there is TLS.
    pub(super) async fn accept(state: Data<State>, io: TcpStream) -> io::Result<(Self, Option<SocketAddr>)> {
        let limits = state.patience.limits;
        let due = within(limits.head);
        let address = io.peer_addr()?;
        let Some(seat) = Seat::take(&state, address.ip()) else {
            io.set_zero_linger()?;
            return Err(ErrorKind::ConnectionRefused.into());
        };
        io.set_nodelay(true)?;
        let wire = Wire::Plain(io);
        wire.hold_back(UNSENT)?;
        let Ok(wire) = timeout_at(due, wire.secured(state.patience.tls.as_ref())).await else {
            state.patience.count.was_late(Late::Handshake);
            return Err(ErrorKind::TimedOut.into());
        };
        let stream = Self {
            wire: wire?,
            held: Bytes::new(),
            connection: Rc::new(Connection::new(state, seat, due)),
            alarm: Alarm::default(),
            credit: Credit::new(limits.write_credit, limits.rate),
            linger: None,
            closed: false,
            replaced: false,
        };
        Ok((stream, Some(address)))
    }

    /// Hands over what is due, and no more.
    fn hand_over(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = &self.connection;
        let due = connection.due.get();
        if due == Due::Nothing {
            connection.reader.set(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        if self.held.is_empty() {
            let mut space = [MaybeUninit::uninit(); PIECE];
            let mut read = ReadBuf::uninit(&mut space);
            ready!(self.wire.stream().poll_read(cx, &mut read))?;
            self.held = Bytes::copy_from_slice(read.filled());
        }
        let some = &self.held[..self.held.len().min(buf.remaining())];
        let Some((count, then)) = due.take(some) else {
            // The framework would drop the connection with all that isn't written yet; so for it the body just ends too early.
            connection.phase.set(Phase::Late);
            return Poll::Pending;
        };
        let over = due.is_body() && then == Due::Nothing && connection.settled.get();
        connection.due.set(if over { Due::HEAD } else { then });
        buf.put_slice(&self.held.split_to(count));
        Poll::Ready(Ok(()))
    }

    /// Whether the client is late with its next request, or with the body of one.
    fn late(&mut self, cx: &mut Context<'_>) -> bool {
        let phase = self.connection.phase.get();
        let (Phase::Resting(due) | Phase::Head(due)) = phase else {
            return phase == Phase::Late;
        };
        // Who is still reading an answer can't be late with the next request.
        if self.credit.is_spent() || !self.alarm.passed(due, cx) {
            return false;
        }
        let late = match phase {
            Phase::Resting(_) => Late::Idle,
            _ if self.connection.due.get().is_body() => Late::Body,
            _ => {
                self.tell(StatusCode::REQUEST_TIMEOUT, cx);
                Late::Head
            }
        };
        self.connection.is_late(late);
        true
    }

    /// Writes a problem to which there is no request, as far as there is room for it.
    fn tell(&mut self, status: StatusCode, cx: &mut Context<'_>) {
        let answer = bare::answer(&self.connection.state, status);
        let _ = self.wire.stream().poll_write(cx, &answer);
    }

    /// Notes that the client reads, and that it may rest from now on if that was the last of an answer.
    fn wrote(&mut self, bytes: usize) {
        if self.credit.book(bytes) && self.connection.phase.get() != Phase::Busy {
            self.connection.rest();
        }
    }

    /// Notes that the client doesn't read.
    ///
    /// # Errors
    /// That it hasn't for too long. The kernel is to forget what it hasn't sent.
    fn stalled(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.alarm.passed(self.credit.end(), cx) {
            return self.reset(Late::Reading).and(Err(ErrorKind::TimedOut.into()));
        }
        Ok(())
    }

    fn reset(&mut self, late: Late) -> io::Result<()> {
        self.connection.state.patience.count.was_late(late);
        self.wire.socket().set_zero_linger()
    }
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.phase.get() != Phase::Late {
            let read = this.hand_over(cx, buf);
            if read.is_ready() {
                if let Phase::Resting(_) = this.connection.phase.get() {
                    this.connection.turn(Phase::Head(within(this.connection.limits().head)));
                }
                return read;
            }
            if !this.late(cx) {
                return Poll::Pending;
            }
        }
        this.connection.phase.set(Phase::Ended);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.replaced {
            return Poll::Ready(Ok(buf.len()));
        }
        if this.connection.settled.get() {
            // No request is in flight, so this is the framework's own answer to what isn't one: without a document, and it would
            // drop the stream next. Having to wait, it closes it in order.
            this.tell(bare::status(buf), cx);
            this.replaced = true;
            this.connection.phase.set(Phase::Ended);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = &buf[..buf.len().min(UNSENT)];
        let write = this.wire.stream().poll_write(cx, piece);
        match &write {
            Poll::Ready(Ok(bytes)) => this.wrote(*bytes),
            Poll::Pending => this.stalled(cx)?,
            Poll::Ready(Err(_)) => {}
        }
        write
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.wire.stream().poll_flush(cx)?.is_pending() {
            this.stalled(cx)?;
            return Poll::Pending;
        }
        // The framework flushes once it has written all that it had.
        this.connection.settle();
        this.wrote(0);
        if this.late(cx) {
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let limits = this.connection.limits();
        let end = *this.linger.get_or_insert_with(|| within(limits.linger));
        if !this.closed {
            this.connection.phase.set(Phase::Ended);
            let closed = this.wire.stream().poll_shutdown(cx)?;
            if closed.is_pending() && this.alarm.passed(end, cx) {
                return Poll::Ready(this.reset(Late::Closing));
            }
            ready!(closed);
            this.closed = true;
            this.wire.give_up_after(limits.write_credit)?;
        }
        // An answer would be lost in a reset if the socket were closed while there is something to read.
        let mut waste = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut waste);
            match Pin::new(this.wire.socket()).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if this.alarm.passed(end, cx) => return Poll::Ready(this.reset(Late::Closing)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
