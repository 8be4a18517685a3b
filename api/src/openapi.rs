//! The contract: what the handlers say of themselves, and what holds for all of them.

mod every;
mod problems;
mod sets;
mod shared;
mod takes;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::Read;
use serde_json::{Value, json};
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContactBuilder, Content, Info, InfoBuilder, LicenseBuilder, OpenApi, RefOr, Required, ServerBuilder, tag,
};
use utoipa::{OpenApi as _, ToSchema};

use crate::contract::Contract;
use crate::meets::Form;
use crate::problem::Problem;
use crate::routes::Operations;
use crate::yaml::quoted;

pub use crate::examples::{ANSWERS, EXAMPLES};
pub use every::{Told, answering, every};
pub(crate) use problems::ProblemType;
pub use shared::ANSWERED;

const ABOUT: &str = include_str!("openapi.md");

static OPERATIONS: LazyLock<OpenApi> = LazyLock::new(assemble);
static DOCUMENT: LazyLock<Value> = LazyLock::new(finish);
static JSON: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_string());
static YAML: LazyLock<String> =
    LazyLock::new(|| quoted(&yaml_serde::to_string(&*DOCUMENT).expect("a document")));

/// The contract, as it is served.
#[must_use]
pub fn contract() -> Contract {
    Contract::new(&OPERATIONS, json(), yaml())
}

/// The contract, as JSON.
///
/// # Panics
/// Never: a test writes it.
#[must_use]
pub fn json() -> &'static str {
    &JSON
}

/// The contract, as YAML.
///
/// # Panics
/// Never: a test writes it.
#[must_use]
pub fn yaml() -> &'static str {
    &YAML
}

/// The document as it is read by others: what is said of all operations alike is said once.
fn finish() -> Value {
    let mut document = serde_json::to_value(&*OPERATIONS).expect("a document");
    document["webhooks"] = told::webhooks();
    members(&mut document["components"], "schemas").for_each(|it| tidy(it.1));
    takes::say(&mut document);
    shared::share(&mut document);
    sets::open(&mut document);
    document
}

/// Each operation of a document, with its path.
fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    members(document, "paths").flat_map(|(path, item)| {
        let all = item.as_object_mut().into_iter().flatten();
        all.map(move |it| (path, it.1))
    })
}

/// The members of a part, if it is there.
fn members<'v>(of: &'v mut Value, part: &str) -> impl Iterator<Item = (&'v str, &'v mut Value)> {
    let all = of.get_mut(part).and_then(Value::as_object_mut).into_iter().flatten();
    all.map(|it| (it.0.as_str(), it.1))
}

/// Puts what is said of a member that may be null beside its alternatives, where each reader finds it; and says of an object whose
/// members are someone else's that it has some.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(it) => {
            let of_object =
                it.get("type").is_some_and(|it| it == "object" || it == &json!(["object", "null"]));
            let bare = ["properties", "additionalProperties"].iter().all(|part| !it.contains_key(*part));
            if of_object && bare {
                it.insert("additionalProperties".to_owned(), true.into());
            }
            let either = it.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
            let about: Vec<_> = either.filter_map(|it| it.as_object_mut()?.remove("description")).collect();
            if let Some(about) = about.into_iter().next() {
                it.entry("description").or_insert(about);
            }
            it.values_mut().for_each(within);
        }
        Value::Array(it) => it.iter_mut().for_each(within),
        _ => {}
    }
}

/// The same of a part; where a single text is taken, it is a constant, of which no program needs a name.
fn within(part: &mut Value) {
    tidy(part);
    if let Some(it) = part.as_object_mut()
        && let Some(Value::Array(only)) = it.get("enum")
        && let [one] = &only[..]
    {
        let one = one.clone();
        it.remove("enum");
        it.insert("const".to_owned(), one);
    }
}

