use kernel::faults;

faults! {
    /// Why a webhook could not be read or changed.
    pub enum Error {
        /// There is none with this ID, or not for this caller, who can't tell the two apart.
        NotFound => NotFound, "webhook-not-found", "", "There is no such webhook.";
        /// The caller named a site that isn't granted to it.
        SiteNotPermitted => Forbidden, "site-not-permitted", "",
            "The site named in site_id is not one of yours. GET /v1/me lists those that are.";
        /// One owner has so many active webhooks and no more.
        TooMany => Conflict, "webhook-limit", "",
            "You have ten active webhooks already. Disable one, or have one be told of more.";
        /// Someone changed it since the caller read it.
        Stale => Stale, "webhook-changed", "",
            "The webhook changed since you read it. Read it again, and send the ETag of that answer in If-Match.";
        /// A webhook that is disabled is sent nothing.
        Disabled => Conflict, "webhook-disabled", "", "The webhook is disabled. Enable it first.";
        /// The webhook is disabled already, or enabled.
        Unchanged => Conflict, "webhook-unchanged", "", "The webhook is so already.";
    } or {
        /// The database could not answer.
        Store(::store::Error),
        /// A fact could not be had.
        Registry(registry::Error),
    }
}

impl From<diesel::result::Error> for Error {
    fn from(it: diesel::result::Error) -> Self {
        Self::Store(it.into())
    }
}
