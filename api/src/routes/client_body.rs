//! System clients, as callers see them.

use chrono::{DateTime, Utc};
use kernel::{PrincipalId, Scope};
use registry::{Client, ClientKeySource};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::party_body::ContactBody;

/// A page of system clients.
#[derive(Serialize, ToSchema)]
pub(super) struct ClientPage {
    pub(super) data: Vec<ClientBody>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub(super) next_cursor: Option<String>,
}

/// A system client.
#[derive(Serialize, ToSchema)]
pub(super) struct ClientBody {
    id: PrincipalId,
    /// Its name.
    name: String,
    /// Whether it may call.
    active: bool,
    /// The scopes beyond which no role of its reaches; null where there is no such bound.
    #[schema(required = true)]
    scopes: Option<Vec<Scope>>,
    /// Whom to call about its requests.
    #[schema(required = true)]
    contact: Option<ContactBody>,
    /// Its public keys, a JWK set; null where it publishes them, or has none.
    #[schema(required = true, value_type = Option<Object>)]
    jwks: Option<Value>,
    /// Where it publishes them.
    #[schema(required = true)]
    jwks_url: Option<String>,
    /// How often it was changed, from 1.
    #[schema(minimum = 1)]
    version: i32,
    /// When it was registered.
    created_at: DateTime<Utc>,
}

impl From<Client> for ClientBody {
    fn from(it: Client) -> Self {
        let (jwks, jwks_url) = match it.keys {
            Some(ClientKeySource::Set(set)) => (serde_json::from_str(&set).ok(), None),
            Some(ClientKeySource::Url(url)) => (None, Some(url)),
            None => (None, None),
        };
        Self {
            id: it.id,
            name: it.name,
            active: it.active,
            scopes: it.ceiling,
            contact: it.contact.map(|it| ContactBody { name: it.name, phone: it.phone }),
            jwks,
            jwks_url,
            version: it.version,
            created_at: it.created_at,
        }
    }
}
