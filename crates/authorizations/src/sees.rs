use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Text};
use kernel::SiteId;

/// Whether one of these sites sees the authorization at hand: it owns it, or its servicing provider is the site's own or
/// practises there while the service lasts.
#[derive(Debug)]
pub(crate) struct Sees<'a>(pub(crate) &'a [SiteId]);

impl<DB> QueryFragment<DB> for Sees<'_>
where
    DB: Backend + HasSqlType<Text>,
    SiteId: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.0.is_empty() {
            out.push_sql("false");
            return Ok(());
        }
        for (before, after) in [
            ("(authorizations.site_id in (", ""),
            (
                "exists (select 1 from affiliations a where a.npi = authorizations.servicing_npi \
                 and a.first_on <= authorizations.service_end \
                 and (a.last_on is null or a.last_on >= authorizations.service_start) and a.site_id in (",
                ")",
            ),
            ("exists (select 1 from sites s where s.npi = authorizations.servicing_npi and s.id in (", "))"),
        ] {
            if !before.starts_with('(') {
                out.push_sql(" or ");
            }
            out.push_sql(before);
            for (place, site) in self.0.iter().enumerate() {
                out.push_sql(if place == 0 { "" } else { ", " });
                out.push_bind_param::<Text, _>(site)?;
            }
            out.push_sql(")");
            out.push_sql(after);
        }
        Ok(())
    }
}

/// Its text depends on how many sites there are.
impl QueryId for Sees<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for Sees<'_> {
    type SqlType = Bool;
}

impl<QS> AppearsOnTable<QS> for Sees<'_> {}
impl<QS> SelectableExpression<QS> for Sees<'_> {}
impl ValidGrouping<()> for Sees<'_> {
    type IsAggregate = is_aggregate::Never;
}
