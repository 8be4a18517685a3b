//! A webhook: where someone is told of events, and of which.

use chrono::{DateTime, Utc};
use kernel::{
    Draft, EventType, FlawCode, List, OneLine, Patch, PrincipalId, SiteId, Text, body, broken, codes, word,
};
use serde::Serialize;
use validator::ValidationError;

word! {
    /// A webhook.
    pub struct WebhookId = "^whk_[0-9a-f]{32}$", "a webhook's id: `whk_` and 32 hexadecimal digits",
        like "whk_0198c1f2a4b37c10a1b2c3d4e5f60751";
}

word! {
    /// An event.
    pub struct EventId = "^evt_[0-9a-f]{32}$", "an event's id: `evt_` and 32 hexadecimal digits",
        like "evt_0198c1f2a4b37c10a1b2c3d4e5f60761";
}

word! {
    /// An attempt to send an event.
    pub struct AttemptId = "^dlv_[0-9a-f]{32}$", "an attempt's id: `dlv_` and 32 hexadecimal digits",
        like "dlv_0198c1f2a4b37c10a1b2c3d4e5f60771";
}

codes! {
    /// Whether a webhook is sent to.
    pub enum WebhookStatus {
        /// It is told of events.
        Active = "active",
        /// It is told of nothing.
        Disabled = "disabled",
    }
}

codes! {
    /// Why a webhook was disabled.
    pub enum DisabledFor {
        /// Someone asked for it.
        Asked = "asked",
        /// It answered 410.
        Gone = "gone",
        /// Nothing succeeded for five days.
        Failing = "failing",
    }
}

codes! {
    /// Why an attempt got no answer.
    pub enum DeliveryFailure {
        /// Its address, or one that its name stands for, isn't open to everyone; nothing was connected to.
        AddressRefused = "address_refused",
        /// No address is known for its name.
        NameUnknown = "name_unknown",
        /// Nothing took the connection.
        Unreachable = "unreachable",
        /// Its certificate isn't good, or it doesn't speak TLS.
        Tls = "tls",
        /// There was no answer within 15 seconds.
        TimedOut = "timed_out",
        /// The connection broke, or what came is no HTTP.
        Broken = "broken",
        /// Its secrets can't be opened any more: rotate them.
        SecretsLost = "secrets_lost",
        /// Its owner may no longer see what the event is about, or it isn't told of that site any more.
        NotPermitted = "not_permitted",
    }
}

body! {
    /// Where someone wants to be told of events, and of which.
    pub struct NewWebhook {
        /// The address: https, at port 443 or 8443, without user and fragment; one that everyone can reach.
        url: OneLine<1, 2000> => "",
        /// What it is for.
        description: Option<OneLine<1, 200>> => "",
        /// The types of events; all, where left out.
        types: Option<List<EventType, 1, 64>> => "",
        /// The sites whose events are told; where left out, all of its owner's: those that come later, too, and none that was lost.
        site_ids: Option<List<SiteId, 1, 200>> => "",
    }
}

body! {
    /// What becomes of a webhook. What is left out stays as it is.
    pub struct WebhookChange where something {
        /// The address, as for a new one.
        url: Patch<OneLine<1, 2000>> => "",
        /// What it is for; null for nothing.
        description: Patch<Option<OneLine<1, 200>>> => "",
        /// The types of events; null for all.
        types: Patch<Option<List<EventType, 1, 64>>> => "",
        /// The sites whose events are told; null for all of its owner's, which its owner alone may ask for.
        site_ids: Patch<Option<List<SiteId, 1, 200>>> => "",
    }
}

body! {
    /// What whoever changes a webhook has to say.
    pub struct NewWebhookMove {
        /// In words, for the trail.
        reason: Option<Text<1, 255>> => "",
    }
}

body! {
    /// From where on a webhook is told again.
    pub struct NewReplay {
        /// The id of an event, of which the next one is the first; or an instant (RFC 3339).
        after: OneLine<1, 64> => "",
    }
}

fn something(it: &Draft<WebhookChange>) -> Result<(), ValidationError> {
    let same = matches!(it.url, Some(None)) && matches!(it.description, Some(None));
    if same && matches!(it.types, Some(None)) && matches!(it.site_ids, Some(None)) {
        return Err(broken("", "", FlawCode::Required, "Must name what is to be changed."));
    }
    Ok(())
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Who made it.
    pub owner_id: PrincipalId,
    /// Where it is.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The types of events; empty for all.
    pub types: Vec<String>,
    /// Whether it is told of all of its owner's sites, whichever these are.
    pub all_sites: bool,
    /// The sites whose events are told, as of now.
    pub site_ids: Vec<SiteId>,
    /// Whether it is sent to.
    pub status: WebhookStatus,
    /// Why not.
    pub disabled_for: Option<DisabledFor>,
    /// Its public key.
    pub public_key: String,
    /// Until when the secrets of before sign, too.
    pub old_until: Option<DateTime<Utc>>,
    /// Since when nothing succeeded.
    pub failing_since: Option<DateTime<Utc>>,
    /// How often it was changed, from 1.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Webhook {
    /// The site under which it stands in the trail and among the events: the first of its sites.
    pub(crate) fn site(&self) -> Option<String> {
        self.site_ids.first().map(ToString::to_string)
    }
}

/// An attempt to send an event, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id, which sorts by time.
    pub id: AttemptId,
    /// The event.
    pub event_id: String,
    /// The event's type.
    pub topic: String,
    /// Which attempt it was, from 1.
    pub attempt: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// What was answered.
    pub status: Option<i32>,
    /// Why nothing was.
    pub failure: Option<DeliveryFailure>,
    /// How long it took.
    pub milliseconds: i32,
    /// When it is tried again; none where it isn't.
    pub next_at: Option<DateTime<Utc>>,
}
