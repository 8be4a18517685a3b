//! What waits to be done, as the database tells it; small enough to be asked often.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamp};

use crate::{Answer, Backlog, Error, Rx, Store, both};

/// The most that are counted.
const LIMIT: i64 = 10_000;

/// What waits to be done.
#[derive(Debug, Clone, Default)]
pub struct Lag {
    /// Events that no one was told of yet; 10,000 means that or more.
    pub unsent: i64,
    /// When the oldest of them happened.
    pub oldest_unsent: Option<DateTime<Utc>>,
    /// Deadlines that are past and not met; 10,000 means that or more.
    pub overdue: i64,
    /// When the last backup was made.
    pub last_backup: Option<DateTime<Utc>>,
    /// When the oldest entry of the trail was made that isn't sealed.
    pub oldest_loose: Option<DateTime<Utc>>,
    /// The jobs of each kind.
    pub jobs: Vec<Backlog>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    unsent: i64,
    #[diesel(sql_type = Nullable<Timestamp>)]
    oldest_unsent: Option<NaiveDateTime>,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
    #[diesel(sql_type = Nullable<Timestamp>)]
    last_backup: Option<NaiveDateTime>,
}

impl Store {
    /// What waits to be done, all of it from indexes.
    pub fn lag(&self) -> Answer<Lag, Error> {
        self.read(look)
    }
}

fn look(rx: &mut Rx<'_>) -> Result<Lag, Error> {
    let sql = format!(
        "select (select count(*) from (select 1 from outbox where position is null limit {LIMIT}) as a) as unsent, \
             (select at from outbox where position is null order by id limit 1) as oldest_unsent, \
             (select count(*) from (select 1 from deadlines where met_at is null and due_at < $1 limit {LIMIT}) as b) as overdue, \
             (select at from backups order by id desc limit 1) as last_backup"
    );
    let now = rx.now().naive_utc();
    let found: Found = both!(rx.db(), |db| diesel::sql_query(sql).bind::<Timestamp, _>(now).get_result(db))?;
    let at = |it: Option<NaiveDateTime>| it.map(|it| it.and_utc());
    Ok(Lag {
        unsent: found.unsent,
        oldest_unsent: at(found.oldest_unsent),
        overdue: found.overdue,
        last_backup: at(found.last_backup),
        oldest_loose: rx.oldest_loose()?,
        jobs: rx.backlog()?,
    })
}
