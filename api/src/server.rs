//! The HTTP server around the routes.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App, HttpServer};

use crate::frame::frame;
use crate::{State, body, cors, openapi, pages, routes};

/// A server of the routes on `listener`, to be awaited. SIGTERM lets requests in flight finish for 30 s, if `signals`.
///
/// # Errors
/// If the listener can't be used.
pub fn serve(state: Data<State>, listener: TcpListener, workers: usize, signals: bool) -> io::Result<Server> {
    let contract = Data::new(openapi::contract());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&state))
            .app_data(Data::clone(&contract))
            .app_data(PayloadConfig::new(body::LIMIT))
            .configure(routes::configure)
            .configure(pages::configure)
            .default_service(web::to(routes::unmatched))
            .wrap(Condition::new(!state.cors_origins.is_empty(), cors::grant(&state.cors_origins)))
            .wrap(from_fn(frame))
    });
    let server = server.workers(workers).keep_alive(Duration::from_secs(15)).shutdown_timeout(30);
    let server = server.client_request_timeout(Duration::from_secs(5)).listen(listener)?;
    Ok(if signals { server } else { server.disable_signals() }.run())
}
