use ::store::{Rx, both};
use diesel::prelude::*;
use kernel::Npi;

use crate::fold::{beyond, fold};
use crate::schema::{provider_words, providers};
use crate::{Error, ProviderKind};

/// What providers are looked for by (AUT-11); all of it must hold, and what isn't given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderQuery {
    /// The NPI.
    pub npi: Option<Npi>,
    /// What they are.
    pub kind: Option<ProviderKind>,
    /// Folded words, each the beginning of a word of the name; see [`ProviderQuery::words`].
    pub words: Vec<String>,
}

/// A provider, as a search shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProvider {
    /// Its NPI.
    pub npi: Npi,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
}

impl ProviderQuery {
    /// The words of `text` to look for; none where there is no letter or digit, or too many words.
    #[must_use]
    pub fn words(text: &str) -> Option<Vec<String>> {
        /// Each costs a look-up.
        const MOST: usize = 8;
        let mut words: Vec<_> = fold(text).split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        // What a longer word finds, the beginning of it finds too.
        words = (0..words.len())
            .filter(|it| words.get(it + 1).is_none_or(|next| !next.starts_with(&words[*it])))
            .map(|it| words[it].clone())
            .collect();
        (1..=MOST).contains(&words.len()).then_some(words)
    }
}

/// A page of at most `limit` providers by NPI, beginning after `after`; and, if there are more, where it ends.
///
/// # Errors
/// If the database can't answer.
pub fn find_providers(
    rx: &mut Rx<'_>,
    query: &ProviderQuery,
    after: Option<&Npi>,
    limit: usize,
) -> Result<(Vec<FoundProvider>, Option<Npi>), Error> {
    let mut rows: Vec<(Npi, String, ProviderKind)> = both!(rx.db(), |db| {
        let mut found = providers::table
            .filter(providers::npi.gt(after.map_or("", Npi::as_str)))
            .order(providers::npi)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
            .select((providers::npi, providers::name, providers::kind))
            .into_boxed();
        for word in &query.words {
            let beginning = provider_words::word.ge(word).and(provider_words::word.lt(beyond(word)));
            let having = provider_words::table.filter(beginning).select(provider_words::npi);
            found = found.filter(providers::npi.eq_any(having));
        }
        if let Some(npi) = &query.npi {
            found = found.filter(providers::npi.eq(npi));
        }
        if let Some(kind) = query.kind {
            found = found.filter(providers::kind.eq(kind));
        }
        found.load(db)
    })?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|it| it.0.clone());
    let provider = |(npi, name, kind)| FoundProvider { npi, name, kind };
    Ok((rows.into_iter().map(provider).collect(), next))
}
