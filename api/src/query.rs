//! Query parameters: the contract says which an operation takes, and its handler of what form each is.
//!
//! What is wrong with them is told at once, as with a body: a pointer is `/` and the name.

use std::borrow::Cow;
use std::mem;

use actix_web::web::Query;
use actix_web::{HttpMessage, HttpRequest};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{At, FlawCode, Flaws};

use crate::{Problem, problem};

/// The query parameters of a request, in the order in which they were sent, and what is wrong with them so far.
#[derive(Default)]
pub struct Parameters {
    sent: Vec<(String, String)>,
    flaws: Flaws,
}

impl Parameters {
    /// Those of `request`, of which an operation takes the ones that are `known`.
    ///
    /// # Errors
    /// 400, where they can't be read at all.
    pub fn read(request: &HttpRequest, known: &[String]) -> Result<Self, Problem> {
        let sent = Query::<Vec<(String, String)>>::from_query(request.query_string());
        let sent = sent.map_err(|_| problem::PARAMETER.because("The query can't be read."))?.into_inner();
        let mut flaws = Flaws::default();
        for (place, (name, _)) in sent.iter().enumerate() {
            let taken = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            // What doesn't look like a name may be a value, which isn't quoted.
            let plain = name.len() <= 64 && name.bytes().all(|it| it == b'_' || it.is_ascii_lowercase());
            if !known.contains(name) && plain {
                let detail = format!("Is not a parameter here: the operation takes {taken}.");
                flaws.add(At::Member(&At::Root, name), FlawCode::Unknown, detail);
            } else if !known.contains(name) {
                flaws.add(At::Root, FlawCode::Unknown, format!("The operation takes {taken}."));
            } else if sent[..place].iter().any(|it| it.0 == *name) {
                flaws.add(At::Member(&At::Root, name), FlawCode::Items, "May be given once.");
            }
        }
        Ok(Self { sent, flaws })
    }

    /// Those of `request`, as its caller's extractor left them for the handler.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions_mut().get_mut().map(mem::take).unwrap_or_default()
    }

    /// Adds what is wrong with the parameter `name`.
    pub fn wrong(&mut self, name: &str, code: FlawCode, detail: impl Into<Cow<'static, str>>) {
        self.flaws.add(At::Member(&At::Root, name), code, detail);
    }

    /// Whether the parameter `name` is given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.sent.iter().any(|it| it.0 == name)
    }

    /// The parameter `name` as `parse` reads it; none where it isn't given, or is not what is `expected`.
    pub fn get<T>(
        &mut self,
        name: &str,
        code: FlawCode,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (_, text) = self.sent.iter().find(|it| it.0 == name)?;
        let it = parse(text);
        if it.is_none() {
            self.wrong(name, code, format!("Must be {expected}."));
        }
        it
    }

    /// The parameter `name` as `parse` reads it, which must be given.
    pub fn must<T>(
        &mut self,
        name: &str,
        code: FlawCode,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if !self.has(name) {
            self.wrong(name, FlawCode::Required, format!("Must be given: {expected}."));
        }
        self.get(name, code, expected, parse)
    }

    /// The parameter `name`, which is one of the codes `all`.
    pub fn one_of<T: Copy>(&mut self, name: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Option<T> {
        let words: Vec<_> = all.iter().map(|it| word(*it)).collect();
        let parse = |text: &str| all.iter().copied().find(|it| word(*it) == text);
        self.get(name, FlawCode::OneOf, &format!("one of {}", words.join(", ")), parse)
    }

    /// The day that the parameter `name` is.
    pub fn day(&mut self, name: &str) -> Option<NaiveDate> {
        self.get(name, FlawCode::Format, "a date of the years 1900 to 2199, as YYYY-MM-DD", kernel::day)
    }

    /// The instant that the parameter `name` is.
    pub fn instant(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.get(
            name,
            FlawCode::Format,
            "an instant of the years 1900 to 2199, as 2026-12-01T15:00:00Z",
            kernel::instant,
        )
    }

    /// How many rows a page may have: 1 to `most`, `usual` where it isn't said.
    pub fn limit(&mut self, usual: u16, most: u16) -> u16 {
        let digits = |it: &&str| !it.starts_with(['+', '0']);
        let count = |it: &str| Some(it).filter(digits)?.parse().ok().filter(|it| (1..=most).contains(it));
        self.get("limit", FlawCode::Range, &format!("a number from 1 to {most}"), count).unwrap_or(usual)
    }

    /// Nothing, if nothing is wrong with them.
    ///
    /// # Errors
    /// 400, with everything that is.
    pub fn check(&mut self) -> Result<(), Problem> {
        self.checked(Some(()))
    }

    /// What `must` be given, if nothing is wrong with any of them.
    ///
    /// # Errors
    /// 400, with everything that is.
    pub fn checked<T>(&mut self, must: Option<T>) -> Result<T, Problem> {
        match must {
            Some(it) if self.flaws.is_empty() => Ok(it),
            _ => Err(Problem::of_query(mem::take(&mut self.flaws))),
        }
    }

    /// The address of the next page of the list at `path`.
    #[must_use]
    pub fn next(&self, path: &str, cursor: &str) -> String {
        let others = self.sent.iter().filter(|it| it.0 != "cursor");
        let others = others.map(|(name, value)| format!("{name}={}&", encoded(value)));
        format!("{path}?{}cursor={cursor}", others.collect::<String>())
    }
}

/// `text` as a part of an address.
fn encoded(text: &str) -> String {
    let byte = |it: u8| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(it).to_string(),
        _ => format!("%{it:02X}"),
    };
    text.bytes().map(byte).collect()
}
