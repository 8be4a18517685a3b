//! What a change says of a member.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::{At, FlawCode, Flaws, Json, Read};

/// A member of a change (RFC 7396): where it is left out it stays as it is; null takes away what may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch<T>(Option<T>);

impl<T: Read> Read for Patch<T> {
    const TELLS_NULL: bool = true;
    type Draft = Option<T::Draft>;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self::Draft> {
        let read = if *json == Json::Null { T::absent() } else { return T::read(json, at, flaws).map(Some) };
        if read.is_none() {
            flaws.add(at, FlawCode::Required, "Must not be null.");
        }
        read.map(Some)
    }
    fn whole(draft: Self::Draft) -> Option<Self> {
        match draft {
            Some(draft) => T::whole(draft).map(|it| Self(Some(it))),
            None => Some(Self(None)),
        }
    }
    fn schema() -> RefOr<Schema> {
        T::schema()
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
