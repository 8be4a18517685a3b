use std::fmt;

use chrono::{Datelike, NaiveDate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Date};
use diesel::sqlite::Sqlite;

use crate::{Db, Error};

/// The number of an authorization (AUT-25): a day in the plan's zone and a sequence within it.
///
/// Its order is that of allocation, which the text doesn't keep: past 99,999 the sequence has six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Number {
    /// The day of receipt.
    pub day: NaiveDate,
    /// The place within the day, from 1.
    pub seq: i64,
}

impl Number {
    /// Reads an authorization's ID, in its one form; none where the text is of another.
    ///
    /// Its two-digit year is one of this century's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits =
            |it: &str| it.bytes().all(|it| it.is_ascii_digit()).then_some(()).and_then(|()| it.parse().ok());
        let (day, seq) = text.split_once('R')?;
        let (year, ordinal) = day.split_at_checked(2)?;
        let (year, ordinal): (i64, i64) = (digits(year)?, digits(ordinal)?);
        let day = NaiveDate::from_yo_opt(2000 + i32::try_from(year).ok()?, u32::try_from(ordinal).ok()?)?;
        let it = Self { day, seq: digits(seq)? };
        (it.seq > 0 && it.to_string() == text).then_some(it)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}{:03}R{:05}", self.day.year().rem_euclid(100), self.day.ordinal(), self.seq)
    }
}

/// A question with a yes or no, which a number can be taken along with; any diesel expression over a domain's tables is one.
pub trait Check: Expression<SqlType = Bool> + QueryFragment<Pg> + QueryFragment<Sqlite> + QueryId {}

impl<Q: Expression<SqlType = Bool> + QueryFragment<Pg> + QueryFragment<Sqlite> + QueryId> Check for Q {}

/// Takes the next number of `day`, and answers `check` in the same round trip.
///
/// On PostgreSQL it is how far one sequence has moved since the day began, so no row is locked until commit; see
/// [`open_day`]. On SQLite, whose writer is alone, it is a counter that commits or rolls back with the rest.
pub(crate) fn next(db: &mut Db, day: NaiveDate, check: impl Check) -> Result<(Number, bool), Error> {
    let (seq, yes) = match db {
        Db::Postgres(db) => Distance { day, check }.get_result(db)?,
        Db::Sqlite(db) => {
            use self::number_days::dsl;
            let seq = diesel::insert_into(dsl::number_days)
                .values((dsl::day.eq(day), dsl::mark.eq(1)))
                .on_conflict(dsl::day)
                .do_update()
                .set(dsl::mark.eq(dsl::mark + 1))
                .returning(dsl::mark)
                .get_result(db)?;
            (seq, Alone { check }.get_result(db)?)
        }
    };
    Ok((Number { day, seq }, yes))
}

/// Sets where `day` begins in the sequence, if no one has: outside any transaction, so that the row is never waited for.
///
/// A number is taken only by a statement that already sees the committed base, hence is always beyond it.
pub(crate) fn open_day(db: &mut Db, day: NaiveDate) -> Result<(), Error> {
    if let Db::Postgres(db) = db {
        diesel::sql_query(
            "insert into number_days (day, mark) select $1, nextval('authorization_number') \
             where not exists (select 1 from number_days where day = $1) on conflict (day) do nothing",
        )
        .bind::<Date, _>(day)
        .execute(db)?;
    }
    Ok(())
}

/// A number and a check in one statement, which diesel keeps prepared; `sql_query` would be planned again each time.
#[derive(Debug, QueryId)]
struct Distance<Q> {
    day: NaiveDate,
    check: Q,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Distance<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select (select nextval('authorization_number') - mark from number_days where day = ");
        out.push_bind_param::<Date, _>(&self.day)?;
        out.push_sql("), ");
        self.check.walk_ast(out)
    }
}

impl<Q> Query for Distance<Q> {
    type SqlType = (BigInt, Bool);
}

impl<Q> RunQueryDsl<PgConnection> for Distance<Q> {}

/// A check by itself.
#[derive(Debug, QueryId)]
struct Alone<Q> {
    check: Q,
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Alone<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("select ");
        self.check.walk_ast(out)
    }
}

impl<Q> Query for Alone<Q> {
    type SqlType = Bool;
}

impl<Q> RunQueryDsl<SqliteConnection> for Alone<Q> {}

diesel::table! {
    number_days (day) {
        day -> Date,
        mark -> BigInt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_25_a_number_is_its_year_its_day_and_its_place() {
        let day = NaiveDate::from_ymd_opt(2019, 6, 13).expect("a date");
        assert_eq!(Number { day, seq: 145 }.to_string(), "19164R00145");
        assert_eq!(Number { day, seq: 100_000 }.to_string(), "19164R100000");
        for seq in [1, 145, 99_999, 100_000] {
            let it = Number { day, seq };
            assert_eq!(Number::parse(&it.to_string()), Some(it));
        }
        for text in [
            "",
            "R",
            "19164R",
            "19164R0145",
            "19164R000145",
            "19164R00000",
            "19366R00001",
            "19164r00145",
            "9164R00145",
            "19164R0014é",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert!(Number { day, seq: 99_999 } < Number { day, seq: 100_000 });
    }
}
