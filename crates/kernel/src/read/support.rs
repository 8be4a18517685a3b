//! What the macros and the types of this crate are made of.

use crate::{At, FlawCode, Flaws, Json, Read};
use regex::Regex;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use validator::{ValidationErrors, ValidationErrorsKind};

/// A field's name as JSON has it: `r#type` is `type`.
#[must_use]
pub const fn bare(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Splits the first part off a pointer.
#[must_use]
pub fn part(pointer: &str) -> Option<(&str, &str)> {
    let path = pointer.strip_prefix('/')?;
    Some(path.split_at(path.find('/').unwrap_or(path.len())))
}

/// Finds the fields among the members of an object, and refuses every other member.
pub fn members<'j, const N: usize>(
    json: &'j Json<'_>,
    fields: &[(&str, &str); N],
    at: At<'_>,
    flaws: &mut Flaws,
) -> Option<[Option<&'j Json<'j>>; N]> {
    let Json::Object(members) = json else {
        flaws.add(at, FlawCode::Type, "Must be an object.");
        return None;
    };
    let mut found = [None; N];
    let mut next = 0; // Members mostly come in the order of the contract.
    for (name, value) in members {
        let index = (next..N).chain(0..next).find(|index| fields[*index].0 == name);
        if let Some(index) = index {
            found[index] = Some(value);
            next = index + 1;
        } else if name.len() <= 64 {
            flaws.add(At::Member(&at, name), FlawCode::Unknown, "Is not a field here.");
        } else {
            flaws.add(at, FlawCode::Unknown, "Has a field that is not one here.");
        }
    }
    Some(found)
}

/// Reads one member, and gives its rule to what is wrong with it.
pub fn member<T: Read>(
    json: Option<&Json<'_>>,
    at: At<'_>,
    rule: &'static str,
    flaws: &mut Flaws,
) -> Option<T::Draft> {
    flaws.ruled(rule, |flaws| match json {
        Some(json) if T::TELLS_NULL || *json != Json::Null => T::read(json, at, flaws),
        _ => T::absent().or_else(|| {
            flaws.add(at, FlawCode::Required, "Must be given.");
            None
        }),
    })
}

/// Adds what `validator` found between the fields of `T`.
pub fn cross<T: Read>(found: Result<(), ValidationErrors>, at: At<'_>, flaws: &mut Flaws) {
    let lists = found.err().map(ValidationErrors::into_errors).into_iter().flatten();
    for (_, list) in lists {
        let ValidationErrorsKind::Field(list) = list else { continue };
        for error in list {
            let word = |name| error.params.get(name).and_then(|it| it.as_str()).unwrap_or_default();
            let (rule, below) = (word("rule").to_owned(), word("at"));
            debug_assert!(T::knows(below), "{rule} points to {below}");
            let detail = error.message.unwrap_or_default();
            let code = FlawCode::parse(&error.code).unwrap_or(FlawCode::Format);
            flaws.broken(rule, format_args!("{at}{below}"), code, detail);
        }
    }
}

/// Reads text of a fixed form.
pub fn word<T>(
    json: &Json<'_>,
    at: At<'_>,
    flaws: &mut Flaws,
    parse: fn(&str) -> Option<T>,
    meaning: &'static str,
) -> Option<T> {
    let word = parse(string(json, at, flaws)?);
    if word.is_none() {
        flaws.add(at, FlawCode::Format, format!("Must be {meaning}."));
    }
    word
}

/// Reads one of a closed set.
pub fn code<T: Copy>(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws, all: &[(T, &'static str)]) -> Option<T> {
    let text = string(json, at, flaws)?;
    let found = all.iter().find(|(_, code)| *code == text).map(|(it, _)| *it);
    if found.is_none() {
        let codes: Vec<_> = all.iter().map(|(_, code)| *code).collect();
        flaws.add(at, FlawCode::OneOf, format!("Must be one of {}.", codes.join(", ")));
    }
    found
}

pub(crate) fn string<'j>(json: &'j Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<&'j str> {
    if let Json::Text(text) = json {
        return Some(text);
    }
    flaws.add(at, FlawCode::Type, "Must be a string.");
    None
}

pub(crate) fn bounds(verb: &str, min: usize, max: usize, of: &str) -> String {
    let words = match min {
        0 => format!("Must {verb} at most {max} {of}"),
        _ => format!("Must {verb} {min} to {max} {of}"),
    };
    format!("{}.", words.trim_end())
}

/// Compiles the pattern of a [`word!`](crate::word).
///
/// # Panics
/// If it is not a pattern, which the first reading of the first body shows.
#[must_use]
pub fn form(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a word's form is a pattern")
}

/// Describes text of a fixed form.
#[must_use]
pub fn text_of(docs: &[&str], pattern: &str, example: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(sentence(docs)));
    text.pattern(Some(pattern)).examples([example]).into()
}

/// Describes a closed set of codes, and what each means.
#[must_use]
pub fn one_of(docs: &[&str], codes: &[(&str, &[&str])]) -> RefOr<Schema> {
    let each = codes.iter().map(|(code, docs)| format!("\n- `{code}`: {}", sentence(docs)));
    let about = std::iter::once(sentence(docs) + "\n").chain(each).collect::<String>();
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    text.enum_values(Some(codes.iter().map(|(code, _)| *code))).into()
}

/// Describes a field, its rule included.
#[must_use]
pub fn property<T: Read>(name: &'static str, rule: &str, docs: &[&str]) -> Property {
    let about = sentence(docs);
    let about = if about.contains(rule) { about } else { format!("{about} ({rule})") };
    let mut schema = T::schema();
    match &mut schema {
        RefOr::Ref(it) => it.description = about,
        RefOr::T(Schema::Object(it)) => it.description = Some(about),
        RefOr::T(Schema::Array(it)) => it.description = Some(about),
        RefOr::T(Schema::OneOf(it)) => it.description = Some(about),
        RefOr::T(_) => {}
    }
    (bare(name), schema, T::absent().is_none())
}

/// A field's name, its schema, and whether it is required.
type Property = (&'static str, RefOr<Schema>, bool);

/// Whether an object without members is one.
#[must_use]
pub fn may_be_empty<T: Read>() -> bool {
    let mut flaws = Flaws::default();
    T::read(&Json::Object(Vec::new()), At::Root, &mut flaws);
    flaws.is_empty()
}

/// Describes an object of these fields and no others, which may be empty or not.
#[must_use]
pub fn object(docs: &[&str], fields: Vec<Property>, may_be_empty: bool) -> RefOr<Schema> {
    let closed = AdditionalProperties::FreeForm(false);
    let mut object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(sentence(docs)))
        .additional_properties(Some(closed));
    // Where a field is required, that says as much.
    if !may_be_empty && fields.iter().all(|it| !it.2) {
        object = object.min_properties(Some(1));
    }
    for (name, schema, required) in fields {
        object = object.property(name, schema);
        if required {
            object = object.required(name);
        }
    }
    object.into()
}

fn sentence(docs: &[&str]) -> String {
    let lines: Vec<_> = docs.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}
