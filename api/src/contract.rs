//! The contract as it is served, and the methods that it gives each path.

use std::future::{Ready, ready};

use actix_web::dev::{self, ResourceDef};
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use kernel::Scope;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use crate::fixed::Fixed;
use crate::query::Parameters;
use crate::{Problem, pages};

/// The contract as it is served.
pub struct Contract {
    /// As JSON.
    pub json: Fixed,
    /// As YAML.
    pub yaml: Fixed,
    /// Each path, and the methods that it takes.
    methods: Vec<(ResourceDef, HeaderValue)>,
    operations: Vec<Taken>,
}

/// An operation, as requests are matched with it.
struct Taken {
    path: String,
    method: Method,
    id: String,
    /// The query parameters that it takes.
    query: Vec<String>,
    /// The scopes, of which one opens it; none where a token is enough, absent where none is asked for.
    scopes: Option<Vec<Scope>>,
}

impl Contract {
    /// The contract `document`, whose texts are `json` and `yaml`.
    ///
    /// # Panics
    /// Never: the names of methods are header values.
    #[must_use]
    pub fn new(document: &OpenApi, json: &'static str, yaml: &'static str) -> Self {
        let (mut methods, mut operations) = (Vec::new(), Vec::new());
        for (path, item) in &document.paths.paths {
            let all = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            let taken = || all.iter().filter_map(|(method, it)| it.as_ref().map(|it| (method, it)));
            let names = taken().flat_map(|(method, _)| match *method {
                Method::GET => vec!["GET", "HEAD"],
                _ => vec![method.as_str()],
            });
            let names = names.collect::<Vec<_>>().join(", ");
            methods.push((ResourceDef::new(path.as_str()), HeaderValue::from_str(&names).expect("names")));
            operations.extend(taken().map(|(method, it)| Taken::new(path, method, it)));
        }
        let pages =
            pages::PATHS.iter().map(|it| (ResourceDef::new(*it), HeaderValue::from_static("GET, HEAD")));
        methods.extend(pages);
        let (json, yaml) = (Fixed::new("application/json", json), Fixed::new("application/yaml", yaml));
        Self { json, yaml, methods, operations }
    }

    /// Reads the query of a request. Where its operation takes any parameters, they and what is wrong with them so far are left
    /// for its handler; else there may be none.
    ///
    /// # Errors
    /// 400, with every parameter that isn't taken.
    pub fn check(&self, request: &HttpRequest) -> Result<(), Problem> {
        if request.query_string().is_empty() {
            return Ok(());
        }
        let known = self.operation(request).map_or(&[][..], |it| &it.query);
        let mut sent = Parameters::read(request, known)?;
        if known.is_empty() {
            return sent.check();
        }
        request.extensions_mut().insert(sent);
        Ok(())
    }

    fn operation(&self, request: &HttpRequest) -> Option<&Taken> {
        let route = request.match_pattern()?;
        self.operations.iter().find(|it| it.path == route && it.method == *request.method())
    }

    /// The id of the operation that a request is for, if the trail tells of it: of one that asks for a token, or gives one.
    #[must_use]
    pub fn told(&self, request: &HttpRequest) -> Option<&str> {
        let told = |it: &&Taken| it.scopes.is_some() || it.id == "create_token";
        self.operation(request).filter(told).map(|it| &*it.id)
    }

    /// As what a request is counted: its operation's id, a page, or neither; never anything that the caller chose.
    #[must_use]
    pub fn counted(&self, request: &HttpRequest) -> &str {
        let page = || request.match_pattern().is_some_and(|it| pages::PATHS.contains(&&*it));
        self.operation(request).map_or_else(|| if page() { "page" } else { "none" }, |it| &*it.id)
    }

    /// The ids of the operations that are open to someone who has these scopes.
    pub fn open_to(&self, may: impl Fn(Scope) -> bool) -> Vec<String> {
        let open = |it: &&Taken| {
            it.scopes.as_ref().is_some_and(|all| all.is_empty() || all.iter().any(|it| may(*it)))
        };
        self.operations.iter().filter(open).map(|it| it.id.clone()).collect()
    }

    /// The methods that `path` takes, if it is one of the contract's or a page's.
    #[must_use]
    pub fn allow(&self, path: &str) -> Option<HeaderValue> {
        self.methods.iter().find(|it| it.0.is_match(path)).map(|it| it.1.clone())
    }
}

impl Taken {
    fn new(path: &str, method: &Method, it: &Operation) -> Self {
        let of_query = |it: &RefOr<Parameter>| match it {
            RefOr::T(it) if it.parameter_in == ParameterIn::Query => Some(it.name.clone()),
            _ => None,
        };
        // Its form is its JSON's: each alternative names a scheme, and the scopes that it takes.
        let alternatives = it.security.as_ref().map(|it| serde_json::to_value(it).unwrap_or_default());
        let alternatives = alternatives.as_ref().and_then(|it| it.as_array());
        let named: Vec<_> =
            alternatives.into_iter().flatten().filter_map(|it| it["bearer"].as_array()).collect();
        let parse = |it: &serde_json::Value| Scope::parse(it.as_str()?);
        let scopes = (!named.is_empty()).then(|| named.into_iter().flatten().filter_map(parse).collect());
        Self {
            path: path.to_owned(),
            method: method.clone(),
            id: it.operation_id.clone().unwrap_or_default(),
            query: it.parameters.iter().flatten().filter_map(of_query).collect(),
            scopes,
        }
    }
}

/// Anyone at all, known or not; but with no query parameter that the operation doesn't take.
pub struct Public;

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let contract = request.app_data::<Data<Contract>>();
        ready(contract.map_or(Ok(()), |it| it.check(request)).map(|()| Self))
    }
}
