//! The HTTP server around the routes.

use std::io;
use std::net::TcpListener;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{self, Data, PayloadConfig};

use crate::frame::frame;
use crate::{State, body, cors, openapi, pages, patience, routes};

/// A server of the routes on `listener`, to be awaited. SIGTERM lets requests in flight finish for 30 s, if `signals`.
///
/// # Errors
/// If the listener can't be used.
pub fn serve(state: Data<State>, listener: TcpListener, workers: usize, signals: bool) -> io::Result<Server> {
    let contract = Data::new(openapi::contract());
    let shared = Data::clone(&state);
    patience::serve(state, listener, workers, signals, move || {
        App::new()
            .app_data(Data::clone(&shared))
            .app_data(Data::clone(&contract))
            .app_data(PayloadConfig::new(body::LIMIT))
            .configure(routes::configure)
            .configure(pages::configure)
            .default_service(web::to(routes::unmatched))
            .wrap(Condition::new(!shared.cors_origins.is_empty(), cors::grant(&shared.cors_origins)))
            .wrap(from_fn(frame))
    })
}
