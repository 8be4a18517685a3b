//! The gateway: the one room that knows HTTP, tokens and the environment.
//!
//! A request passes [`frame`](mod@frame) (its id, its log line, problems for everything), then the extractors of its handler:
//! [`Caller`](caller::Caller), whose type is the permission that the operation takes, and [`Body`](body::Body), which
//! knows every flaw at once. The handler hands a closure to the store and turns what comes back into a
//! [`Reply`](reply::Reply).

pub mod body;
pub mod book;
pub mod caller;
pub mod cli;
pub mod codes;
pub mod config;
pub mod contract;
pub mod cors;
pub mod cursor;
mod database_url;
pub mod decisions;
pub mod deliveries;
pub mod demo;
mod event_body;
mod examples;
pub mod fixed;
pub mod form;
pub mod frame;
pub mod headers;
pub mod host;
pub mod hosts;
pub mod jobs;
pub mod keys;
pub mod load;
pub mod log;
mod meets;
pub mod metrics;
pub mod misses;
pub mod openapi;
pub mod pages;
pub mod patience;
pub mod policies;
pub mod problem;
pub mod query;
pub mod rates;
pub mod ready;
pub mod refusal;
pub mod remedies;
pub mod reply;
pub mod routes;
mod secrets;
pub mod server;
pub mod state;
mod trail;
pub mod verify;
mod wrong;
mod yaml;

pub use problem::Problem;
pub use state::State;
