//! Prior authorizations: asked for, decided, and found again.
//!
//! A request is read into a [`NewAuthorization`], whose type can't hold what breaks its form. [`Facts::gather`] asks
//! what the plan knows, [`check`] adds what the rules say of both and proves the rest, and only a request without a flaw
//! becomes a [`Submission`]. A [`Decider`] rules on it before anything is locked; [`submit`] then takes the number, looks for a
//! possible duplicate and writes all of it in one transaction.

mod authorization;
mod benefit;
mod check;
mod close;
mod decide;
mod error;
mod event;
mod facts;
mod lifecycle;
mod list;
mod message;
mod policy;
mod replay;
mod request;
mod schema;
mod store;
mod submit;
mod undecided;

pub use authorization::{
    Authorization, Closing, DecidedBy, Decision, DiagnosisLine, Line, LineDecision, MemberParty, Named,
    OpenDeadline, Parties, Party, PcpParty,
};
pub use benefit::{Balance, benefits};
pub use check::{Checked, check};
pub use close::{NewClosing, ToClose, close};
pub use decide::{LineVerdict, NewDecision, NewLineDecision, ToDecide, Verdict, decide};
pub use error::Error;
pub use facts::Facts;
pub use lifecycle::{Action, LIFECYCLE, PendReason, Status};
pub use list::{Filter, Summary, list};
pub use message::message;
pub use policy::{
    AllowedCode, Decider, Maintenance, NoRuling, Outcome, PlanContact, Policies, Policy, Question, Row,
    Ruling, ServicePolicy,
};
pub use replay::{Replay, replay};
pub use request::{
    NewAuthorization, NewContact, NewLine, RequestType, RequestingProvider, Service, ServicingProvider,
    Setting, Urgency,
};
pub use store::find;
pub use submit::{Submission, submit};
pub use undecided::{DECIDE, Ruled, Undecided, decide_later, undecided};
