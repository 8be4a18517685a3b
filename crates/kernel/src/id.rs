use chrono::{DateTime, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use crate::word;

word! {
    /// A site: a billing location with portal users (AUT-09).
    pub struct SiteId = "^site_[0-9a-f]{32}$", "a site's id: `site_` and 32 hexadecimal digits",
        like "site_0198c1f2a4b37c10a1b2c3d4e5f60718";
}

word! {
    /// Someone who calls: a person (`usr_`) or a system client (`cli_`).
    pub struct PrincipalId = "^(usr|cli)_[0-9a-f]{32}$", "a user's or a client's id: `usr_` or `cli_` and 32 hexadecimal digits",
        like "usr_0198c1f2a4b37c10a1b2c3d4e5f60701";
}

word! {
    /// A request, as its caller named it or as we did.
    pub struct RequestId = "^[A-Za-z0-9_-]{1,64}$", "1 to 64 letters, digits, `_` or `-`",
        like "req_0198c1f2a4b37c10a1b2c3d4e5f60799";
}

/// A new id: `<prefix>_` and a `UUIDv7` as 32 hex digits, which sorts by `now`; its other bits are random.
#[must_use]
pub fn fresh_id(prefix: &str, now: DateTime<Utc>) -> String {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let at = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
    format!("{prefix}_{}", Uuid::new_v7(at).simple())
}
