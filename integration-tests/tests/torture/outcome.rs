//! What clients remember of what they asked.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// What a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Submit,
    Move,
    User,
}

/// How it ended, as far as the client knows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Acknowledged.
    Done { text: String, etag: Option<String>, replayed: bool },
    /// Refused, which says that nothing was changed.
    Refused { status: u16, slug: String, retry_after: bool },
    /// No answer, or one that says that no one knows.
    Unknown(String),
}

/// One request that writes.
#[derive(Debug, Clone)]
pub(super) struct Act {
    /// The request's id, and what it leaves in the database.
    pub(super) tag: String,
    pub(super) what: What,
    pub(super) who: &'static str,
    pub(super) path: String,
    pub(super) if_match: Option<i64>,
    pub(super) key: Option<String>,
    pub(super) body: Value,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) outcome: Outcome,
}

/// One look at an authorization.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) began: Instant,
}

impl Act {
    pub(super) fn new(what: What, tag: String, who: &'static str, path: String, body: Value) -> Self {
        let now = Instant::now();
        let outcome = Outcome::Unknown("not sent".to_owned());
        Self { tag, what, who, path, if_match: None, key: None, body, began: now, ended: now, outcome }
    }

    pub(super) fn took(&self) -> Duration {
        self.ended - self.began
    }

    /// The answer's body, if it was acknowledged.
    pub(super) fn answer(&self) -> Option<Value> {
        match &self.outcome {
            Outcome::Done { text, .. } => serde_json::from_str(text).ok(),
            _ => None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.outcome, Outcome::Done { .. })
    }

    /// Sends it, also a second time.
    pub(super) async fn send(&mut self, client: &reqwest::Client, base: &str, token: &str) {
        let request = client.request(Method::POST, format!("{base}{}", self.path)).bearer_auth(token);
        let request = request.header("x-request-id", &self.tag);
        let request =
            self.if_match.iter().fold(request, |it, v| it.header("if-match", format!("\"{v}.00000000\"")));
        let request = self.key.iter().fold(request, |it, key| it.header("idempotency-key", key));
        self.began = Instant::now();
        self.outcome = outcome(request.json(&self.body)).await;
        self.ended = Instant::now();
    }
}

/// What came of a request.
pub(super) async fn outcome(request: RequestBuilder) -> Outcome {
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(it) => return Outcome::Unknown(format!("{it:?}")),
    };
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = match answer.text().await {
        Ok(text) => text,
        Err(it) => return Outcome::Unknown(format!("{it:?}")),
    };
    if status < 300 {
        let etag = headers.get("etag").and_then(|it| it.to_str().ok()).map(str::to_owned);
        return Outcome::Done { text, etag, replayed: headers.contains_key("idempotency-replayed") };
    }
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    let slug = problem["type"].as_str().unwrap_or(&text).trim_start_matches("/problems/").to_owned();
    if slug == "outcome-unknown" {
        return Outcome::Unknown(slug);
    }
    Outcome::Refused { status, slug, retry_after: headers.contains_key("retry-after") }
}
