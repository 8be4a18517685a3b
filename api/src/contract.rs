//! The contract as it is served, and the methods that it gives each path.

use actix_web::dev::ResourceDef;
use actix_web::http::header::HeaderValue;
use utoipa::openapi::OpenApi;

/// The contract as it is served.
pub struct Contract {
    /// As JSON.
    pub json: &'static str,
    /// As YAML.
    pub yaml: &'static str,
    /// Each path, and the methods that it takes.
    methods: Vec<(ResourceDef, HeaderValue)>,
}

impl Contract {
    /// The contract `document`, whose texts are `json` and `yaml`.
    #[must_use]
    pub fn new(document: &OpenApi, json: &'static str, yaml: &'static str) -> Self {
        let methods = document.paths.paths.iter().map(|(path, item)| {
            let allow = match (&item.get, &item.post) {
                (Some(_), Some(_)) => "GET, POST",
                (None, _) => "POST",
                (_, None) => "GET",
            };
            (ResourceDef::new(path.as_str()), HeaderValue::from_static(allow))
        });
        Self { json, yaml, methods: methods.collect() }
    }

    /// The methods that `path` takes, if it is one of the contract's.
    #[must_use]
    pub fn allow(&self, path: &str) -> Option<HeaderValue> {
        self.methods.iter().find(|it| it.0.is_match(path)).map(|it| it.1.clone())
    }
}
