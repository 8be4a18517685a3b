//! The bodies of requests and answers, watched where the one is waited for and the other begins and ends.

use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::{HttpMessage, Request};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::Instant;

use super::connection::{Call, Connection};
use super::count::Late;
use super::due::{Chunk, Due};
use super::waiting::{Alarm, Credit, within};

/// The most of an answer that is copied for writing at once; the framework would copy all of it.
const PIECE: usize = 32 * 1024;

/// The body of a request, and how long its sender may still have us wait. Time in which no one asks for it costs nothing.
struct Upload {
    body: Payload,
    connection: Rc<Connection>,
    alarm: Alarm,
    credit: Credit,
    end: Option<Instant>,
}

/// Begins the call of `request`, whose body, if it has one, is watched from now on.
pub(super) fn begin(request: &mut Request) -> Call {
    let body = request.take_payload();
    let connection = request.conn_data::<Rc<Connection>>().expect("every stream brings its connection along");
    let call = Call::begin(connection, length(request, &body));
    if !matches!(body, Payload::None) {
        let limits = call.0.limits();
        let payload = Box::pin(Upload {
            body,
            connection: Rc::clone(&call.0),
            alarm: Alarm::default(),
            credit: Credit::new(limits.body_credit, limits.rate),
            end: None,
        });
        *request.payload() = Payload::Stream { payload };
    }
    call
}

/// How long a body is, as the framework read the head. What has no end is never handed over.
fn length(request: &Request, body: &Payload) -> Due {
    let said = || request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok();
    match body {
        Payload::None => Due::Nothing,
        _ if request.chunked().unwrap_or(false) => Due::Chunked(Chunk::First),
        _ => said().map_or(Due::Nothing, Due::Sized),
    }
}

impl Stream for Upload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let end = *this.end.get_or_insert_with(|| within(this.connection.limits().body));
        let next = Pin::new(&mut this.body).poll_next(cx);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => drop(this.credit.book(bytes.len())),
            Poll::Pending if this.alarm.passed(end.min(this.credit.end()), cx) => {
                this.connection.is_late(Late::Body);
                return Poll::Ready(Some(Err(PayloadError::Io(ErrorKind::TimedOut.into()))));
            }
            _ => {}
        }
        next
    }
}

/// The body of an answer, in pieces; its request is in flight until it ends.
pub(super) struct Download {
    body: BoxBody,
    rest: Bytes,
    _call: Call,
}

impl Download {
    pub(super) fn new(body: BoxBody, call: Call) -> Self {
        Self { body, rest: Bytes::new(), _call: call }
    }
}

impl MessageBody for Download {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(PIECE.min(this.rest.len()));
        Poll::Ready(Some(Ok(piece)))
    }
}
