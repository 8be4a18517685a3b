//! Connections, as r2d2 keeps them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::r2d2::{HandleError, ManageConnection, Pool};
use kernel::Clock;

use crate::db::{Role, Target};
use crate::gauges::{Counts, Told};
use crate::worker::Look;
use crate::{Db, Error, Moment};

/// How long a connection may idle before it is asked whether it still lives.
const FRESH: TimeDelta = TimeDelta::seconds(1);

/// How often a connection was lost: since the others may be, too, each is asked once before it is used again.
#[derive(Debug, Default)]
pub(crate) struct Epoch {
    lost: AtomicU64,
    /// Whether no connection could be made of late.
    away: AtomicBool,
}

impl Epoch {
    /// Notes whether a connection could be made; true if that was otherwise before. Both ends of an outage are told once, however
    /// many threads try how often meanwhile.
    fn turned(&self, away: bool) -> bool {
        self.away.load(Ordering::Relaxed) != away && self.away.swap(away, Ordering::Relaxed) != away
    }
}

/// Told of each connection that a pool couldn't make.
#[derive(Debug)]
struct Away(Arc<Epoch>);

impl HandleError<LinkError> for Away {
    fn handle_error(&self, it: LinkError) {
        if self.0.turned(true) {
            log::error!(target: "lanyard::fault", cause = it.0; "the database can't be reached");
        }
    }
}

/// A pooled connection, and whether it may go back to its pool.
pub(crate) struct Link {
    db: Db,
    used_at: DateTime<Utc>,
    broken: bool,
    epoch: Arc<Epoch>,
    /// When it last proved to live.
    seen: u64,
    /// Whether the database was last told that the service itself asks.
    of_service: bool,
}

impl Link {
    /// Does `work`; where it fails the connection is thrown away, since whatever ended it, a failed sync above all, is
    /// never tried again on the same one.
    pub(crate) fn with(
        &mut self,
        now: DateTime<Utc>,
        work: impl FnOnce(&mut Db) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.broken = true;
        let done = work(&mut self.db);
        self.mark(done.is_err());
        self.used_at = now;
        done
    }

    /// Does a read, whose failure may be its own; the connection stays if it still answers. Whoever was here before, the
    /// database is told anew who asks: here for the service itself, and by callers as they enter.
    pub(crate) fn look(&mut self, now: DateTime<Utc>, look: Look, moment: Moment) {
        let mut told = Ok(());
        if let (Db::Postgres(db), true, false) = (&mut self.db, look.of_service, self.of_service) {
            told = db.batch_execute("set app.scope = 'job'; set app.sites = ''; set app.member = ''");
        }
        self.of_service = look.of_service && told.is_ok();
        let found = told.map_err(Error::from).map(|()| (&mut self.db, moment));
        let sound = (look.work)(found);
        let broken = !sound && self.db.batch_execute("select 1").is_err();
        self.mark(broken);
        self.used_at = now;
    }

    fn mark(&mut self, broken: bool) {
        self.broken = broken;
        if broken {
            self.epoch.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Why a connection could not be made, in the database's words, which the pool passes on.
#[derive(Debug)]
pub(crate) struct LinkError(String);

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LinkError {}

impl From<Error> for LinkError {
    fn from(it: Error) -> Self {
        Self(format!("{it:?}"))
    }
}

/// Makes connections for one role.
pub(crate) struct Links {
    pub(crate) target: Target,
    pub(crate) role: Role,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) epoch: Arc<Epoch>,
}

impl Links {
    /// A pool for `size` threads, which waits a second for a free one; a server's has as many again for those that are stuck.
    pub(crate) fn pool(self, size: u32, counts: &Arc<Counts>) -> Pool<Self> {
        let lasting = self.target.is_sqlite();
        let size = if lasting { size } else { 2 * size };
        let pool =
            Pool::builder().max_size(size).min_idle(Some(1)).connection_timeout(Duration::from_secs(1));
        let pool = pool.event_handler(Box::new(Told(Arc::clone(counts))));
        let pool = pool.error_handler(Box::new(Away(Arc::clone(&self.epoch))));
        let pool = if lasting { pool.idle_timeout(None).max_lifetime(None) } else { pool };
        pool.build_unchecked(self)
    }
}

impl ManageConnection for Links {
    type Connection = Link;
    type Error = LinkError;

    fn connect(&self) -> Result<Link, LinkError> {
        let db = self.target.connect(self.role)?;
        if self.epoch.turned(false) {
            log::warn!(target: "lanyard::fault", cause = "a new connection"; "the database can be reached again");
        }
        Ok(Link {
            db,
            used_at: self.clock.now(),
            broken: false,
            seen: self.epoch.lost.load(Ordering::Relaxed),
            epoch: Arc::clone(&self.epoch),
            of_service: false,
        })
    }

    /// A ping costs a round trip, so a connection that was in use a moment ago is trusted.
    fn is_valid(&self, link: &mut Link) -> Result<(), LinkError> {
        let (idle, epoch) = (self.clock.now() - link.used_at, self.epoch.lost.load(Ordering::Relaxed));
        if idle >= FRESH || link.seen != epoch {
            link.db.batch_execute("select 1").map_err(Error::from)?;
            link.seen = epoch;
        }
        Ok(())
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_an_outage_are_told_once() {
        let epoch = Epoch::default();
        assert!(!epoch.turned(false));
        for (away, told) in [(true, true), (true, false), (false, true), (false, false), (true, true)] {
            assert_eq!(epoch.turned(away), told, "{away}");
        }
    }
}
