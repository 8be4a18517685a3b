//! The service, driven over real HTTP on SQLite and on PostgreSQL, with a clock that the tests set.

mod support;

mod access;
mod architecture;
mod caller;
mod cli;
mod contract;
mod decide;
mod faults;
mod life;
mod list;
mod model;
mod number;
mod once;
mod same;
mod submit;
mod trips;
