use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Text};

/// Whether a column of text is one of these values; false where there are none.
///
/// Unlike diesel's `eq_any` it stays prepared on SQLite, where parsing costs more than a small query does.
#[derive(Debug)]
pub struct AnyOf<'a, T> {
    /// The column, with its table's name; a constant of whoever owns the table.
    pub column: &'static str,
    /// The values.
    pub values: &'a [T],
}

impl<T, DB> QueryFragment<DB> for AnyOf<'_, T>
where
    DB: Backend + HasSqlType<Text>,
    T: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.values.is_empty() {
            out.push_sql("false");
            return Ok(());
        }
        out.push_sql(self.column);
        out.push_sql(" in (");
        for (place, value) in self.values.iter().enumerate() {
            out.push_sql(if place == 0 { "" } else { ", " });
            out.push_bind_param::<Text, _>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Its text depends on how many values there are.
impl<T> QueryId for AnyOf<'_, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Expression for AnyOf<'_, T> {
    type SqlType = Bool;
}

impl<T, QS> AppearsOnTable<QS> for AnyOf<'_, T> {}
impl<T, QS> SelectableExpression<QS> for AnyOf<'_, T> {}
impl<T> ValidGrouping<()> for AnyOf<'_, T> {
    type IsAggregate = is_aggregate::Never;
}
