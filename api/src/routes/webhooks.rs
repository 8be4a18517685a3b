//! Events and webhooks: who is told of what, and what became of it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, patch, post};
use kernel::{Draft, EventType, FlawCode, Flaws, PrincipalId, Scope, SiteId, fresh_id};
use registry::Access;
use store::{Rx, Tx};
use webhooks::{AttemptId, Error, NewWebhook, ToAdd, ToChange, Webhook, WebhookChange, WebhookId};

use super::asked::{Asked, changed};
use super::webhook_body::{AttemptBody, AttemptPage, EventPage, WebhookBody, WebhookPage, opened};
use crate::body::Body;
use crate::caller::{Caller, ListsWebhooks, ManagesWebhooks, ReadsEvents, ReadsWebhooks};
use crate::event_body::EventBody;
use crate::headers::{IfMatch, Once};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// Read events
///
/// What happened to what the caller's sites own, the oldest first; whoever sees the whole plan sees all of it. Each page says where to
/// read on, whether there is more or not: poll with that, and nothing is missed or told twice. It is a feed, and no list that ends:
/// `next_cursor` is never null, there is no `Link`, and an empty page means that nothing has happened since. Stop there, and ask again
/// later.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(
        ("type" = Option<EventType>, Query, description = "Only events of this type."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "The `next_cursor` of the page before; from the first event on, where left out.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = EventPage))
)]
#[get("/v1/events")]
pub(crate) async fn list_events(
    state: Data<State>,
    caller: Caller<ReadsEvents>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let (mut sent, cursors) =
        (Parameters::of(&request), state.cursors.of("events", &caller.credential.login));
    let topic = sent.one_of("type", EventType::ALL, EventType::as_str);
    let limit = sent.limit(50, 200);
    let read = |it: &str| cursors.read(it, |it| it.parse::<i64>().ok());
    let after = sent.get("after", FlawCode::Format, "the next_cursor of a page", read).unwrap_or(0);
    let list = move |rx: &mut Rx<'_>, who: &Access, ()| webhooks::events(rx, who, after, topic, limit);
    let (found, next) = state.read(&caller, sent.check(), list).await?;
    let data = found.into_iter().map(EventBody::from).collect();
    Ok(Reply::of(&EventPage { data, next_cursor: cursors.after(&next) })?)
}

/// Add a webhook
///
/// It is told of each event of its sites from here on, signed as Standard Webhooks says. The answer shows the secret, which is read
/// nowhere else; for seven days a repetition of the request with its key shows it again. A program's webhooks are its own; those of a site's administrators are theirs who administer all of its sites.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:update"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$")),
    request_body(content = NewWebhook, description = "Where, and of what."),
    responses((status = 201, description = "The webhook, with its secret.", body = WebhookBody, headers(
        ("ETag" = String, description = "Its version."), ("Location" = String, description = "Where it is."))))
)]
#[post("/v1/webhooks")]
pub(crate) async fn create_webhook(
    state: Data<State>,
    caller: Caller<ManagesWebhooks>,
    once: Once,
    body: Body<NewWebhook>,
) -> Result<Reply, Problem> {
    let check = |draft: &_, facts, flaws: &mut Flaws| to_add(&state, draft, facts, flaws);
    let add = |tx: &mut Tx<'_>, who: &Access, it: ToAdd| {
        let sealed = it.sealed().to_owned();
        let it = webhooks::add(tx, who, it)?;
        let location = format!("/v1/webhooks/{}", it.id);
        Ok::<_, Error>(WebhookBody::reply(it, Some(sealed))?.created(location))
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    opened(&state.deliveries, asked.answered(ToAdd::gather, check, add).await?)
}

/// Adds that its address is none that is sent to, if so; what it comes to, with new secrets.
fn to_add(
    state: &State,
    draft: &Draft<NewWebhook>,
    facts: (PrincipalId, Option<Vec<SiteId>>),
    flaws: &mut Flaws,
) -> Option<ToAdd> {
    let url = target(state, draft.url.as_deref()?, flaws)?;
    let id = WebhookId::parse(&fresh_id("whk", state.clock.now()))?;
    let secrets = state.deliveries.secrets(&id)?;
    ToAdd::check(draft, facts, id, url, secrets)
}

/// The address as it is kept; or adds that it is none that is sent to.
fn target(state: &State, url: &str, flaws: &mut Flaws) -> Option<String> {
    let found = state.deliveries.client.target(url);
    if found.is_err() {
        let detail = "Must be an address of https that everyone can reach, at port 443 or 8443, without user and fragment.";
        flaws.add("/url", FlawCode::Format, detail);
    }
    found.ok().map(|it| it.as_str().to_owned())
}

