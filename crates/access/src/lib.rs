//! Users: who they are, what each is granted, and who acts for whom.
//!
//! A user's version counts the changes of the user and of all of their grants; each change is one event, of the user or of the grant. Whoever grants does so
//! below their own ceiling and never to themselves, the roles of the plan take two people, and a site is never without an
//! administrator (S-10). What is read before a write says what to lock; the write itself reads it again.

mod activity;
mod administrator;
mod change;
mod create;
mod delegate;
mod emergency;
mod error;
mod find;
mod grant;
mod lifecycle;
mod moves;
mod on_record;
mod rules;

pub use activity::{ToSwitch, disable, enable};
pub use administrator::add_administrator;
pub use create::{Login, NewUser, NewUserContact, ToCreate, UserKind, create};
pub use delegate::{NewDelegation, ToDelegate, record_delegation};
pub use emergency::{
    NewEmergency, NewReview, ToOpen, ToReview, find_emergency, has_emergencies, list_emergencies,
    open_emergency, review_emergency,
};
pub use error::Error;
pub use find::{find, list, list_delegations};
pub use grant::{NewGrant, ToGrant, grant};
pub use lifecycle::{DELEGATIONS, DelegationAction, GrantAction, GrantStatus, LIFECYCLE, status};
pub use moves::{NewApproval, NewReason, ToMove, approve, withdraw};
pub use on_record::{ToSettle, approve_delegation, end_delegation, find_delegation};
