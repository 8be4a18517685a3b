//! How long the service waits for its clients, and for how many: HTTP/1.1 over a stream of ours that holds the deadlines.
//!
//! The framework stops an idle connection and a slow first head, and waits for the rest as long as the client likes. So its own
//! timers are off, and a socket is wrapped in a [`Patient`] stream, which knows what its connection is doing: resting, reading a
//! head, busy with a request, or closing. A stream whose client is late reports the end of its input, after which the framework
//! closes in order. Nothing is registered or swept: the deadlines of a connection live in the task that serves it. A stream hands over
//! one request at a time ([`due::Due`]).

mod bare;
mod bodies;
mod connection;
mod count;
mod due;
mod seats;
mod stream;
mod tls;
mod waiting;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{ConnectionType, HttpService, KeepAlive, Request, Response};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use socket2::{Domain, Socket, Type};

use self::bodies::Download;
use self::connection::Phase;
use self::seats::Seats;
use self::stream::Patient;
use crate::{State, config};

pub use count::{Count, Late};
pub use tls::Tls;
pub(crate) use waiting::{Since, within};

/// How many bytes the kernel may hold for a connection without having sent them.
const UNSENT: usize = 16 * 1024;

/// How long, and for how much, clients may have the service wait; `defaults.toml` says what each means.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Limits {
    pub head: Duration,
    pub idle: Duration,
    pub body: Duration,
    pub body_credit: Duration,
    pub write_credit: Duration,
    pub linger: Duration,
    pub rate: u32,
    pub per_address: usize,
    pub connections: usize,
}

impl From<&config::Limits> for Limits {
    fn from(it: &config::Limits) -> Self {
        let seconds = |it: u32| Duration::from_secs(it.into());
        Self {
            head: seconds(it.head),
            idle: seconds(it.idle),
            body: seconds(it.body),
            body_credit: seconds(it.body_credit),
            write_credit: seconds(it.write_credit),
            linger: seconds(it.linger),
            rate: it.rate,
            per_address: it.per_address,
            connections: if it.connections == 0 { seats::room() } else { it.connections },
        }
    }
}

/// How connections are taken, and what became of them.
pub struct Patience {
    limits: Limits,
    proxies: Vec<IpAddr>,
    tls: Option<Tls>,
    seats: Seats,
    /// What was counted, for metrics.
    pub count: Count,
}

impl Patience {
    /// With these limits, of which that of an address doesn't hold for `proxies`; and with TLS, or without.
    #[must_use]
    pub fn new(limits: Limits, proxies: &[IpAddr], tls: Option<Tls>) -> Self {
        let proxies = proxies.iter().map(IpAddr::to_canonical).collect();
        Self { limits, proxies, tls, seats: Seats::default(), count: Count::default() }
    }
}

impl Patience {
    /// When the service's own certificate expires, in seconds since 1970, if it has one.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.tls.as_ref().map(Tls::expires)
    }
}

/// Listens at `address`. The kernel keeps more connections that aren't taken yet than it does by default, lest those who come in a
/// crowd have to knock again a second later.
///
/// # Errors
/// If no one can, or someone does already.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(2048)?;
    Ok(socket.into())
}

/// Serves `app` on `listener` within the limits, as the framework's own server would without any. SIGTERM lets requests in flight
/// finish for 30 s, if `signals`.
///
/// # Errors
/// If the listener can't be used.
pub(crate) fn serve<F, I, S>(
    state: Data<State>,
    listener: TcpListener,
    workers: usize,
    signals: bool,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error, InitError = ()> + 'static,
    S::Response: Into<Response<BoxBody>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
{
    let builder = Server::build().workers(workers).shutdown_timeout(30);
    // A few more than get a seat, so that who gets none is refused instead of waiting; but never as many as come.
    let builder = builder.max_concurrent_connections(state.patience.limits.connections.div_ceil(workers) + 8);
    let builder = if signals { builder } else { builder.disable_signals() };
    let stop = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let app = map_config(app(), |()| AppConfig::default()).map_err(|it: Error| it.error_response());
        let watched = apply_fn_factory(app, |mut request: Request, app: &_| {
            // Whoever asks for another protocol isn't given it; the framework closes after the answer, and would say otherwise.
            let upgrade = request.head().connection_type() == ConnectionType::Upgrade;
            let call = bodies::begin(&mut request);
            let answer = Service::call(app, request);
            async move {
                let mut answer: Response<BoxBody> = answer.await?.into();
                if upgrade || call.0.phase.get() != Phase::Busy {
                    answer.head_mut().set_connection_type(ConnectionType::Close);
                }
                Ok::<_, HttpResponse>(answer.map_body(|_, body| Download::new(body, call)))
            }
        });
        let (state, stop) = (Data::clone(&state), stop.clone());
        let http = HttpService::build()
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(Duration::ZERO)
            .graceful_shutdown_signal(move || {
                let stop = stop.clone();
                async move { stop.notified().await }
            })
            .on_connect_ext(|io: &Patient, data| {
                data.insert(Rc::clone(&io.connection));
            })
            .h1(watched);
        fn_service(move |io: TcpStream| Patient::accept(Data::clone(&state), io))
            .map_err(DispatchError::Io)
            .and_then(http)
    })?;
    Ok(builder.run())
}
