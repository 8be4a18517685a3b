//! The rows below an authorization, read in its own statement: each table as one column of JSON.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Text};
use diesel::sqlite::Sqlite;

/// A subselect on the authorization at hand, as a list of JSON objects.
#[derive(Debug)]
pub(crate) struct Children {
    /// Names and columns, in turn.
    members: &'static str,
    order: &'static str,
    table: &'static str,
    /// What the rows name, where they don't have its number.
    subject: Option<String>,
}

impl Children {
    pub(crate) const LINES: Self = Self {
        members: "'number', c.line, 'status', c.status, 'code_type', c.code_type, 'code', c.code, \
                  'modifiers', c.modifiers, 'description', c.description, 'requested', c.requested, \
                  'authorized', c.authorized, 'used', c.used",
        order: "c.line",
        table: "authorization_lines",
        subject: None,
    };

    pub(crate) const DIAGNOSES: Self = Self {
        members: "'code', c.code, 'description', c.description",
        order: "c.place",
        table: "authorization_diagnoses",
        subject: None,
    };

    pub(crate) const fn open_deadlines(subject: String) -> Self {
        Self {
            members: "'rule', c.rule, 'due_at', c.due_at",
            order: "c.due_at",
            table: "deadlines",
            subject: Some(subject),
        }
    }

    fn walk<'b, DB>(&'b self, list: &str, object: &str, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend + HasSqlType<Text>,
        String: ToSql<Text, DB>,
    {
        let Self { members, order, table, subject } = self;
        for part in ["(select coalesce(cast(", list, "(", object, "(", members, ") order by ", order] {
            out.push_sql(part);
        }
        for part in [") as text), '[]') from ", table, " c where "] {
            out.push_sql(part);
        }
        if let Some(subject) = subject {
            out.push_sql("c.met_at is null and c.subject = ");
            out.push_bind_param::<Text, _>(subject)?;
        } else {
            out.push_sql(
                "c.number_day = authorizations.number_day and c.number_seq = authorizations.number_seq",
            );
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for Children {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk("json_agg", "json_build_object", out)
    }
}

impl QueryFragment<Sqlite> for Children {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk("json_group_array", "json_object", out)
    }
}

/// Its text differs from one to the next, so that diesel must look at it to know a prepared statement again.
impl QueryId for Children {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for Children {
    type SqlType = Text;
}

impl<QS> AppearsOnTable<QS> for Children {}
impl<QS> SelectableExpression<QS> for Children {}
impl ValidGrouping<()> for Children {
    type IsAggregate = is_aggregate::Never;
}
