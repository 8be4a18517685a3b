//! What this room tells the outbox.

use ::store::{Event, Tx};
use kernel::EventType;

use crate::Authorization;

/// Leaves `topic` in the outbox, as the last of the events that `it` has had.
pub(crate) fn tell(tx: &mut Tx<'_>, it: &Authorization, topic: EventType) {
    tx.emit(Event {
        topic,
        subject: it.id(),
        site_id: Some(it.site_id.to_string()),
        status: it.status.to_string(),
        version: it.version,
        sequence: it.events,
    });
}
