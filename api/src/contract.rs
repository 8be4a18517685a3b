//! The contract as it is served, and the methods that it gives each path.

use std::future::{Ready, ready};

use actix_web::dev::{self, ResourceDef};
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
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
    /// Each path and method, and the query parameters that it takes.
    parameters: Vec<(String, Method, Vec<String>)>,
}

impl Contract {
    /// The contract `document`, whose texts are `json` and `yaml`.
    ///
    /// # Panics
    /// Never: the names of methods are header values.
    #[must_use]
    pub fn new(document: &OpenApi, json: &'static str, yaml: &'static str) -> Self {
        let (mut methods, mut parameters) = (Vec::new(), Vec::new());
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
            parameters.extend(taken().map(|(method, it)| (path.clone(), method.clone(), query(it))));
        }
        let pages =
            pages::PATHS.iter().map(|it| (ResourceDef::new(*it), HeaderValue::from_static("GET, HEAD")));
        methods.extend(pages);
        let (json, yaml) = (Fixed::new("application/json", json), Fixed::new("application/yaml", yaml));
        Self { json, yaml, methods, parameters }
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
        let route = request.match_pattern().unwrap_or_default();
        let operation = self.parameters.iter().find(|it| it.0 == route && it.1 == *request.method());
        let known = operation.map_or(&[][..], |it| &it.2);
        let mut sent = Parameters::read(request, known)?;
        if known.is_empty() {
            return sent.check();
        }
        request.extensions_mut().insert(sent);
        Ok(())
    }

    /// The methods that `path` takes, if it is one of the contract's or a page's.
    #[must_use]
    pub fn allow(&self, path: &str) -> Option<HeaderValue> {
        self.methods.iter().find(|it| it.0.is_match(path)).map(|it| it.1.clone())
    }
}

/// The query parameters that an operation takes.
fn query(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten();
    let of_query = |it: &RefOr<Parameter>| match it {
        RefOr::T(it) if it.parameter_in == ParameterIn::Query => Some(it.name.clone()),
        _ => None,
    };
    parameters.filter_map(of_query).collect()
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
