//! Events, told to those who asked to be told.
//!
//! Each committed event gets a position; whoever polls reads on from one, and what is due to a webhook waits in its queue. A webhook
//! is sent to by one node at a time, which holds its lease; events of one subject go in their order, and what fails is tried again
//! for days, with the same id. A webhook is told only of what its owner may still see when it is told.

mod alter;
mod attempts;
mod change;
mod create;
mod endpoint;
mod error;
mod find;
mod relay;
mod result;
mod schedule;
mod schema;
mod store;
mod turn;

pub use alter::{ToChange, change};
pub use change::{ToMove, ToReplay, ToRotate, disable, enable, replay, rotate, test};
pub use create::{ToAdd, add};
pub use endpoint::{
    Attempt, AttemptId, DeliveryFailure, DisabledFor, EventId, NewReplay, NewWebhook, NewWebhookMove,
    Webhook, WebhookChange, WebhookId, WebhookStatus,
};
pub use error::Error;
pub use find::{attempts, events, find, list};
pub use relay::{Work, overdue, purge, relay, work};
pub use result::{Kept, Outcome, record};
pub use turn::{Due, Turn, claim, due, finish, permitted, release};
