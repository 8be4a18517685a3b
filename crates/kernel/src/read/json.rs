//! Bytes to a tree. `serde_json` reads the syntax; this keeps what `serde_json::Value` forgets (a
//! member named twice) and borrows what it copies.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A JSON value that borrows its text from the bytes of the request.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`, which means the same as an absent member but in a change ([`Patch`](crate::Patch)).
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without a fraction; `1.0` is one, as it is for JSON Schema.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object, its members in the order they were sent, no name twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why bytes could not be read as JSON (400).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong with them.
    pub why: &'static str,
    /// The line it is on, from 1.
    pub line: usize,
    /// The column it is in, from 1.
    pub column: usize,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, line, column } = self;
        write!(f, "{why} (line {line}, column {column}).")
    }
}

impl std::error::Error for Unreadable {}

const DEEP: &str = "The body is nested too deeply";
const TWICE: &str = "The body names a member twice";
const SYNTAX: &str = "The body is not valid JSON";

impl<'a> Json<'a> {
    /// How many lists and objects may be within each other.
    pub const DEEPEST: u8 = 16;

    /// Reads a whole body.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not JSON, names a member twice or is nested too deeply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        Node(Self::DEEPEST).deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree)).map_err(
            |error| {
                // serde_json's own words may quote the body, so only two of ours are let through.
                let words = error.to_string();
                let why = [DEEP, TWICE].into_iter().find(|why| words.starts_with(why));
                let (line, column) = (error.line(), error.column());
                Unreadable { why: why.unwrap_or(SYNTAX), line, column }
            },
        )
    }
}

/// A value that may hold this many more levels.
#[derive(Clone, Copy)]
struct Node(u8);

impl Node {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Json<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, it: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(it))
    }
    fn visit_i64<E>(self, it: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(it))
    }
    #[expect(clippy::cast_precision_loss, reason = "too large for any field of ours")]
    fn visit_u64<E>(self, it: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(it).map_or(Json::Number(it as f64), Json::Integer))
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and small, by the guard")]
    fn visit_f64<E>(self, it: f64) -> Result<Json<'de>, E> {
        let whole = it.fract() == 0.0 && it.abs() < 9e15;
        Ok(if whole { Json::Integer(it as i64) } else { Json::Number(it) })
    }
    fn visit_borrowed_str<E>(self, it: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(it)))
    }
    fn visit_str<E>(self, it: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(it.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json<'de>, A::Error> {
        let (inner, mut items) = (self.deeper()?, Vec::new());
        while let Some(item) = from.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json<'de>, A::Error> {
        let (inner, mut members) = (self.deeper()?, Vec::new());
        while let Some(name) = from.next_key_seed(Name)? {
            members.push((name, from.next_value_seed(inner)?));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom(TWICE));
        }
        Ok(Json::Object(members))
    }
}

/// A member's name, borrowed where it holds no escape.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_borrowed_str<E>(self, it: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(it))
    }
    fn visit_str<E>(self, it: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(it.to_owned()))
    }
}
