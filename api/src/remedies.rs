//! What a client does about each problem: whether it sends the request again, in a few words, and what else.

use crate::refusal::{self, Refusal};

/// What to do about some problems.
pub struct Remedy {
    slugs: &'static [&'static str],
    /// Whether to send the same request again, in Markdown.
    pub again: &'static str,
    /// What to do, in Markdown.
    pub remedy: &'static str,
    /// The place in the book that says more.
    pub place: &'static str,
}

macro_rules! remedies {
    ($($($slug:literal)|+ => $again:literal, $place:literal, $remedy:literal;)+) => {
        const REMEDIES: &[Remedy] = &[$(Remedy {
            slugs: &[$($slug),+], again: $again, remedy: $remedy, place: $place,
        }),+];
    };
}

remedies! {
    "unreadable-body" => "corrected", "errors.md#the-order-of-the-checks",
        "Send JSON in UTF-8 as a JSON library writes it. `detail` says where reading stopped; nothing was changed.";
    "not-json" => "corrected", "errors.md#the-order-of-the-checks",
        "Send the body with `Content-Type: application/json`, in UTF-8, and without a `Content-Encoding`. It wasn't read.";
    "body-too-large" => "corrected", "errors.md#the-order-of-the-checks",
        "Send less: the contract says how long each text and each list may be, and together they stay far below the limit.";
    "invalid-body" => "corrected", "errors.md#broken-fields",
        "Show the user what `errors` says, at the field that each `pointer` names, and send the corrected body. Nothing was changed, \
         and the `Idempotency-Key` of this request is free again.";
    "invalid-parameter" => "no: the program is wrong", "lists.md",
        "Correct each parameter that `errors` lists. A cursor is sent back as it came, by the same caller to the same list with \
         the same filters; where it's refused, begin with the first page.";
    "malformed-request" => "no: the program is wrong", "errors.md#the-order-of-the-checks",
        "Send it with an HTTP library, to a path, without `Upgrade`; on a new connection.";
    "wrong-host" => "no: the program is wrong", "callers.md#browsers-and-hosts",
        "Use the address that the plan gave you, and let your HTTP library write `Host`. Whoever runs the service behind a \
         proxy names its names in the setting `hosts`.";
    "idempotency-key-required" => "with the header put right", "idempotency.md#keys",
        "Make a key for each intent, such as a UUID, keep it with what you are about to send, and send it in `Idempotency-Key`, \
         the same one whenever you send that request again.";
    "idempotency-key-invalid" => "with the header put right", "idempotency.md#keys",
        "Send one `Idempotency-Key` of 1 to 255 visible ASCII characters, such as a UUID.";
    "idempotency-key-reused" => "with a new key, if it is meant as a new request", "idempotency.md#keys",
        "If it is meant as a new request, send it with a new key. If it is meant as the first one again, send the very bytes of \
         the first: then you get its answer. The key stays taken: it belongs to a request that took effect.";
    "idempotency-in-flight" => "yes, with the same key", "idempotency.md#keys",
        "Wait a moment, and send the same request with the same key: you get the answer of the one that is under way. A new \
         key would do it twice.";
    "if-match-required" | "if-match-invalid" => "with the header put right", "idempotency.md#versions",
        "Read the thing, and send the `ETag` of that answer in `If-Match` as it is, in its quotes.";
    "unauthenticated" => "with a new token", "callers.md#tokens",
        "Get a new access token where you got this one, a person's from the plan's OpenID provider, a system client's from `POST \
         /v1/oauth/token`, and send the request again with it; once, not in a loop.";
    "invalid-client" => "once, with a new assertion", "callers.md#system-clients",
        "Sign a new assertion, with a `jti` of its own and good for five minutes at most, with a key that the plan has on record, and \
         send that; once. If it is refused again, compare its `kid`, its `aud` and your clock, and then ask the plan.";
    "invalid-request" | "unsupported-grant-type" => "no: the program is wrong", "callers.md#system-clients",
        "Send the three parameters as a form, each once, with `grant_type=client_credentials`.";
    "invalid-scope" => "no: ask the plan, or the site, for what is missing", "callers.md#what-a-scope-opens",
        "Leave `scope` out to get all that the client may have, or ask for some of those.";
    "unauthorized-client" => "no: ask the plan, or the site, for what is missing", "callers.md#system-clients",
        "Have the administrator of a site, or the plan, put a delegation to your client on record; then ask for a token again.";
    "step-up-required" => "once, with the token of a new and stronger login", "access.md#a-recent-and-strong-login",
        "Have the user log in anew, with one of `acr_values` and no longer than `max_age` seconds ago as `WWW-Authenticate` says, and \
         send the same request with the token of that login; once, not in a loop. Nothing was changed.";
    "not-permitted" => "no: ask the plan for the permission, if it should be there", "callers.md#roles-and-scopes",
        "Compare the scopes that `GET /v1/me` lists with those that the operation takes. If your role has it and your token \
         doesn't, get a token with that scope; else ask the plan.";
    "site-not-permitted" => "no: ask the plan for the permission, if it should be there", "callers.md#sites",
        "Take the `site_id` from those that `GET /v1/me` lists. If the site is missing there, its administrator grants it.";
    "clinician-only" => "no: ask the plan for the permission, if it should be there", "access.md#separation-of-duties",
        "Leave it to a physician reviewer. `actions` of the authorization lists what you may do yourself.";
    "action-not-yours" => "no: ask the plan for the permission, if it should be there", "lifecycle.md#moves",
        "Read the authorization again, and offer only what its `actions` lists.";
    "role-not-grantable" => "no: ask the plan for the permission, if it should be there", "access.md#roles-and-grants",
        "Of the site's own people, grant and withdraw the roles of a site. For an agent, record a delegation, or end it.";
    "plan-only" => "no: ask the plan for the permission, if it should be there", "access.md#roles-and-grants",
        "Ask one of the plan's administrators to do it.";
    "agents-do-not-delegate" => "no: ask the plan for the permission, if it should be there", "access.md#roles-and-grants",
        "Have the site itself, or the plan, put the other agent on record.";
    "no-emergencies" => "no: ask the plan for the permission, if it should be there", "access.md#emergency-access",
        "A person with a role at a site or at the plan opens it. A program doesn't try.";
    "not-a-reviewer" => "no: ask the plan for the permission, if it should be there", "access.md#emergency-access",
        "Leave it to one of the plan's compliance officers.";
    "no-emergency-access" => "with an emergency access that is open, if there is reason for one", "access.md#emergency-access",
        "Leave the header out where you may see the member anyway. In an emergency, open an access with `POST \
         /v1/emergency-access`, and name the `id` of its answer; it is over after an hour, and at its review.";
    "origin-not-permitted" => "no: the program is wrong", "callers.md#browsers-and-hosts",
        "Ask the plan to name your page's origin in the setting `cors_origins`. From there, send only methods and headers that \
         the contract names.";
    "own-request" | "own-grant" | "second-person-required" => "no: another person does it", "access.md#separation-of-duties",
        "Have another person do it: not another login of the same one. Nothing was changed.";
    "own-emergency" => "no: another person does it", "access.md#separation-of-duties",
        "Have another compliance officer review it.";
    "authorization-not-found" | "user-not-found" | "grant-not-found" | "delegation-not-found" | "webhook-not-found"
        => "no: the ID is wrong, or it is none of your sites' to see", "access.md#the-decision",
        "Compare the ID with what the service answered when the thing was made or listed, and look in `GET /v1/me` whether its \
         site is one of yours. Don't try other IDs: who keeps asking for what isn't there is slowed down.";
    "client-not-found" | "emergency-access-not-found" => "no: the id is wrong", "access.md#the-decision",
        "Take the id from the list of them, and compare.";
    "route-not-found" => "no: the program is wrong", "README.md",
        "Compare the path, letter for letter, with those of the contract: `/docs` shows it, `/openapi.json` is it.";
    "method-not-allowed" => "no: the program is wrong", "README.md",
        "Use one of the methods that the header `Allow` lists.";
    "request-timeout" => "yes", "idempotency.md#what-to-send-again",
        "Send it again, on a new connection, with the same `Idempotency-Key` if it has one. Nothing was changed.";
    "authorization-action-not-permitted" => "no: `allowed_actions` lists what may be done instead", "lifecycle.md#moves",
        "Read the authorization again: someone moved it, or your list of moves is an old one. `allowed_actions` lists what you may \
         do instead; where it is empty, there is nothing.";
    "delegation-action-not-permitted" => "no: `allowed_actions` lists what may be done instead", "access.md#roles-and-grants",
        "Read the delegation again. `allowed_actions` lists what may be done to it as it is.";
    "grant-action-not-permitted" => "no: `allowed_actions` lists what may be done instead", "access.md#roles-and-grants",
        "Read the user again. `allowed_actions` lists what may be done to the grant as it is.";
    "beyond-benefit" => "no: a physician reviewer may grant less", "lifecycle.md#the-header-follows-the-lines",
        "Look with `POST /v1/members/eligibility` at what is left, and have a physician reviewer grant no more than that.";
    "grant-exists" | "user-unchanged" | "client-unchanged" | "webhook-unchanged" | "emergency-access-reviewed" => "no: it is so already",
        "idempotency.md#what-to-send-again",
        "Read it again and go on: it is already as you wanted it, or someone else was quicker. Nothing was changed.";
    "user-exists" => "no: it is so already", "access.md#roles-and-grants",
        "If it is the same person, grant the role to the user who is there: send the request with `site_id` and `role`. If it is \
         another person, they need a login of their own.";
    "emergency-access-unreviewed" => "once the last one is reviewed", "access.md#emergency-access",
        "Ask the plan's compliance officers to review your last one. After a finding that it wasn't justified you open none \
         for this member.";
    "last-administrator" => "once there is another administrator", "access.md#roles-and-grants",
        "Grant the role to someone else, wait until that is in force, and send the request again.";
    "user-changed" => "yes", "idempotency.md#what-to-send-again",
        "Read the user again. If you still mean it, send the same request again, with the same `Idempotency-Key`: nothing was changed.";
    "request-overtaken" | "day-turned" => "yes", "idempotency.md#what-to-send-again",
        "Send the same request again at once, with the same `Idempotency-Key`: nothing was changed, and it is checked against \
         what holds now.";
    "webhook-disabled" => "once it is enabled", "webhooks.md#what-fails",
        "Look why it was disabled, put that right, and enable it with `POST /v1/webhooks/{id}/enable`.";
    "webhook-limit" => "once another one is disabled", "webhooks.md#a-webhook",
        "Disable one that you no longer need, or have one webhook be told of more topics.";
    "authorization-changed" => "after reading it again, with its new ETag", "idempotency.md#versions",
        "Read the authorization again, look at what changed, and send the request with its new `ETag` if you still mean it.";
    "webhook-changed" => "after reading it again, with its new ETag", "idempotency.md#versions",
        "Read the webhook again, look at what changed, and send the request with its new `ETag` if you still mean it.";
    "user-stale" | "delegation-changed" => "after reading it again, with its new ETag", "idempotency.md#versions",
        "Read it again, look at what changed, and send the request with its new `ETag` if you still mean it.";
    "client-changed" => "after reading it again, with its new ETag", "idempotency.md#versions",
        "Read the client again, look at what changed, and send the request with its new `ETag` if you still mean it.";
    "too-many-requests" => "yes, after as many seconds as `Retry-After` says, with the same key", "callers.md#limits",
        "Wait as many seconds as `Retry-After` says, and send the same request again, with the same `Idempotency-Key`. Watch \
         `RateLimit` to stay below: `r` is how many more requests are answered at once, and `t` in how many seconds it is whole again.";
    "headers-too-large" => "no: the program is wrong", "errors.md#the-order-of-the-checks",
        "Send fewer or shorter headers and a shorter address, on a new connection.";
    "internal" => "yes, with the same key; and tell the plan the `instance`", "idempotency.md#what-to-send-again",
        "Nothing is wrong with the request. Tell the plan the `instance`; send it again with the same `Idempotency-Key`, if it has one.";
    "database-unavailable" | "not-ready" => "yes", "idempotency.md#what-to-send-again",
        "Wait as many seconds as `Retry-After` says, longer each time, and send the same request again, with the same `Idempotency-Key`. \
         Nothing was changed.";
    "trail-unavailable" => "yes", "access.md#the-trail",
        "Wait as many seconds as `Retry-After` says, longer each time, and send the same request again, with the same `Idempotency-Key`.";
    "storage-full" => "yes, once the plan has made room", "operations.md",
        "Tell the plan. Keep what you wanted to send, with its `Idempotency-Key`, and send it once there is room; reading goes on.";
    "outcome-unknown" => "yes, with the same key; without one, look first", "idempotency.md#when-the-outcome-is-not-known",
        "Send the same request with the same `Idempotency-Key`: it is done once, and you get its answer. Without a key, read \
         first whether it was done.";
}

/// What to do about the problem `slug`, if it has words of its own.
#[must_use]
pub fn of(slug: &str) -> Option<&'static Remedy> {
    REMEDIES.iter().find(|it| it.slugs.contains(&slug))
}

/// What to do about a problem, in Markdown: what its status asks for, where it has no words of its own.
#[must_use]
pub fn remedy(it: &Refusal) -> &'static str {
    of(it.slug).map_or_else(|| refusal::remedy(it.status), |it| it.remedy)
}
