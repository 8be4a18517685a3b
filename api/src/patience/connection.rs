//! What the stream of a connection and the requests on it share.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use actix_web::web::Data;
use tokio::time::Instant;

use super::Limits;
use super::count::Late;
use super::due::Due;
use super::seats::Seat;
use super::waiting::within;
use crate::State;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    /// Nothing has come since the last answer; it may rest until then.
    Resting(Instant),
    /// The head of a request is due by then.
    Head(Instant),
    /// A request is in flight.
    Busy,
    /// The client was too slow, or sent what is no chunk: the stream is to report the end of its input.
    Late,
    /// The stream has reported the end of its input.
    Ended,
}

/// The part of a connection that the stream and the requests on it share.
pub(super) struct Connection {
    pub(super) phase: Cell<Phase>,
    /// Whether a request is in flight, be the connection late or not.
    pub(super) in_flight: Cell<bool>,
    /// Whether all that was answered so far is written, so that whatever comes next answers no request.
    pub(super) settled: Cell<bool>,
    /// What may be handed over next.
    pub(super) due: Cell<Due>,
    /// Who is to be woken once something may.
    pub(super) reader: Cell<Option<Waker>>,
    pub(super) state: Data<State>,
    _seat: Seat,
}

impl Connection {
    /// One whose first request has to have a head by `due`.
    pub(super) fn new(state: Data<State>, seat: Seat, due: Instant) -> Self {
        Self {
            phase: Cell::new(Phase::Head(due)),
            in_flight: Cell::new(false),
            settled: Cell::new(true),
            due: Cell::new(Due::HEAD),
            reader: Cell::new(None),
            state,
            _seat: seat,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.state.patience.limits
    }

    /// Goes to another phase, unless it is about to end.
    pub(super) fn turn(&self, phase: Phase) {
        if !matches!(self.phase.get(), Phase::Late | Phase::Ended) {
            self.phase.set(phase);
        }
    }

    /// Has this be handed over next, whoever waited for it.
    fn expect(&self, due: Due) {
        self.due.set(due);
        if due != Due::Nothing
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    /// Notes that all that was answered so far is written, and lets the next request come.
    pub(super) fn settle(&self) {
        if !self.in_flight.get() && !self.settled.replace(true) && self.due.get() == Due::Nothing {
            self.expect(Due::HEAD);
        }
    }

    /// Waits for the next request from now on.
    pub(super) fn rest(&self) {
        self.turn(Phase::Resting(within(self.limits().idle)));
    }

    /// Has it end, because its client was late.
    pub(super) fn is_late(&self, with: Late) {
        self.state.patience.count.was_late(with);
        self.phase.set(Phase::Late);
    }
}

/// A request in flight: once it is gone, the connection rests.
pub(super) struct Call(pub(super) Rc<Connection>);

impl Call {
    /// One that came on `connection`, and of which `due` is still to come.
    pub(super) fn begin(connection: &Rc<Connection>, due: Due) -> Self {
        connection.turn(Phase::Busy);
        connection.in_flight.set(true);
        connection.settled.set(false);
        connection.expect(due);
        Self(Rc::clone(connection))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.in_flight.set(false);
        self.0.rest();
    }
}
