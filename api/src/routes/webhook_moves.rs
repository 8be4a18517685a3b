//! What becomes of a webhook.

use actix_web::post;
use actix_web::web::{Data, Path};
use kernel::Flaws;
use registry::Access;
use store::{Rx, Tx};
use webhooks::{Error, NewReplay, NewWebhookMove, ToMove, ToReplay, ToRotate, Webhook, WebhookId};

use super::asked::Asked;
use super::webhook_body::{WebhookBody, opened};
use crate::body::Body;
use crate::caller::{Caller, ManagesWebhooks, ReplaysWebhooks};
use crate::headers::{IfMatch, Once};
use crate::reply::Reply;
use crate::{Problem, State};

/// Rotate a webhook's secrets
///
/// The answer shows the new secret, which is read nowhere else; for seven days a repetition of the request with its key shows it again. For 24 hours whatever is sent is signed with the new secrets and with those
/// of before, so that the receiver may change whenever it likes.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:update"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),        ("If-Match" = Option<String>, Header, description = "The ETag of the webhook as you last read it; left out, it is done whatever was changed since.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewWebhookMove, description = "Why, if there is something to say."),
    responses((status = 200, description = "The webhook, with its secret.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/webhooks/{id}/rotate")]
pub(crate) async fn rotate_webhook(
    state: Data<State>,
    caller: Caller<ManagesWebhooks>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewWebhookMove>,
) -> Result<Reply, Problem> {
    let id = WebhookId::parse(&id);
    let gather = move |rx: &mut Rx<'_>, who: &Access, _: &_| ToMove::gather(rx, who, id.as_ref());
    let check = |draft: &_, it: Webhook, flaws: &mut Flaws| {
        let (public_key, sealed) = state.deliveries.secrets(&it.id)?;
        Some(ToRotate { of: ToMove::check(draft, it, flaws)?, public_key, sealed })
    };
    let rotate = |tx: &mut Tx<'_>, who: &Access, it: ToRotate, version| {
        let sealed = it.sealed.clone();
        Ok::<_, Error>(WebhookBody::reply(webhooks::rotate(tx, who, it, version)?, Some(sealed))?)
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    opened(&state.deliveries, asked.answered_at(read, gather, check, rotate).await?)
}

/// Try a webhook out
///
/// Sends it an event of the type `webhook.test`, whatever types it is told of; what became of that is among its deliveries.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:update"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),        ("If-Match" = Option<String>, Header, description = "The ETag of the webhook as you last read it; left out, it is done whatever was changed since.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewWebhookMove, description = "Why, if there is something to say."),
    responses((status = 200, description = "The webhook.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/webhooks/{id}/test")]
pub(crate) async fn test_webhook(
    state: Data<State>,
    caller: Caller<ManagesWebhooks>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewWebhookMove>,
) -> Result<Reply, Problem> {
    let asked = Asked { state: &state, caller: &caller, once, body };
    moved(asked, &id, read, webhooks::test).await
}

/// Disable a webhook
///
/// It is told of nothing more, and what waits for it is thrown away.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:update"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),        ("If-Match" = Option<String>, Header, description = "The ETag of the webhook as you last read it; left out, it is done whatever was changed since.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewWebhookMove, description = "Why, if there is something to say."),
    responses((status = 200, description = "The webhook.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/webhooks/{id}/disable")]
pub(crate) async fn disable_webhook(
    state: Data<State>,
    caller: Caller<ManagesWebhooks>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewWebhookMove>,
) -> Result<Reply, Problem> {
    let asked = Asked { state: &state, caller: &caller, once, body };
    moved(asked, &id, read, webhooks::disable).await
}

/// Enable a webhook
///
/// It is told of what happens from here on; POST /v1/webhooks/{id}/replay tells it of what happened in the meantime.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:update"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),        ("If-Match" = Option<String>, Header, description = "The ETag of the webhook as you last read it; left out, it is done whatever was changed since.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewWebhookMove, description = "Why, if there is something to say."),
    responses((status = 200, description = "The webhook.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/webhooks/{id}/enable")]
pub(crate) async fn enable_webhook(
    state: Data<State>,
    caller: Caller<ManagesWebhooks>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewWebhookMove>,
) -> Result<Reply, Problem> {
    let asked = Asked { state: &state, caller: &caller, once, body };
    moved(asked, &id, read, webhooks::enable).await
}

/// Have a webhook told again
///
/// Each event of its sites after the one that is named, or from an instant on, is sent to it again, with the id that it had.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:replay"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),        ("If-Match" = Option<String>, Header, description = "The ETag of the webhook as you last read it; left out, it is done whatever was changed since.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewReplay, description = "From where on."),
    responses((status = 200, description = "The webhook.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/webhooks/{id}/replay")]
pub(crate) async fn replay_webhook(
    state: Data<State>,
    caller: Caller<ReplaysWebhooks>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewReplay>,
) -> Result<Reply, Problem> {
    let id = WebhookId::parse(&id);
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, draft: &_| ToReplay::gather(rx, who, draft, id.as_ref());
    let replay = |tx: &mut Tx<'_>, who: &Access, it: ToReplay, version| {
        Ok::<_, Error>(WebhookBody::reply(webhooks::replay(tx, who, &it, version)?, None)?)
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered_at(read, gather, ToReplay::check, replay).await
}

/// Does what a move of one's own webhook takes.
async fn moved(
    asked: Asked<'_, ManagesWebhooks, NewWebhookMove>,
    id: &str,
    read: IfMatch,
    work: fn(&mut Tx<'_>, &Access, ToMove, Option<i32>) -> Result<Webhook, Error>,
) -> Result<Reply, Problem> {
    let id = WebhookId::parse(id);
    let gather = move |rx: &mut Rx<'_>, who: &Access, _: &_| ToMove::gather(rx, who, id.as_ref());
    let done = move |tx: &mut Tx<'_>, who: &Access, it, version| {
        Ok::<_, Error>(WebhookBody::reply(work(tx, who, it, version)?, None)?)
    };
    asked.answered_at(read, gather, ToMove::check, done).await
}
