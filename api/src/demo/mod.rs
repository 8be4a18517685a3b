//! The demo profile: a made-up plan, and keys that it makes itself. It listens on loopback only.

mod issuer;
mod plan;

pub use issuer::{Issuer, secret};
pub use plan::{Loaded, MEMBERS, load};
