use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Text};
use kernel::SiteId;

/// Whether one of these sites renders the service at hand: its servicing provider is the site's own, or practises there
/// while the service lasts.
///
/// The columns are those of whoever asks, with their table's name.
#[derive(Debug)]
pub struct Renders<'a> {
    /// The sites.
    pub sites: &'a [SiteId],
    /// The column of the servicing provider's NPI.
    pub npi: &'static str,
    /// The column of the first day.
    pub first_on: &'static str,
    /// The column of the last day.
    pub last_on: &'static str,
}

impl<DB> QueryFragment<DB> for Renders<'_>
where
    DB: Backend + HasSqlType<Text>,
    SiteId: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Self { sites, npi, first_on, last_on } = *self;
        if sites.is_empty() {
            out.push_sql("false");
            return Ok(());
        }
        let push = |parts: &[&str], out: &mut AstPass<'_, 'b, DB>| -> QueryResult<()> {
            for part in parts {
                out.push_sql(part);
            }
            for (place, site) in sites.iter().enumerate() {
                out.push_sql(if place == 0 { "" } else { ", " });
                out.push_bind_param::<Text, _>(site)?;
            }
            out.push_sql("))");
            Ok(())
        };
        let practises =
            ["(exists (select 1 from affiliations a where a.npi = ", npi, " and a.first_on <= ", last_on];
        let then = [" and (a.last_on is null or a.last_on >= ", first_on, ") and a.site_id in ("];
        push(&[&practises[..], &then].concat(), &mut out)?;
        push(&[" or exists (select 1 from sites s where s.npi = ", npi, " and s.id in ("], &mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Its text depends on how many sites there are.
impl QueryId for Renders<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for Renders<'_> {
    type SqlType = Bool;
}

impl<QS> AppearsOnTable<QS> for Renders<'_> {}
impl<QS> SelectableExpression<QS> for Renders<'_> {}
impl ValidGrouping<()> for Renders<'_> {
    type IsAggregate = is_aggregate::Never;
}
