use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use kernel::{FlawCode, Npi};
use registry::{Access, FoundProvider, ProviderKind, ProviderQuery};
use serde::Serialize;
use store::Rx;
use utoipa::ToSchema;

use crate::caller::{Caller, ReadsProviders};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "providers";

/// A page of providers.
#[derive(Serialize, ToSchema)]
struct ProviderPage {
    data: Vec<ProviderRow>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A provider.
#[derive(Serialize, ToSchema)]
struct ProviderRow {
    npi: Npi,
    /// Its name.
    name: String,
    r#type: ProviderKind,
}

/// Find providers
///
/// By NPI, by words of the name, or by both (AUT-11), ordered by NPI; without either, all of them. Each word of `q` is the
/// beginning of a word of the name; capitals, accents and punctuation don't count.
#[utoipa::path(
    tag = "finders",
    security(("bearer" = ["providers:read"])),
    params(
        ("q" = Option<String>, Query, description = "1 to 8 words of the name, or their beginnings.", min_length = 1, max_length = 100, example = "bay nurs"),
        ("npi" = Option<Npi>, Query, description = "The one with this NPI."),
        ("type" = Option<ProviderKind>, Query, description = "Only persons, or only organizations."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = ProviderPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/providers")]
pub(crate) async fn list_providers(
    state: Data<State>,
    caller: Caller<ReadsProviders>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let (query, limit) = (query(&mut sent), sent.limit(50, 200));
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let place = |it: &str| cursors.read(it, Npi::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", place);
    let of_one = query.npi.is_some() && after.is_none();
    let asked = sent.check().map(|()| (query, after));
    let find = move |rx: &mut Rx<'_>, _: &Access, (query, after): (_, Option<Npi>)| {
        registry::find_providers(rx, &query, after.as_ref(), limit.into())
    };
    let (found, next) = state.read(&caller, asked, find).await?;
    if of_one && found.is_empty() {
        state.missed(&caller).await;
    }
    let next_cursor = next.map(|it| cursors.after(&it));
    let page = ProviderPage { data: found.into_iter().map(ProviderRow::from).collect(), next_cursor };
    Ok(Reply::of(&page)?.next(page.next_cursor.as_ref().map(|it| sent.next("/v1/providers", it))))
}

/// What is looked for.
fn query(sent: &mut Parameters) -> ProviderQuery {
    let words = |it: &str| ProviderQuery::words(it).filter(|_| it.chars().count() <= 100);
    let expected = "1 to 8 words with letters or digits, at most 100 characters in all";
    let npi = "an NPI: ten digits, the first 1 or 2, the last a right check digit";
    ProviderQuery {
        npi: sent.get("npi", FlawCode::Format, npi, Npi::parse),
        kind: sent.one_of("type", ProviderKind::ALL, ProviderKind::as_str),
        words: sent.get("q", FlawCode::Format, expected, words).unwrap_or_default(),
    }
}

impl From<FoundProvider> for ProviderRow {
    fn from(FoundProvider { npi, name, kind }: FoundProvider) -> Self {
        Self { npi, name, r#type: kind }
    }
}
