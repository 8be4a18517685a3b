//! How a value is read from JSON with every flaw of it, and the types that hold a constraint.

use super::support::{bounds, part, string};
use crate::{At, FlawCode, Flaws, Json};
use chrono::NaiveDate;

use std::borrow::Cow;
use std::ops::Deref;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType,
    Type,
};
use validator::ValidationError;

/// A value that a body may hold: how it is read, and how the contract describes it.
///
/// The two stand side by side so that one constant feeds both.
pub trait Read: Sized {
    /// Whether a member that is null says something else than one that is left out.
    const TELLS_NULL: bool = false;
    /// What is left of it when parts are broken. A value without parts is its own draft.
    type Draft;
    /// Reads it, or adds what is wrong; with parts, often both.
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self::Draft>;
    /// Makes the value of a draft in which nothing is broken.
    fn whole(draft: Self::Draft) -> Option<Self>;
    /// Describes it.
    fn schema() -> RefOr<Schema>;
    /// What stands for it where it is absent; a required value has nothing.
    #[must_use]
    fn absent() -> Option<Self::Draft> {
        None
    }
    /// Adds the named schemas that [`Read::schema`] refers to.
    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}
    /// Whether `pointer` names a part of it. Development builds hold every rule's pointer to it.
    #[must_use]
    fn knows(pointer: &str) -> bool {
        pointer.is_empty()
    }
}

/// What is known of a body: each member is `None` where it is broken.
pub type Draft<T> = <T as Read>::Draft;

/// An optional member; `null` and absent mean the same.
impl<T: Read> Read for Option<T> {
    type Draft = Option<T::Draft>;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self::Draft> {
        T::read(json, at, flaws).map(Some)
    }
    fn whole(draft: Self::Draft) -> Option<Self> {
        match draft {
            Some(draft) => T::whole(draft).map(Some),
            None => Some(None),
        }
    }
    fn schema() -> RefOr<Schema> {
        let or_null = |it: &mut SchemaType| {
            if let SchemaType::Type(only) = it {
                *it = SchemaType::Array(vec![only.clone(), Type::Null]);
            }
        };
        match T::schema() {
            RefOr::T(Schema::Object(mut it)) => {
                or_null(&mut it.schema_type);
                if let Some(codes) = &mut it.enum_values {
                    codes.push(serde_json::Value::Null);
                }
                RefOr::T(Schema::Object(it))
            }
            RefOr::T(Schema::Array(mut it)) => {
                or_null(&mut it.schema_type);
                RefOr::T(Schema::Array(it))
            }
            named => {
                let null = Object::with_type(Type::Null);
                OneOfBuilder::new().item(null).item(named).into()
            }
        }
    }
    fn absent() -> Option<Self::Draft> {
        Some(None)
    }
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(into);
    }
    fn knows(pointer: &str) -> bool {
        T::knows(pointer)
    }
}

/// A list of `MIN` to `MAX` items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Read, const MIN: usize, const MAX: usize> Read for List<T, MIN, MAX> {
    type Draft = Vec<Option<T::Draft>>;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self::Draft> {
        let Json::List(items) = json else {
            flaws.add(at, FlawCode::Type, "Must be a list.");
            return None;
        };
        let fits = (MIN..=MAX).contains(&items.len());
        if !fits {
            flaws.add(at, FlawCode::Items, bounds("have", MIN, MAX, "items"));
        }
        let read = |(index, item)| T::read(item, At::Item(&at, index), flaws);
        let draft = items.iter().enumerate().map(read).collect();
        fits.then_some(draft)
    }
    fn whole(draft: Self::Draft) -> Option<Self> {
        let items: Option<_> = draft.into_iter().map(|item| T::whole(item?)).collect();
        items.map(Self)
    }
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::from(Array::new(T::schema()));
        list.min_items(Some(MIN)).max_items(Some(MAX)).into()
    }
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(into);
    }
    fn knows(pointer: &str) -> bool {
        match part(pointer) {
            Some((index, rest)) => index.parse::<usize>().is_ok() && T::knows(rest),
            None => true,
        }
    }
}

/// A whole number of `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Read for Count<MIN, MAX> {
    type Draft = Self;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self> {
        let number = match *json {
            Json::Integer(number) => number,
            // Whole, and beyond any integer of ours.
            Json::Number(number) if number.fract() == 0.0 => i64::MAX,
            _ => {
                flaws.add(at, FlawCode::Type, "Must be a whole number.");
                return None;
            }
        };
        let count = u32::try_from(number).ok().filter(|it| (MIN..=MAX).contains(it));
        if count.is_none() {
            flaws.add(at, FlawCode::Range, bounds("be", MIN as usize, MAX as usize, ""));
        }
        count.map(Self)
    }
    fn whole(draft: Self) -> Option<Self> {
        Some(draft)
    }
    fn schema() -> RefOr<Schema> {
        let count = ObjectBuilder::new().schema_type(Type::Integer);
        count.minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

/// A day of the calendar, `YYYY-MM-DD` and no other way.
impl Read for NaiveDate {
    type Draft = Self;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self> {
        let day = day(string(json, at, flaws)?);
        if day.is_none() {
            flaws.add(at, FlawCode::Format, "Must be a date, as YYYY-MM-DD.");
        }
        day
    }
    fn whole(draft: Self) -> Option<Self> {
        Some(draft)
    }
    fn schema() -> RefOr<Schema> {
        let day = ObjectBuilder::new().schema_type(Type::String);
        day.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).into()
    }
}

/// Reads a day as `YYYY-MM-DD`, strictly; chrono's own parser takes signs and single digits too.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return None;
    };
    let number = |digits: &[u8]| -> Option<u32> {
        let digit = |sum, it: &u8| it.is_ascii_digit().then(|| sum * 10 + u32::from(it - b'0'));
        digits.iter().try_fold(0, digit)
    };
    let year = number(&[y1, y2, y3, y4])?.cast_signed();
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// A rule between fields that is broken, for a `validator` function to return.
///
/// `at` points to the field to blame, from the body that the function checks; `""` is all of it.
#[must_use]
pub fn broken(
    rule: &'static str,
    at: impl Into<Cow<'static, str>>,
    code: FlawCode,
    detail: &'static str,
) -> ValidationError {
    let mut error = ValidationError::new(code.as_str()).with_message(detail.into());
    error.add_param("rule".into(), &rule);
    error.add_param("at".into(), &at.into());
    error
}
