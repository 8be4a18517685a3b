//! The trail as a chain: each entry that has committed gets its position, and the digest of all up to it.
//!
//! The chain is made after the entries, by one job, so that no write waits for another one's place in it. Whoever changes the
//! database can make a whole new chain; that it isn't the old one is shown by the checkpoints, which are kept elsewhere.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use sha2::{Digest, Sha256};

use crate::ledger::{TrailRow, trail};
use crate::{Db, Error, Rx, Tx};

/// The end of the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Where it is, from 1; 0 of a chain without entries.
    pub position: i64,
    /// The digest of all up to it, in hex.
    pub chain: String,
}

/// The first entry that isn't as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where in the chain.
    pub position: i64,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Head {
    /// The end once this entry follows.
    fn then(&self, id: &str, digest: &str) -> Self {
        let position = self.position + 1;
        let mut chain = Sha256::new();
        for part in [&*self.chain, &position.to_string(), id, digest] {
            chain.update(part.len().to_be_bytes());
            chain.update(part);
        }
        Self { position, chain: format!("{:x}", chain.finalize()) }
    }
}

impl Tx<'_> {
    /// Adds at most `limit` entries to the chain, in the order of their ids: how many, and its end. Two that do so at once
    /// can't both commit.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn link_trail(&mut self, limit: i64) -> Result<(usize, Head), Error> {
        let db = self.db()?;
        let mut head = head(db)?;
        let loose: Vec<(String, String)> = trail::table
            .filter(trail::position.is_null())
            .order(trail::id)
            .select((trail::id, trail::digest))
            .limit(limit)
            .load(db)?;
        let (mut ids, mut positions, mut chains) = (Vec::new(), Vec::new(), Vec::new());
        for (id, digest) in loose {
            head = head.then(&id, &digest);
            ids.push(id);
            positions.push(head.position);
            chains.push(head.chain.clone());
        }
        let linked = ids.len();
        let changed = match db {
            Db::Postgres(db) => diesel::sql_query(
                "update trail set position = v.position, chain = v.chain \
                 from unnest($1, $2, $3) as v (id, position, chain) where trail.id = v.id",
            )
            .bind::<Array<Text>, _>(ids)
            .bind::<Array<BigInt>, _>(positions)
            .bind::<Array<Text>, _>(chains)
            .execute(db)?,
            Db::Sqlite(db) => {
                let mut changed = 0;
                for ((id, position), chain) in ids.iter().zip(positions).zip(chains) {
                    let place = (trail::position.eq(position), trail::chain.eq(chain));
                    changed += diesel::update(trail::table.find(id)).set(place).execute(db)?;
                }
                changed
            }
        };
        if changed != linked {
            return Err(Error::Internal("an entry of the trail went away".to_owned()));
        }
        Ok((linked, head))
    }
}

impl Rx<'_> {
    /// Walks at most `limit` entries of the chain after `head`: where it ends now, and the first entry that is broken.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn verify_trail(&mut self, mut head: Head, limit: i64) -> Result<(Head, Option<Broken>), Error> {
        let next = trail::table
            .filter(trail::position.gt(head.position))
            .order(trail::position)
            .select((TrailRow::as_select(), trail::position.assume_not_null(), trail::chain))
            .limit(limit);
        for (row, position, chain) in next.load::<(TrailRow, i64, Option<String>)>(self.db())? {
            let broken = |position, why| Ok((head.clone(), Some(Broken { position, why })));
            if position != head.position + 1 {
                return broken(head.position + 1, "it is missing");
            }
            if row.digest() != row.digest {
                return broken(position, "it was edited");
            }
            let linked = head.then(&row.id, &row.digest);
            if chain.as_ref() != Some(&linked.chain) {
                return broken(position, "it isn't the one that was sealed here");
            }
            head = linked;
        }
        Ok((head, None))
    }

    /// What the chain holds at `position`.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn chain_at(&mut self, position: i64) -> Result<Option<String>, Error> {
        let found = trail::table.filter(trail::position.eq(position)).select(trail::chain);
        Ok(found.first::<Option<String>>(self.db()).optional()?.flatten())
    }

    /// How many entries aren't in the chain yet, and the id of the one whose fields don't have their digest, if one doesn't.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn verify_loose(&mut self, limit: i64) -> Result<(usize, Option<String>), Error> {
        let loose = trail::table.filter(trail::position.is_null()).order(trail::id);
        let loose = loose.select(TrailRow::as_select()).limit(limit).load(self.db())?;
        let edited = loose.iter().find(|it| it.digest() != it.digest);
        Ok((loose.len(), edited.map(|it| it.id.clone())))
    }

    /// The moment of the oldest entry that isn't in the chain yet.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn oldest_loose(&mut self) -> Result<Option<chrono::DateTime<chrono::Utc>>, Error> {
        let loose = trail::table.filter(trail::position.is_null()).order(trail::id).select(trail::at);
        Ok(loose.first::<chrono::NaiveDateTime>(self.db()).optional()?.map(|it| it.and_utc()))
    }
}

fn head(db: &mut Db) -> Result<Head, Error> {
    let last = trail::table.filter(trail::position.is_not_null()).order(trail::position.desc());
    let last = last.select((trail::position.assume_not_null(), trail::chain.assume_not_null())).first(db);
    Ok(last.optional()?.map_or_else(Head::default, |(position, chain)| Head { position, chain }))
}
