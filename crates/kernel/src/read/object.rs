//! An object that someone else's standard describes.

use super::support::bounds;
use crate::{At, FlawCode, Flaws, Json, Read};

use std::ops::Deref;

use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

/// An object of whatever members, kept as JSON of at most `MAX` bytes; whoever takes it reads it by its own standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<const MAX: usize>(String);

impl<const MAX: usize> Deref for Object<MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Read for Object<MAX> {
    type Draft = Self;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self> {
        let Json::Object(_) = json else {
            flaws.add(at, FlawCode::Type, "Must be an object.");
            return None;
        };
        let text = value(json).to_string();
        if text.len() > MAX {
            flaws.add(at, FlawCode::Length, bounds("have", 0, MAX, "bytes"));
        }
        (text.len() <= MAX).then_some(Self(text))
    }
    fn whole(draft: Self) -> Option<Self> {
        Some(draft)
    }
    fn schema() -> RefOr<Schema> {
        let open = AdditionalProperties::FreeForm(true);
        ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(open)).into()
    }
}

fn value(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(it) => Value::from(*it),
        Json::Integer(it) => Value::from(*it),
        Json::Number(it) => Value::from(*it),
        Json::Text(it) => Value::from(&**it),
        Json::List(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(members) => {
            let members = members.iter().map(|(name, it)| (name.clone().into_owned(), value(it)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
