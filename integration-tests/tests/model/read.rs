//! How a value must be written, by `openapi.yaml`, and what is wrong with one that isn't.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Map, Value};

/// What is wrong, each as `pointer code rule`.
#[derive(Default)]
pub(super) struct Flaws(pub(super) BTreeSet<String>);

impl Flaws {
    pub(super) fn say(&mut self, at: &str, code: &str, rule: &str) {
        self.0.insert(format!("{at} {code} {rule}"));
    }
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) enum Field<T> {
    Absent,
    Broken,
    Given(T),
}

impl<T> Field<T> {
    pub(super) fn given(&self) -> Option<&T> {
        if let Self::Given(it) = self { Some(it) } else { None }
    }
}

pub(super) type Code = &'static str;

/// An object, none of whose members is unknown.
pub(super) fn object<'v>(
    flaws: &mut Flaws,
    it: &'v Value,
    at: &str,
    rule: &str,
    names: &[&str],
) -> Option<&'v Map<String, Value>> {
    let Some(map) = it.as_object() else {
        flaws.say(at, "type", rule);
        return None;
    };
    for name in map.keys().filter(|it| !names.contains(&it.as_str())) {
        flaws.say(&format!("{at}/{name}"), "unknown", "-");
    }
    Some(map)
}

/// A member, read by `read`, which says what is wrong with it; null is as if it were absent.
pub(super) fn field<'v, T>(
    flaws: &mut Flaws,
    (map, at): (&'v Map<String, Value>, &str),
    name: &str,
    rule: &str,
    read: impl FnOnce(&mut Flaws, &'v Value, &str) -> Result<T, Code>,
) -> Field<T> {
    let at = format!("{at}/{name}");
    match map.get(name) {
        None | Some(Value::Null) => Field::Absent,
        Some(it) => match read(flaws, it, &at) {
            Ok(it) => Field::Given(it),
            Err(code) => {
                if !code.is_empty() {
                    flaws.say(&at, code, rule);
                }
                Field::Broken
            }
        },
    }
}

/// The same of a member that must be there.
pub(super) fn needed<'v, T>(
    flaws: &mut Flaws,
    (map, at): (&'v Map<String, Value>, &str),
    name: &str,
    rule: &str,
    read: impl FnOnce(&mut Flaws, &'v Value, &str) -> Result<T, Code>,
) -> Option<T> {
    match field(flaws, (map, at), name, rule, read) {
        Field::Given(it) => Some(it),
        Field::Broken => None,
        Field::Absent => {
            flaws.say(&format!("{at}/{name}"), "required", rule);
            None
        }
    }
}

/// Text that `right` takes.
pub(super) fn word(right: fn(&str) -> bool) -> impl Fn(&mut Flaws, &Value, &str) -> Result<String, Code> {
    move |_, it, _| match it.as_str() {
        Some(it) if right(it) => Ok(it.to_owned()),
        Some(_) => Err("format"),
        None => Err("type"),
    }
}

/// One of some words.
pub(super) fn one_of<'a>(all: &'a [&str]) -> impl Fn(&mut Flaws, &Value, &str) -> Result<String, Code> + 'a {
    move |_, it, _| match it.as_str() {
        Some(it) if all.contains(&it) => Ok(it.to_owned()),
        Some(_) => Err("one-of"),
        None => Err("type"),
    }
}

/// Text of some length, in the characters that people see; where it needs any, blanks alone don't do.
pub(super) fn text(least: usize, most: usize) -> impl Fn(&mut Flaws, &Value, &str) -> Result<String, Code> {
    move |_, it, _| {
        let it = it.as_str().ok_or("type")?.replace("e\u{301}", "é");
        let fits = it.chars().count() <= most && (least == 0 || !it.trim().is_empty());
        if fits { Ok(it) } else { Err("length") }
    }
}

pub(super) fn day(_: &mut Flaws, it: &Value, _: &str) -> Result<NaiveDate, Code> {
    let it = it.as_str().ok_or("type")?;
    it.parse().ok().filter(|day: &NaiveDate| day.to_string() == it).ok_or("format")
}

pub(super) fn digits(it: &str) -> bool {
    it.bytes().all(|it| it.is_ascii_digit())
}

/// The Luhn digit over 80840 and the others.
pub(super) fn npi(it: &str) -> bool {
    let weighed = |(place, it): (usize, u8)| {
        let it = u32::from(it - b'0');
        if place % 2 == 1 { it * 2 / 10 + it * 2 % 10 } else { it }
    };
    let form = it.len() == 10 && digits(it) && (it.starts_with('1') || it.starts_with('2'));
    form && format!("80840{it}").bytes().rev().enumerate().map(weighed).sum::<u32>().is_multiple_of(10)
}

pub(super) fn phone(it: &str) -> bool {
    let Some(it) = it.strip_prefix('+') else { return false };
    match it.strip_prefix('1') {
        Some(it) => it.len() == 10 && digits(it) && it[..1] > *"1" && it[3..4] > *"1",
        None => (8..=15).contains(&it.len()) && digits(it) && !it.starts_with('0'),
    }
}

pub(super) fn site(it: &str) -> bool {
    let hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    it.strip_prefix("site_").is_some_and(|it| it.len() == 32 && it.bytes().all(hex))
}

pub(super) fn member(it: &str) -> bool {
    it.len() == 13
        && it.is_char_boundary(3)
        && it[..3].bytes().all(|it| it.is_ascii_uppercase())
        && digits(&it[3..])
}

pub(super) fn diagnosis(it: &str) -> bool {
    let plain = it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.');
    if !plain || it.len() < 3 || !it.as_bytes()[0].is_ascii_alphabetic() || it[..3].contains('.') {
        return false;
    }
    let rest = it[3..].strip_prefix('.').unwrap_or(&it[3..]);
    !rest.contains('.') && rest.len() <= 4 && (it.len() == 3 || !rest.is_empty())
}

/// A code of some set, by its form.
pub(super) fn procedure(kind: &str, it: &str) -> bool {
    match (kind, it.as_bytes()) {
        ("revenue", all) => digits(it) && (3..=4).contains(&all.len()),
        ("hcpcs", [b'A'..=b'V', rest @ ..]) => rest.len() == 4 && rest.iter().all(u8::is_ascii_digit),
        ("cpt", [first @ .., last]) => {
            first.len() == 4
                && first.iter().all(u8::is_ascii_digit)
                && (last.is_ascii_digit() || b"FTU".contains(last))
        }
        _ => false,
    }
}

/// The items of a list, none where one can't be read.
pub(super) fn items<T>(
    flaws: &mut Flaws,
    it: &Value,
    at: &str,
    rule: &str,
    bounds: std::ops::RangeInclusive<usize>,
    read: impl Fn(&mut Flaws, &Value, &str) -> Result<T, Code>,
) -> Result<Vec<Option<T>>, Code> {
    let all = it.as_array().ok_or("type")?;
    if !bounds.contains(&all.len()) {
        flaws.say(at, "items", rule);
    }
    let each = |(place, it)| {
        let at = format!("{at}/{place}");
        read(flaws, it, &at)
            .map_err(|code| {
                if !code.is_empty() {
                    flaws.say(&at, code, rule);
                }
            })
            .ok()
    };
    Ok(all.iter().enumerate().map(each).collect())
}
