//! What the service sends to addresses that others name: only by https, only to addresses that anyone may reach, and signed.
//!
//! A name is resolved once for each connection, and its addresses are checked before one of them is connected to: nothing resolves it
//! again in between. Nothing redirects, no proxy of the environment is used, and little of an answer is read.

mod address;
mod client;
mod seal;
mod sign;

pub use address::{Rules, Target, Wrong};
pub use client::{Answer, Client, Failure, Found, Head, Lookup, Settings, SystemLookup};
pub use seal::Seal;
pub use sign::{Secrets, signed};
