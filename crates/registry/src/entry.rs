//! The one question that comes before all others: who calls, and what were they granted?
//!
//! PostgreSQL is told in the same statement whose rows it may show from now on, so that no round trip is spent on it.

use ::store::{Db, Moment, both};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Date, HasSqlType, Nullable, Text, Timestamp};
use kernel::{MemberId, Npi, Phone, PrincipalId, Scope, SiteId};
use serde::Deserialize;

use crate::{Contact, EmergencyId, Error, Granted, Principal, PrincipalKind, Reach, Role, Site};

/// Whoever enters: by the `sub` of their token, and under the emergency access that they name, if they do.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The `sub` of their token.
    pub login: String,
    /// The emergency access.
    pub emergency: Option<EmergencyId>,
}

/// Whoever was found, and whose records their emergency access opens, if it is theirs and not over.
pub type Entered = Option<(Principal, Option<MemberId>)>;

impl Entry {
    /// Who it is, if there is one with this login that is active, with the roles in force; from here on PostgreSQL shows its rows
    /// and no others.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn find(&self, db: &mut Db, moment: Moment) -> Result<Entered, Error> {
        type Row = (
            Option<(PrincipalId, PrincipalKind, String, String)>,
            (Option<String>, Option<Phone>, Option<String>),
            String,
            Option<MemberId>,
        );
        let (tell, day, now) = (matches!(db, Db::Postgres(_)), moment.day, moment.now.naive_utc());
        let question = Question { entry: self, tell, writes: moment.writes, day, now };
        let row: Row = both!(db, |db| question.get_result(db))?;
        let (found, (contact_name, contact_phone, ceiling), grants, member) = row;
        let Some((id, kind, person, name)) = found else { return Ok(None) };
        let contact = contact_name.zip(contact_phone).map(|(name, phone)| Contact { name, phone });
        let ceiling = ceiling.map(|it| it.split(' ').filter_map(Scope::parse).collect());
        let grants: Vec<InForce> = serde_json::from_str(&grants)
            .map_err(|it| ::store::Error::Internal(format!("grants can't be read: {it}")))?;
        let grants = grants.into_iter().map(Granted::from).collect();
        Ok(Some((Principal { id, kind, person, name, contact, ceiling, grants }, member)))
    }
}

/// A grant, as the statement's list has it.
#[derive(Deserialize)]
struct InForce {
    role: Role,
    site_id: Option<SiteId>,
    site: Option<String>,
    npi: Option<Npi>,
    last_on: Option<NaiveDate>,
}

impl From<InForce> for Granted {
    fn from(InForce { role, site_id, site, npi, last_on }: InForce) -> Self {
        let site = site_id.zip(site).zip(npi).map(|((id, name), npi)| Site { id, name, npi });
        Self { role, site, last_on }
    }
}

#[derive(Clone, Copy)]
struct Question<'a> {
    entry: &'a Entry,
    /// Whether the database is told whose rows to show.
    tell: bool,
    writes: bool,
    day: NaiveDate,
    now: NaiveDateTime,
}

const LIST: &str = "'role', g.role, 'site_id', s.id, 'site', s.name, 'npi', s.npi, 'last_on', g.last_on) order by g.site_id, g.role";

impl<DB> QueryFragment<DB> for Question<'_>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<Date> + HasSqlType<Timestamp>,
    str: ToSql<Text, DB>,
    NaiveDate: ToSql<Date, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let emergency = self.entry.emergency.as_deref();
        out.push_sql(
            "select p.id, p.kind, p.person, p.name, p.contact_name, p.contact_phone, p.ceiling, \
             coalesce(g.list, '[]'), ",
        );
        out.push_sql(if emergency.is_some() { "e.member_id" } else { "null" });
        if self.tell && emergency.is_some() {
            out.push_sql(
                ", set_config('app.scope', 'sites', false), set_config('app.sites', '', false), \
                 set_config('app.member', coalesce(e.member_id, ''), false)",
            );
        } else if self.tell {
            out.push_sql(
                ", set_config('app.scope', case when g.of_plan then 'plan' else 'sites' end, false), \
                 set_config('app.sites', coalesce(g.sites, ''), false)",
            );
            // A write has been told by its lock whose records it is about.
            out.push_sql(if self.writes { "" } else { ", set_config('app.member', '', false)" });
        }
        // A stranger is told, too: they see nothing.
        out.push_sql(" from (select 1) one left join principals p on p.active and p.login = ");
        out.push_bind_param::<Text, str>(&self.entry.login)?;
        if let Some(emergency) = emergency {
            out.push_sql(" left join emergency_accesses e on e.principal_id = p.id and e.id = ");
            out.push_bind_param::<Text, str>(emergency)?;
            out.push_sql(" and e.ends_at > ");
            out.push_bind_param::<Timestamp, _>(&self.now)?;
        }
        if self.tell {
            out.push_sql(" cross join lateral (select cast(json_agg(json_build_object(");
            out.push_sql(LIST);
            out.push_sql(") as text) as list, string_agg(g.site_id, ',') as sites, ");
            out.push_sql("coalesce(bool_or(g.site_id is null and g.role in (");
            // Who runs the service reaches the plan, and not its members.
            let of_plan = Role::ALL
                .iter()
                .filter(|it| it.reach() == Reach::Plan && it.permits(Scope::AuthorizationsRead));
            for (place, role) in of_plan.enumerate() {
                out.push_sql(if place == 0 { "'" } else { "', '" });
                out.push_sql(role.as_str());
            }
            out.push_sql("')), false) as of_plan");
        } else {
            out.push_sql(" left join (select g.principal_id, json_group_array(json_object(");
            out.push_sql(LIST);
            out.push_sql(") as list");
        }
        out.push_sql(" from grants g left join sites s on s.id = g.site_id where ");
        if self.tell {
            out.push_sql("g.principal_id = p.id");
        } else {
            out.push_sql("g.principal_id = (select id from principals where login = ");
            out.push_bind_param::<Text, str>(&self.entry.login)?;
            out.push_sql(")");
        }
        out.push_sql(
            " and g.approved_at is not null and g.ended_at is null and (g.first_on is null or g.first_on <= ",
        );
        out.push_bind_param::<Date, _>(&self.day)?;
        out.push_sql(") and (g.last_on is null or g.last_on >= ");
        out.push_bind_param::<Date, _>(&self.day)?;
        out.push_sql(if self.tell {
            ")) g"
        } else {
            ") group by g.principal_id) g on g.principal_id = p.id"
        });
        Ok(())
    }
}

impl Query for Question<'_> {
    type SqlType = (
        Nullable<(Text, Text, Text, Text)>,
        (Nullable<Text>, Nullable<Text>, Nullable<Text>),
        Text,
        Nullable<Text>,
    );
}

/// Its text differs from one to the next.
impl QueryId for Question<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for Question<'_> {}
