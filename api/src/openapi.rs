//! The contract: what the handlers say of themselves, and what holds for all of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContactBuilder, Content, ContentBuilder, Info, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr,
    ResponseBuilder, ServerBuilder, tag,
};
use utoipa::{OpenApi as _, ToSchema};

use crate::contract::Contract;
use crate::meets::Form;
use crate::problem::Problem;
use crate::refusal::{all, title};
use crate::routes::Operations;
use crate::yaml::quoted;

pub use crate::examples::EXAMPLES;

const ABOUT: &str = include_str!("openapi.md");

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(assemble);
static JSON: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_pretty_json().expect("a document"));
static YAML: LazyLock<String> = LazyLock::new(|| quoted(&DOCUMENT.to_yaml().expect("a document")));

/// The contract, as it is served.
#[must_use]
pub fn contract() -> Contract {
    Contract::new(&DOCUMENT, json(), yaml())
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

/// An operation, as it is told of.
pub struct Told {
    /// Its id.
    pub id: String,
    /// What it is grouped by.
    pub tag: String,
    /// `GET`, `POST`, `PUT`.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// What it does.
    pub summary: String,
    form: Form,
}

/// Every operation.
#[must_use]
pub fn told() -> Vec<Told> {
    let of = |path: &String, method: &'static str, it: &Operation| Told {
        id: it.operation_id.clone().unwrap_or_default(),
        tag: it.tags.iter().flatten().next().cloned().unwrap_or_default(),
        method,
        path: path.clone(),
        summary: it.summary.clone().unwrap_or_default(),
        form: Form::of(it, path),
    };
    let all = DOCUMENT.paths.paths.iter().flat_map(|(path, item)| {
        let methods = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put)];
        methods.into_iter().filter_map(move |(name, it)| Some(of(path, name, it.as_ref()?)))
    });
    all.collect()
}

/// The operations that can answer with the problem `slug`.
#[must_use]
pub fn answering(slug: &str) -> Vec<Told> {
    told().into_iter().filter(|it| it.form.meets(slug)).collect()
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

    for (path, item) in &mut it.paths.paths {
        let all = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in all.into_iter().flatten() {
            complete(operation, path);
        }
    }
    it
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
    for answer in operation.responses.responses.values_mut() {
        if let (Some((.., answered)), RefOr::T(answer)) = (example, answer) {
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
    let form = Form::of(operation, path);
    let mut statuses = BTreeMap::<u16, Vec<String>>::new();
    for it in all().into_iter().filter(|it| form.meets(it.slug)) {
        statuses.entry(it.status.as_u16()).or_default().push(format!("[`{0}`](/problems/{0})", it.slug));
    }
    for (status, slugs) in statuses {
        let mut answer = problem(status, &slugs);
        if id == "get_problem" && status == 404 {
            // Who would rather read a page gets one.
            let page = ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build();
            answer.content.insert("text/html".to_owned(), RefOr::T(page));
        }
        operation.responses.responses.insert(status.to_string(), RefOr::T(answer));
    }
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        let mut headers = vec![(
            "X-Request-Id",
            "The request's id: yours, if you sent one of 1 to 64 letters, digits, `_` or `-`.",
        )];
        if form.meets("too-many-requests") {
            headers.push((
                "RateLimit-Policy",
                "How many requests at once (`q`) come back in how many seconds (`w`).",
            ));
            headers.push((
                "RateLimit",
                "How many of them are left (`r`), and in how many seconds all will be (`t`).",
            ));
        }
        headers.extend(match status.as_str() {
            "401" => Some(("WWW-Authenticate", "`Bearer`.")),
            "429" | "503" => Some(("Retry-After", "Seconds to wait.")),
            "304" => Some(("ETag", "Its version.")),
            "200" | "201" if form.takes("Idempotency-Key") => {
                Some(("Idempotency-Replayed", "`true`, if this is the answer to an earlier request."))
            }
            _ => None,
        });
        for (name, about) in headers {
            let header =
                HeaderBuilder::new().schema(Some(Object::with_type(Type::String))).description(Some(about));
            answer.headers.insert(name.to_owned(), header.build().into());
        }
    }
}

fn exemplify(content: &mut RefOr<Content>, example: &str) {
    if let RefOr::T(content) = content {
        content.example = Some(serde_json::from_str(example).expect("an example is JSON"));
    }
}

fn problem(status: u16, slugs: &[String]) -> utoipa::openapi::Response {
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    let about = format!("{}: {}.", title(status), slugs.join(", "));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(about).content("application/problem+json", content).build()
}