fn assemble() -> OpenApi {
    let mut it = Operations::openapi();
    it.info = info();
    it.servers = Some(vec![ServerBuilder::new().url("/").description(Some("This service.")).build()]);
    it.tags = Some(
        [
            ("authorizations", "Prior authorizations: asked for, decided, and found again."),
            (
                "finders",
                "Whom and what a request names: members and their benefits, providers, services, codes.",
            ),
            ("policy", "What the plan decides by."),
            ("callers", "Who calls, and what they may do."),
            ("access", "Users, what each was granted and who acts for whom; and who did and saw what."),
            ("deadlines", "What the plan has promised to do by when."),
            ("webhooks", "Events: read, or sent to whoever asked to be told."),
            ("operators", "Health, jobs, the contract, and the problems."),
        ]
        .map(|(name, about)| tag::TagBuilder::new().name(name).description(Some(about)).build())
        .into(),
    );
    let components = it.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some("An access token (RFC 9068), `typ: at+jwt`, audience `lanyard`."));
    components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer.build()).into());
    let mut schemas = vec![("Problem".to_owned(), <Problem as utoipa::PartialSchema>::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);

    let empty = may_be_empty(&components.schemas);
    for (path, item) in &mut it.paths.paths {
        let all = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in all.into_iter().flatten() {
            complete(operation, path);
            let nothing = operation.request_body.as_mut().filter(|it| empty.contains(&named(it)));
            if let Some(RefOr::T(body)) = nothing {
                body.required = Some(Required::False);
            }
        }
    }
    it
}

/// The names of the objects of which nothing must be given: a request of one of them may have no body.
fn may_be_empty(schemas: &BTreeMap<String, RefOr<Schema>>) -> BTreeSet<String> {
    let empty = |it: &RefOr<Schema>| matches!(it, RefOr::T(Schema::Object(it)) if it.required.is_empty() && it.min_properties.is_none());
    schemas.iter().filter(|it| empty(it.1)).map(|it| it.0.clone()).collect()
}

/// The name of the schema of a body.
fn named(it: &RefOr<RequestBody>) -> String {
    let RefOr::T(it) = it else { return String::new() };
    let schema = it.content.values().next().and_then(|it| match it {
        RefOr::T(it) => it.schema.as_ref(),
        RefOr::Ref(_) => None,
    });
    let Some(RefOr::Ref(it)) = schema else { return String::new() };
    it.ref_location.rsplit('/').next().unwrap_or_default().to_owned()
}

fn info() -> Info {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let contact =
        ContactBuilder::new().name(Some("Provider Service")).email(Some("prweb@allwayshealth.org")).build();
    InfoBuilder::new()
        .title("Lanyard")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .contact(Some(contact))
        .build()
}

/// Adds the examples, and each problem that the operation's form allows.
fn complete(operation: &mut Operation, path: &str) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let example = EXAMPLES.iter().find(|it| it.0 == id);
    if let (Some((_, Some(request), _)), Some(RefOr::T(body))) = (example, &mut operation.request_body) {
        body.content.values_mut().for_each(|it| exemplify(it, request));
    }
    for (status, answer) in &mut operation.responses.responses {
        let other = ANSWERS.iter().find(|it| it.0 == id && it.1 == status).map(|it| it.2);
        if let (Some(answered), RefOr::T(answer)) = (other.or(example.map(|it| it.2)), answer) {
            answer.content.values_mut().for_each(|it| exemplify(it, answered));
        }
    }
    // A header is there or not; utoipa has it null where it is an `Option`.
    for it in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(Parameter { schema: Some(RefOr::T(Schema::Object(it))), .. }) = it
            && let SchemaType::Array(types) = &it.schema_type
            && let Some(one) = types.iter().find(|it| **it != Type::Null)
        {
            it.schema_type = SchemaType::Type(one.clone());
        }
    }
    operation.parameters.iter_mut().flatten().for_each(bound);
    let form = Form::of(operation, path);
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        let mut headers = vec!["X-Request-Id"];
        if form.meets("too-many-requests") {
            headers.extend(["RateLimit-Policy", "RateLimit"]);
        }
        headers.extend(match status.as_str() {
            "304" => Some("ETag"),
            "200" | "201" | "202" if form.takes("Idempotency-Key") => Some("Idempotency-Replayed"),
            _ => None,
        });
        answer.headers.extend(headers.into_iter().map(|it| (it.to_owned(), Header::default().into())));
    }
    problems::list(operation, &form);
}

/// Has a parameter that is a day or an instant be of the form that it has in a body.
fn bound(parameter: &mut RefOr<Parameter>) {
    let forms = [<NaiveDate as Read>::schema(), <DateTime<Utc> as Read>::schema()];
    if let RefOr::T(Parameter { schema: Some(RefOr::T(Schema::Object(it))), .. }) = parameter {
        for form in forms {
            if let RefOr::T(Schema::Object(form)) = form
                && it.format.is_some()
                && form.format == it.format
            {
                it.pattern = form.pattern;
            }
        }
    }
}

fn exemplify(content: &mut RefOr<Content>, example: &str) {
    if let RefOr::T(content) = content {
        content.example = Some(serde_json::from_str(example).expect("an example is JSON"));
    }
}
