//! What was told after a backup isn't in it: a restored database skips ahead, so that nothing is told twice.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date};

use crate::{Db, Error};

/// How far: beyond whatever can have been given since the backup.
const GAP: i64 = 1_000_000;

/// The migration since which events have positions.
const POSITIONS: &str = "20261122000007";

/// Has the next number of `today` and the next event's position be none that was given before.
pub(super) fn leave(db: &mut Db, schema: &BTreeSet<String>, today: NaiveDate) -> Result<(), Error> {
    db.batch_execute("begin")?;
    numbers(db, today)?;
    if schema.contains(POSITIONS) {
        positions(db)?;
    }
    db.batch_execute("commit")?;
    Ok(())
}

fn numbers(db: &mut Db, today: NaiveDate) -> Result<(), Error> {
    match db {
        // The day begins before the gap, also where its first number was given after the backup.
        Db::Postgres(db) => {
            let begin = "insert into number_days (day, mark) select $1, nextval('authorization_number') \
                         where not exists (select 1 from number_days where day = $1)";
            diesel::sql_query(begin).bind::<Date, _>(today).execute(db)?;
            let skip = "select setval('authorization_number', nextval('authorization_number') + $1)";
            diesel::sql_query(skip).bind::<BigInt, _>(GAP).execute(db)?;
        }
        Db::Sqlite(db) => {
            let skip = "insert into number_days (day, mark) values ($1, $2) \
                        on conflict (day) do update set mark = mark + excluded.mark";
            diesel::sql_query(skip).bind::<Date, _>(today).bind::<BigInt, _>(GAP).execute(db)?;
        }
    }
    Ok(())
}

/// The last event goes to the far end of the gap, with whatever points to it: the next one comes after it.
fn positions(db: &mut Db) -> Result<(), Error> {
    for (table, column, those) in
        [("webhooks", "replay_until", ">="), ("webhook_queue", "position", "="), ("outbox", "position", "=")]
    {
        let skip = format!(
            "update {table} set {column} = {column} + {GAP} \
             where {column} {those} (select max(position) from outbox)"
        );
        diesel::sql_query(skip).execute(db)?;
    }
    Ok(())
}
