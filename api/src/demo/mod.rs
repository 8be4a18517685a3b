//! The demo profile: a made-up plan, and keys that it makes itself. It listens on loopback only.

mod issuer;
mod plan;
mod requests;

pub use issuer::{Issuer, secret};
pub use plan::{Loaded, MEMBERS, load};
pub use requests::{REQUESTS, ask};
