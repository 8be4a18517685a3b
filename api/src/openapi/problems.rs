//! The problems of an operation: in words, and as data.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::sets::camel;
use crate::meets::Form;
use crate::refusal::{all, title};

/// Lists the problems that the operation's form allows, by status.
pub(super) fn list(operation: &mut Operation, form: &Form) {
    let mut statuses = BTreeMap::<_, Vec<&str>>::new();
    for it in all().into_iter().filter(|it| form.meets(it.slug)) {
        statuses.entry(it.status).or_default().push(it.slug);
    }
    for (status, slugs) in &statuses {
        let links: Vec<_> = slugs.iter().map(|it| format!("[`{it}`](/problems/{it})")).collect();
        let mut answer = Ref::from_response_name(format!("Problem{}", status.as_u16()));
        answer.description = format!("{}: {}.", title(*status), links.join(", "));
        operation.responses.responses.insert(status.as_str().to_owned(), RefOr::Ref(answer));
    }
    let slugs: BTreeMap<_, _> =
        statuses.into_iter().map(|(status, it)| (status.as_str().to_owned(), it)).collect();
    operation.extensions = Some(ExtensionsBuilder::new().add("x-problems", json!(slugs)).build());
}

/// The pages of all problems, which tell them apart.
pub(crate) struct ProblemType;

impl PartialSchema for ProblemType {
    fn schema() -> RefOr<Schema> {
        let slugs: Vec<_> = all().into_iter().map(|it| it.slug).collect();
        let names: Vec<Value> = slugs.iter().map(|it| camel(it).into()).collect();
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.enum_values(Some(slugs.iter().map(|it| format!("/problems/{it}"))));
        let text =
            text.description(Some("The page that explains a kind of problem, relative to the service."));
        text.extensions(Some(ExtensionsBuilder::new().add("x-enum-varnames", json!(names)).build())).into()
    }
}

impl ToSchema for ProblemType {
    fn name() -> Cow<'static, str> {
        "ProblemType".into()
    }
}
