//! What the made-up plan asks of the database.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::ops::Range;

use ::store::{AnyOf, Db, Rx, Tx};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::people::{id, lock};
use super::{CORE_MEMBERS, Plan};
use crate::Error;
use crate::schema::{
    affiliations, benefits, members, organizations, principals, products, provider_words, providers, sites,
};

/// How many of each the database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts([(&'static str, i64); 6]);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(|(name, count)| format!("{count} {name}")).collect();
        f.write_str(&all.join(", "))
    }
}

/// How many there are of each.
///
/// # Errors
/// If the database can't answer.
pub fn counts(rx: &mut Rx<'_>) -> Result<Counts, Error> {
    let db = rx.db();
    Ok(Counts([
        ("products", products::table.count().get_result(db)?),
        ("organizations", organizations::table.count().get_result(db)?),
        ("sites", sites::table.count().get_result(db)?),
        ("providers", providers::table.count().get_result(db)?),
        ("callers", principals::table.count().get_result(db)?),
        ("members", members::table.count().get_result(db)?),
    ]))
}

impl Plan {
    /// Whether the database holds another plan: an organization that isn't of this one, callers of whom none is, or
    /// members whom no one could ask about.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn is_not_in(&self, rx: &mut Rx<'_>) -> Result<bool, Error> {
        let callers: Vec<_> = self.rows.principals.iter().map(|it| &*it.id).collect();
        let callers = AnyOf { column: "principals.id", values: &callers };
        let known: Vec<_> = self.rows.organizations.iter().map(|it| &*it.id).collect();
        let known = AnyOf { column: "organizations.id", values: &known };
        let db = rx.db();
        let any_member = diesel::select(exists(members::table.select(members::id))).get_result(db)?;
        let any_caller: bool =
            diesel::select(exists(principals::table.select(principals::id))).get_result(db)?;
        let ours = principals::table.filter(callers).select(principals::id);
        let our_caller: bool = diesel::select(exists(ours)).get_result(db)?;
        let another = organizations::table.filter(not(known)).select(organizations::id);
        let foreign: bool = diesel::select(exists(another)).get_result(db)?;
        Ok(foreign || (any_member && !any_caller) || (any_caller && !our_caller))
    }

    /// Adds what is missing of the plan but the members beyond the core; one that an earlier build made has less.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn found(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        lock(tx)?;
        let rows = &self.rows;
        let have = products::table.select(products::id).load(tx.db()?)?;
        tx.insert(missing(&rows.products, have, |it| it.id.clone()));
        let have = benefits::table.select((benefits::product_id, benefits::service)).load(tx.db()?)?;
        tx.insert(missing(&rows.benefits, have, |it| (it.product_id.clone(), it.service.clone())));
        let have = organizations::table.select(organizations::id).load(tx.db()?)?;
        tx.insert(missing(&rows.organizations, have, |it| it.id.clone()));
        let have = sites::table.select(sites::id).load(tx.db()?)?;
        tx.insert(missing(&rows.sites, have, |it| it.id.clone()));
        let have = providers::table.select(providers::npi).load(tx.db()?)?;
        tx.insert(missing(&rows.providers, have, |it| it.npi.clone()));
        let have =
            provider_words::table.select((provider_words::word, provider_words::npi)).load(tx.db()?)?;
        tx.insert(missing(&rows.words, have, |it| (it.word.clone(), it.npi.clone())));
        // Their days are relative to the day on which they were added.
        let have = affiliations::table.select((affiliations::npi, affiliations::site_id)).load(tx.db()?)?;
        tx.insert(missing(&rows.affiliations, have, |it| (it.npi.clone(), it.site_id.clone())));
        let core: Vec<_> = rows.members.iter().map(|it| &*it.id).collect();
        let core = AnyOf { column: "members.id", values: &core };
        let have: Vec<_> = members::table.filter(core).select(members::id).load(tx.db()?)?;
        tx.insert(missing(&rows.members, have.clone(), |it| it.id.clone()));
        tx.insert(missing(&rows.coverages, have, |it| it.member_id.clone()));
        // A grant that was withdrawn stays so.
        let have: Vec<_> = principals::table.select(principals::id).load(tx.db()?)?;
        tx.insert(missing(&rows.principals, have.clone(), |it| it.id.clone()));
        let papers: HashSet<_> = {
            let new = missing(&rows.grants, have, |it| it.principal_id.clone());
            let ids = new.iter().map(|it| it.id.clone()).collect();
            tx.insert(new);
            ids
        };
        tx.insert(rows.delegations.iter().filter(|it| papers.contains(&it.grant_id)).cloned().collect());
        Ok(())
    }
}

/// The rows whose key none of the database's has.
fn missing<R: Clone, K: Eq + Hash>(rows: &[R], have: Vec<K>, key: impl Fn(&R) -> K) -> Vec<R> {
    let have: HashSet<_> = have.into_iter().collect();
    rows.iter().filter(|it| !have.contains(&key(it))).cloned().collect()
}

/// How many of the first `members` members are there. They are added in order, so those are the first ones.
///
/// # Errors
/// If the database can't answer.
pub fn made(rx: &mut Rx<'_>, members: u32) -> Result<u32, Error> {
    first_missing(rx.db(), CORE_MEMBERS..members.max(CORE_MEMBERS))
}

/// The first of these places whose member isn't there; the end, if all are.
pub(super) fn first_missing(db: &mut Db, Range { start, end }: Range<u32>) -> Result<u32, Error> {
    let (mut low, mut high) = (start, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let there = members::table.filter(members::id.eq(id(middle))).select(members::id);
        if diesel::select(exists(there)).get_result(db)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
