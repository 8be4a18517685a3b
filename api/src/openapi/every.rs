//! Every operation, as the pages tell of it.

use utoipa::openapi::path::Operation;

use super::OPERATIONS;
use crate::meets::Form;

/// An operation, as it is told of.
pub struct Told {
    /// Its id.
    pub id: String,
    /// What it is grouped by.
    pub tag: String,
    /// `GET`, `POST`, `PUT`, `PATCH`.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// What it does.
    pub summary: String,
    form: Form,
}

/// Every operation.
#[must_use]
pub fn every() -> Vec<Told> {
    let of = |path: &String, method: &'static str, it: &Operation| Told {
        id: it.operation_id.clone().unwrap_or_default(),
        tag: it.tags.iter().flatten().next().cloned().unwrap_or_default(),
        method,
        path: path.clone(),
        summary: it.summary.clone().unwrap_or_default(),
        form: Form::of(it, path),
    };
    let all = OPERATIONS.paths.paths.iter().flat_map(|(path, it)| {
        let methods = [("GET", &it.get), ("POST", &it.post), ("PUT", &it.put), ("PATCH", &it.patch)];
        methods.into_iter().filter_map(move |(name, it)| Some(of(path, name, it.as_ref()?)))
    });
    all.collect()
}

/// The operations that can answer with the problem `slug`.
#[must_use]
pub fn answering(slug: &str) -> Vec<Told> {
    every().into_iter().filter(|it| it.form.meets(slug)).collect()
}
