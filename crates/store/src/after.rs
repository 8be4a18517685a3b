use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Text};

/// Whether a row's columns of text come after these values, in their order: where a page of a list begins.
///
/// It is one comparison of rows, at which both databases begin in an index of the columns.
#[derive(Debug)]
pub struct After<'a> {
    /// The columns, separated by commas, with their table's name; a constant of whoever owns the table.
    pub columns: &'static str,
    /// A value for each.
    pub values: &'a [&'a str],
}

impl<DB> QueryFragment<DB> for After<'_>
where
    DB: Backend + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_sql(self.columns);
        out.push_sql(") > (");
        for (place, value) in self.values.iter().enumerate() {
            out.push_sql(if place == 0 { "" } else { ", " });
            out.push_bind_param::<Text, str>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Its text depends on the columns.
impl QueryId for After<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for After<'_> {
    type SqlType = Bool;
}

impl<QS> AppearsOnTable<QS> for After<'_> {}
impl<QS> SelectableExpression<QS> for After<'_> {}
impl ValidGrouping<()> for After<'_> {
    type IsAggregate = is_aggregate::Never;
}
