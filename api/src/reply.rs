//! Answers, made whole inside the transaction, so that a repeated request gets the same bytes.

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder};
use kernel::SiteId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::headers;

/// An answer: its status, its body, and the headers that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
    link: Option<String>,
    body: String,
    #[serde(skip)]
    replayed: bool,
    /// Whether what it answers has its entry in the trail already.
    #[serde(skip)]
    recorded: bool,
    /// The ids of those whose data it shows, for the trail.
    #[serde(skip)]
    subjects: Vec<String>,
    /// The site that owns it, for the trail.
    #[serde(skip)]
    site: Option<String>,
}

/// What an answer shows, as it is left for the trail.
pub(crate) struct Shown {
    pub(crate) recorded: bool,
    pub(crate) subjects: Vec<String>,
    pub(crate) site: Option<String>,
}

impl Reply {
    /// An answer of `body`, which has no version: a list, a profile.
    ///
    /// # Errors
    /// If it can't be written as JSON, which is a fault of ours.
    pub fn of(body: &impl Serialize) -> Result<Self, store::Error> {
        let body = serde_json::to_string(body).map_err(|it| store::Error::Internal(it.to_string()))?;
        Ok(Self {
            status: 200,
            location: None,
            etag: None,
            link: None,
            body,
            replayed: false,
            recorded: false,
            subjects: Vec::new(),
            site: None,
        })
    }

    /// An answer of `body` at `version`, with its `ETag`.
    ///
    /// # Errors
    /// If it can't be written as JSON, which is a fault of ours.
    pub fn versioned(version: i32, body: &impl Serialize) -> Result<Self, store::Error> {
        let it = Self::of(body)?;
        let digest = format!("{:x}", Sha256::digest(&it.body));
        Ok(Self { etag: Some(format!("\"{version}.{}\"", &digest[..8])), ..it })
    }

    /// The same, of something that was made at `location`.
    #[must_use]
    pub fn created(self, location: String) -> Self {
        Self { status: 201, location: Some(location), ..self }
    }

    /// The same, of something that was received at `location`, and of which more is to come.
    #[must_use]
    pub fn accepted(self, location: String) -> Self {
        Self { status: 202, location: Some(location), ..self }
    }

    /// The same, with the address of the next page.
    #[must_use]
    pub fn next(self, link: Option<String>) -> Self {
        Self { link: link.map(|it| format!("<{it}>; rel=\"next\"")), ..self }
    }

    /// The same, which shows data of these, by id.
    #[must_use]
    pub fn about<T: ToString>(self, subjects: impl IntoIterator<Item = T>) -> Self {
        Self { subjects: subjects.into_iter().map(|it| it.to_string()).collect(), ..self }
    }

    /// The same, of something that `site` owns.
    #[must_use]
    pub fn owned_by(self, site: &SiteId) -> Self {
        Self { site: Some(site.to_string()), ..self }
    }

    /// The same with another text of its body, if there is one.
    #[must_use]
    pub fn rewritten(self, text: impl FnOnce(&str) -> Option<String>) -> Option<Self> {
        Some(Self { body: text(&self.body)?, ..self })
    }

    /// The same, as the answer to what the trail has already.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self { recorded: true, ..self }
    }

    /// The same, as the answer to a repeated request.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self { replayed: true, ..self }
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let Self { status, location, etag, link, body, replayed, recorded, subjects, site } = self;
        request.extensions_mut().insert(Shown { recorded, subjects, site });
        let same = etag.as_deref().is_some_and(|it| headers::is_known(request, it));
        let unchanged = same && request.method().is_safe();
        let status = if unchanged {
            StatusCode::NOT_MODIFIED
        } else {
            StatusCode::from_u16(status).unwrap_or_default()
        };
        let mut answer = HttpResponse::build(status);
        for (name, value) in [(header::LOCATION, location), (header::ETAG, etag), (header::LINK, link)] {
            if let Some(value) = value {
                answer.insert_header((name, value));
            }
        }
        if replayed {
            answer.insert_header(("idempotency-replayed", "true"));
        }
        if unchanged {
            return answer.finish();
        }
        answer.content_type("application/json").body(body)
    }
}
