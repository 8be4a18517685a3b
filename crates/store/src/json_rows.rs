//! The rows below another, read in its own statement: a table as one column of JSON.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Text};
use diesel::sqlite::Sqlite;

/// A subselect that is a list of JSON objects, `[]` where there are none.
///
/// It is SQL as it stands, so that its parts are constants of whoever owns the tables; only `subject` comes from outside.
#[derive(Debug)]
pub struct JsonRows {
    /// Names and columns, in turn; the table's alias is `c`.
    pub members: &'static str,
    /// The table.
    pub table: &'static str,
    /// Which rows; where there is a `subject`, it follows as a parameter.
    pub filter: &'static str,
    /// What the filter ends with.
    pub subject: Option<String>,
    /// What they are sorted by.
    pub order: &'static str,
}

impl JsonRows {
    fn walk<'b, DB>(&'b self, list: &str, object: &str, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend + HasSqlType<Text>,
        String: ToSql<Text, DB>,
    {
        let Self { members, table, filter, subject, order } = self;
        for part in ["(select coalesce(cast(", list, "(", object, "(", members, ") order by ", order] {
            out.push_sql(part);
        }
        for part in [") as text), '[]') from ", table, " c where ", filter] {
            out.push_sql(part);
        }
        if let Some(subject) = subject {
            out.push_bind_param::<Text, _>(subject)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for JsonRows {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk("json_agg", "json_build_object", out)
    }
}

impl QueryFragment<Sqlite> for JsonRows {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk("json_group_array", "json_object", out)
    }
}

/// Its text differs from one to the next, so that diesel must look at it to know a prepared statement again.
impl QueryId for JsonRows {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for JsonRows {
    type SqlType = Text;
}

impl<QS> AppearsOnTable<QS> for JsonRows {}
impl<QS> SelectableExpression<QS> for JsonRows {}
impl ValidGrouping<()> for JsonRows {
    type IsAggregate = is_aggregate::Never;
}
