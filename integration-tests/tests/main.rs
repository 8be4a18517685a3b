//! The service, driven over real HTTP on SQLite and on PostgreSQL, with a clock that the tests set.

mod support;

mod access;
mod architecture;
mod book;
mod caller;
mod cli;
mod codes;
mod contract;
mod decide;
mod delegations;
mod demo;
mod faults;
mod finders;
mod hostile;
mod inputs;
mod life;
mod list;
mod model;
mod number;
mod once;
mod pages;
mod plans;
mod policy;
mod quiet;
mod review;
mod same;
mod services;
mod submit;
mod trips;
mod users;
mod walkthrough;
mod wire;
