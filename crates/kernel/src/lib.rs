//! The words every other room speaks: codes, ids, periods, faults, lifecycles, time, business days; and how they are read.
//!
//! Nothing here does I/O. A word is a type that can't be wrong: it is made by reading JSON, a row or a URL, and each of
//! these applies the same form. [`body!`], [`word!`] and [`codes!`] declare, in one block, the type, its check and its
//! schema in the contract, so that a constraint is written once.

mod access;
mod calendar;
mod clock;
mod codes;
mod events;
mod fault;
mod id;
mod lifecycle;
mod period;
mod read;
mod word;
mod words;

pub use access::Scope;
pub use calendar::Calendar;
pub use clock::{Clock, ManualClock, SystemClock};
pub use events::{EventType, Owner, TrailAction};
pub use fault::{Fault, FaultRow, Kind};
pub use id::{PrincipalId, RequestId, SiteId, fresh_id};
pub use lifecycle::Lifecycle;
pub use period::Period;
pub use read::{
    At, Count, Draft, Flaw, FlawCode, Flaws, Json, List, Object, OneLine, Patch, Read, Text, Unreadable,
    broken, day,
};
pub use words::{CodeType, DiagnosisCode, MemberId, Modifier, Npi, Phone, ProcedureCode};

/// What the macros call, and nobody else should.
#[doc(hidden)]
pub mod hidden {
    pub use crate::read::support::{
        bare, code, cross, form, may_be_empty, member, members, object, one_of, part, property, text_of, word,
    };
    pub use regex::Regex;
    pub use utoipa::{PartialSchema, ToSchema, openapi::Ref};
    pub use {diesel, serde, utoipa, validator};

    /// A schema, or the name of one.
    pub type Schema = utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>;
}
