use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

/// A struct that is one row of a table; [`rows!`](crate::rows) writes the implementation.
pub trait Row: Send + Sized + 'static {
    /// One vector for each column.
    type Columns: Send + 'static;

    /// Turns rows into columns, as `unnest` takes them.
    fn columns(rows: Vec<Self>) -> Self::Columns;

    /// Writes `insert into … select * from unnest(…)`, whose text doesn't depend on how many rows there are.
    ///
    /// # Errors
    /// If a value can't be written for the database.
    fn walk<'b>(columns: &'b Self::Columns, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;

    /// Inserts one row, by a statement that stays prepared.
    ///
    /// # Errors
    /// Whatever the database refuses.
    fn insert(&self, db: &mut SqliteConnection) -> QueryResult<()>;
}

/// Rows of one table that wait for the transaction to end.
pub trait Pending: Send {
    /// Inserts them one by one: without a network between, that is the fastest.
    ///
    /// # Errors
    /// Whatever the database refuses.
    fn insert(&self, db: &mut SqliteConnection) -> QueryResult<()>;

    /// Makes them part of one statement.
    fn part(self: Box<Self>) -> Box<dyn Part>;
}

/// One table's share of a statement that inserts into several.
pub trait Part: Send {
    /// Writes the share.
    ///
    /// # Errors
    /// If a value can't be written for the database.
    fn walk<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

pub(crate) struct Rows<R>(pub(crate) Vec<R>);

impl<R: Row> Pending for Rows<R> {
    fn insert(&self, db: &mut SqliteConnection) -> QueryResult<()> {
        self.0.iter().try_for_each(|row| row.insert(db))
    }

    fn part(self: Box<Self>) -> Box<dyn Part> {
        Box::new(Columns::<R>(R::columns(self.0), PhantomData))
    }
}

struct Columns<R: Row>(R::Columns, PhantomData<fn() -> R>);

impl<R: Row> Part for Columns<R> {
    fn walk<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        R::walk(&self.0, out)
    }
}

/// Every pending row in one statement and one round trip: `with r0 as (insert …), r1 as (insert …) insert …`.
///
/// Foreign keys among them are checked when the statement ends, so their order doesn't matter. The text depends only on
/// which tables take part, so the connection prepares it once.
struct AtOnce(Vec<Box<dyn Part>>);

impl QueryFragment<Pg> for AtOnce {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((last, others)) = self.0.split_last() else { return Ok(()) };
        for (index, part) in others.iter().enumerate() {
            out.push_sql(if index == 0 { "with r" } else { ", r" });
            out.push_sql(&index.to_string());
            out.push_sql(" as (");
            part.walk(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(" ");
        last.walk(out)
    }
}

impl QueryId for AtOnce {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for AtOnce {}

/// Inserts all of `pending`.
pub(crate) fn insert(db: &mut crate::Db, pending: Vec<Box<dyn Pending>>) -> QueryResult<()> {
    if pending.is_empty() {
        return Ok(());
    }
    match db {
        crate::Db::Postgres(db) => {
            AtOnce(pending.into_iter().map(Pending::part).collect()).execute(db).map(drop)
        }
        crate::Db::Sqlite(db) => pending.iter().try_for_each(|it| it.insert(db)),
    }
}

/// Declares a struct that is one row of a `table!`; a field that isn't a column, or isn't of its type, doesn't compile.
#[macro_export]
macro_rules! rows {
    ($(#[$meta:meta])* $vis:vis struct $name:ident for $table:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, diesel::Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        $vis struct $name { $($(#[$doc])* pub $field: $type,)+ }

        impl $crate::Row for $name {
            type Columns = ($(Vec<$type>,)+);

            fn columns(rows: Vec<Self>) -> Self::Columns {
                $(let mut $field = Vec::with_capacity(rows.len());)+
                for row in rows {
                    $($field.push(row.$field);)+
                }
                ($($field,)+)
            }

            fn walk<'b>(
                columns: &'b Self::Columns,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                let ($($field,)+) = columns;
                out.push_sql(concat!("insert into ", stringify!($table)));
                let mut between = " (";
                $(
                    out.push_sql(std::mem::replace(&mut between, ", "));
                    out.push_identifier(stringify!($field))?;
                )+
                let mut between = ") select * from unnest(";
                $(
                    out.push_sql(std::mem::replace(&mut between, ", "));
                    out.push_bind_param::<diesel::sql_types::Array<diesel::dsl::SqlTypeOf<$table::$field>>, _>($field)?;
                )+
                out.push_sql(")");
                Ok(())
            }

            fn insert(&self, db: &mut diesel::SqliteConnection) -> diesel::QueryResult<()> {
                diesel::RunQueryDsl::execute(diesel::insert_into($table::table).values(self), db).map(drop)
            }
        }
    };
}