/// Change a webhook
///
/// Where it is, and of what it is told: what is left out stays as it is. Its secrets stay, and what waits for it is sent in its order to
/// where it is then; of a site that it isn't told of any more nothing is. Whether it is told of all of its owner's sites, its owner alone
/// may say.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:update"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("If-Match" = String, Header, description = "The ETag of the webhook as you last read it.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = WebhookChange, description = "What becomes of it."),
    responses((status = 200, description = "The webhook.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))))
)]
#[patch("/v1/webhooks/{id}")]
pub(crate) async fn change_webhook(
    state: Data<State>,
    caller: Caller<ManagesWebhooks>,
    id: Path<String>,
    read: IfMatch,
    body: Body<WebhookChange>,
) -> Result<Reply, Problem> {
    let id = WebhookId::parse(&id);
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, draft: &_| ToChange::gather(rx, who, draft, id.as_ref());
    let check = |draft: &Draft<WebhookChange>, it: Webhook, flaws: &mut Flaws| {
        let url = draft.url.as_ref()?.as_deref().map(|it| target(&state, it, flaws));
        ToChange::check(draft, it, url.map_or(Some(None), |it| it.map(Some))?)
    };
    let change = |tx: &mut Tx<'_>, who: &Access, it, version| {
        Ok::<_, Error>(WebhookBody::reply(webhooks::change(tx, who, it, version)?, None)?)
    };
    changed((&state, &caller), (read, body), gather, check, change).await
}

/// List the webhooks
///
/// Those that the caller sees, disabled ones too, in the order in which they were made.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = WebhookPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/webhooks")]
pub(crate) async fn list_webhooks(
    state: Data<State>,
    caller: Caller<ListsWebhooks>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let (mut sent, cursors) =
        (Parameters::of(&request), state.cursors.of("webhooks", &caller.credential.login));
    let limit = sent.limit(50, 200);
    let place = |it: &str| cursors.read(it, WebhookId::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", place);
    let list = move |rx: &mut Rx<'_>, who: &Access, ()| webhooks::list(rx, who, after.as_ref(), limit);
    let (found, next) = state.read(&caller, sent.check(), list).await?;
    let next_cursor = next.map(|it| cursors.after(&it));
    let page = WebhookPage { data: found.into_iter().map(WebhookBody::from).collect(), next_cursor };
    Ok(Reply::of(&page)?.next(page.next_cursor.as_ref().map(|it| sent.next("/v1/webhooks", it))))
}

/// See a webhook
///
/// Without its secret, which is shown only when it is made.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force."),
    ),
    responses(
        (status = 200, description = "The webhook.", body = WebhookBody, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it."),
    )
)]
#[get("/v1/webhooks/{id}")]
pub(crate) async fn get_webhook(
    state: Data<State>,
    caller: Caller<ReadsWebhooks>,
    id: Path<String>,
) -> Result<Reply, Problem> {
    let find = |rx: &mut Rx<'_>, who: &Access, id: WebhookId| {
        let it = webhooks::find(rx, who, Scope::WebhooksRead, &id)?;
        Ok::<_, Error>(WebhookBody::reply(it, None)?)
    };
    let id = WebhookId::parse(&id).ok_or_else(|| Problem::from(Error::NotFound));
    state.read(&caller, id, find).await
}

/// See what became of what a webhook was sent
///
/// Each attempt of the last 30 days, the latest first.
#[utoipa::path(
    tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^whk_[0-9a-f]{32}$", example = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751"),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = AttemptPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/webhooks/{id}/deliveries")]
pub(crate) async fn list_webhook_deliveries(
    state: Data<State>,
    caller: Caller<ListsWebhooks>,
    id: Path<String>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let (mut sent, cursors) =
        (Parameters::of(&request), state.cursors.of("deliveries", &caller.credential.login));
    let limit = sent.limit(50, 200);
    let place = |it: &str| cursors.read(it, AttemptId::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", place);
    let of = sent.check().and_then(|()| WebhookId::parse(&id).ok_or_else(|| Error::NotFound.into()));
    let list = move |rx: &mut Rx<'_>, who: &Access, id: WebhookId| {
        webhooks::attempts(rx, who, &id, after.as_ref(), limit)
    };
    let (found, next) = state.read(&caller, of, list).await?;
    let next_cursor = next.map(|it| cursors.after(&it));
    let page = AttemptPage { data: found.into_iter().map(AttemptBody::from).collect(), next_cursor };
    let path = format!("/v1/webhooks/{id}/deliveries");
    Ok(Reply::of(&page)?.next(page.next_cursor.as_ref().map(|it| sent.next(&path, it))))
}
