use ::store::{After, AnyOf, Rx, both};
use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use kernel::{Count, Draft, FlawCode, Flaws, MemberId, OneLine, body};

use crate::fold::{beyond, fold};
use crate::schema::{coverages, members, products};
use crate::{Coverage, Error, Standing};

body! {
    /// Whom to look for: by `member_id`, by `last_name` with or without `first_name`, or by `date_of_birth`; exactly one of
    /// the three.
    pub struct MemberSearch {
        /// The member's number.
        member_id: Option<MemberId> => "AUT-10",
        /// What the last name begins with: at least 2 letters or digits. Capitals, accents and punctuation don't count.
        last_name: Option<OneLine<1, 100>> => "AUT-10",
        /// What the first name begins with; only with `last_name`.
        first_name: Option<OneLine<1, 100>> => "AUT-10",
        /// The day of birth.
        date_of_birth: Option<NaiveDate> => "AUT-10",
        /// At most so many; 50 where left out.
        limit: Option<Count<1, 200>> => "AUT-10",
        /// The `next_cursor` of the page before, for the same search.
        cursor: Option<OneLine<1, 2000>> => "AUT-10",
    }
}

/// What members are looked for by: one thing is enough (AUT-10). Names are folded, and what the kept ones begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberQuery {
    /// The number.
    Number(MemberId),
    /// The last name, and the first, which may be empty.
    Name(String, String),
    /// The day of birth.
    BirthDate(NaiveDate),
}

/// A member, as a search shows them: no more than it takes to choose the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMember {
    /// The member's number.
    pub id: MemberId,
    /// First and last name.
    pub name: String,
    /// The year of birth.
    pub birth_year: i32,
    /// Where the coverage stands today.
    pub standing: Standing,
    /// Today's coverage, else the next one, else the last one.
    pub coverage: Option<Coverage>,
}

/// A member's place in the order of a search: folded last name, folded first name, number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPlace([String; 3]);

impl MemberPlace {
    /// Reads what [`Display`](std::fmt::Display) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('\n').map(str::to_owned).collect();
        parts.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for MemberPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl MemberSearch {
    /// What to look for; or why it can't be told, at every field that is to blame (AUT-10).
    pub fn query(draft: &Draft<Self>, flaws: &mut Flaws) -> Option<MemberQuery> {
        let last_name = draft.last_name.as_ref().is_none_or(Option::is_some);
        let given = [
            ("/member_id", draft.member_id.as_ref().is_none_or(Option::is_some)),
            ("/last_name", last_name),
            ("/date_of_birth", draft.date_of_birth.is_none_or(|it| it.is_some())),
        ];
        let several = match given.iter().filter(|it| it.1).count() {
            0 => Some(false),
            1 => None,
            _ => Some(true),
        };
        for (at, _) in given.iter().filter(|it| several == Some(it.1)) {
            let (code, detail) = if several == Some(true) {
                (FlawCode::NotApplicable, "Only one of member_id, last_name and date_of_birth may be given.")
            } else {
                (FlawCode::Required, "One of member_id, last_name and date_of_birth must be given.")
            };
            flaws.broken("AUT-10", at, code, detail);
        }
        if draft.first_name.as_ref().is_none_or(Option::is_some) && !last_name {
            let detail = "Must be left out without last_name.";
            flaws.broken("AUT-10", "/first_name", FlawCode::NotApplicable, detail);
        }
        let mut folded = |at, name: &Option<OneLine<1, 100>>, least, detail| {
            let name = name.as_deref().map(fold)?;
            if name.chars().filter(|it| *it != ' ').count() < least {
                flaws.broken("AUT-10", at, FlawCode::Length, detail);
            }
            Some(name)
        };
        let last =
            folded("/last_name", draft.last_name.as_ref()?, 2, "Must have at least 2 letters or digits.");
        let first = folded("/first_name", draft.first_name.as_ref()?, 1, "Must have a letter or a digit.");
        let name = last.map(|last| MemberQuery::Name(last, first.unwrap_or_default()));
        let number = draft.member_id.clone()?.map(MemberQuery::Number);
        name.or(number).or(draft.date_of_birth?.map(MemberQuery::BirthDate))
    }
}

/// A page of at most `limit` members, by last name, first name and number; and, if there are more, where it ends.
///
/// # Errors
/// If the database can't answer.
pub fn find_members(
    rx: &mut Rx<'_>,
    query: &MemberQuery,
    after: Option<&MemberPlace>,
    limit: usize,
) -> Result<(Vec<FoundMember>, Option<MemberPlace>), Error> {
    type Row = (String, String, MemberId, String, String, NaiveDate);
    let mut begin = ["", "", ""];
    if let MemberQuery::Name(last, _) = query {
        begin[0] = last;
    }
    if let Some(MemberPlace(place)) = after {
        begin = place.each_ref().map(String::as_str);
    }
    let columns = "members.last_folded, members.first_folded, members.id";
    let mut rows: Vec<Row> = both!(rx.db(), |db| {
        let found = members::table
            .filter(After { columns, values: &begin })
            .order((members::last_folded, members::first_folded, members::id))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
            .select((
                members::last_folded,
                members::first_folded,
                members::id,
                members::first_name,
                members::last_name,
                members::date_of_birth,
            ))
            .into_boxed();
        let found = match query {
            MemberQuery::Number(id) => found.filter(members::id.eq(id)),
            MemberQuery::BirthDate(day) => found.filter(members::date_of_birth.eq(day)),
            // A place may be one of another search, so that it alone is no lower bound.
            MemberQuery::Name(last, first) if first.is_empty() => {
                found.filter(members::last_folded.ge(last).and(members::last_folded.lt(beyond(last))))
            }
            MemberQuery::Name(last, first) => found
                .filter(members::last_folded.ge(last).and(members::last_folded.lt(beyond(last))))
                .filter(members::first_folded.ge(first).and(members::first_folded.lt(beyond(first)))),
        };
        found.load(db)
    })?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let place = |(last, first, id, ..): &Row| MemberPlace([last.clone(), first.clone(), id.to_string()]);
    let next = rows.last().filter(|_| more).map(place);
    let mut spans = spans(rx, &rows.iter().map(|it| &it.2).collect::<Vec<_>>())?;
    let today = rx.today();
    let member = |(_, _, id, first, last, born): Row| {
        let mine: Vec<_> = spans.extract_if(.., |it| it.0 == id).map(|it| it.1).collect();
        let (standing, coverage) = Standing::of(mine, today);
        FoundMember { id, name: format!("{first} {last}"), birth_year: born.year(), standing, coverage }
    };
    Ok((rows.into_iter().map(member).collect(), next))
}

/// The spans of coverage of these members, the earliest of each first.
fn spans(rx: &mut Rx<'_>, ids: &[&MemberId]) -> Result<Vec<(MemberId, Coverage)>, Error> {
    type Row = (MemberId, NaiveDate, Option<NaiveDate>, String, String, bool);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = coverages::table
        .inner_join(products::table)
        .filter(AnyOf { column: "coverages.member_id", values: ids })
        .order((coverages::member_id, coverages::first_on))
        .select((
            coverages::member_id,
            coverages::first_on,
            coverages::last_on,
            products::id,
            products::name,
            products::my_care_family,
        ))
        .load(rx.db())?;
    let span = |(id, first_on, last_on, product_id, product, my_care_family): Row| {
        (id, Coverage { product_id, product, my_care_family, first_on, last_on, benefit: None })
    };
    Ok(rows.into_iter().map(span).collect())
}
