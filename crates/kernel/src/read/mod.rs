//! Reading a body so that every flaw of it is known at once (AUT-05).
//!
//! 1. [`Json::parse`] turns bytes into a tree, or refuses them whole: bad syntax, a member named twice, too deep.
//! 2. [`Read::read`] turns the tree into a [`Draft`] and a list of [`Flaws`]. Each member is read on its own, so a broken
//!    one costs only itself. Rules between fields see the members that passed, and add to the list.
//! 3. Rules that need a database do the same with the draft. Only then is it made whole.
//!
//! No submitted value is ever in a flaw; the names of unknown members are, since a caller needs them to find the place.

mod body;
mod flaw;
mod json;
mod object;
mod patch;
pub(crate) mod support;
mod text;
mod values;

pub use flaw::{At, Flaw, FlawCode, Flaws};
pub use json::{Json, Unreadable};
pub use object::Object;
pub use patch::Patch;
pub use text::{OneLine, Text};
pub use values::{Count, Draft, List, Read, broken, day};
