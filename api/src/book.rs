//! The book, as pages: `docs/*.md`, in the binary.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

macro_rules! pages {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../../docs/", $name)))),+] };
}

/// Each page: its name, and its text.
pub const PAGES: &[(&str, &str)] = pages![
    "README.md",
    "quick-start.md",
    "callers.md",
    "access.md",
    "walkthrough.md",
    "lifecycle.md",
    "dates-and-money.md",
    "errors.md",
    "idempotency.md",
    "lists.md",
    "webhooks.md",
    "glossary.md",
    "policy.md",
    "operations.md",
    "runbook.md",
    "rules.md",
];

/// Each page's title and HTML, made when the first of them is asked for.
static MADE: LazyLock<BTreeMap<&str, (&str, String)>> = LazyLock::new(|| {
    let made = |(name, text): &(&'static str, &'static str)| {
        let title = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let mut html = String::new();
        html::push_html(&mut html, events(text).into_iter().flat_map(framed));
        (*name, (title, html))
    };
    PAGES.iter().map(made).collect()
});

/// The title and the HTML of a page, if there is one of this name.
#[must_use]
pub fn page(name: &str) -> Option<(&'static str, &'static str)> {
    MADE.get(name).map(|(title, html)| (*title, html.as_str()))
}

/// The Markdown of a page, if there is one of this name.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    PAGES.iter().find(|it| it.0 == name).map(|it| it.1)
}

/// What the Markdown says, with anchors that links can name, and without links that lead out of the book but to the contract.
fn events(text: &str) -> Vec<Event<'_>> {
    let mut linked = true;
    let inner = Parser::new_ext(text, Options::ENABLE_TABLES).filter(|it| match it {
        Event::Start(Tag::Link { dest_url, .. }) => {
            linked = !dest_url.starts_with("../") || &**dest_url == "../openapi.yaml";
            linked
        }
        Event::End(TagEnd::Link) => linked,
        _ => true,
    });
    let mut all: Vec<_> = inner.collect();
    for place in 0..all.len() {
        if matches!(all[place], Event::Start(Tag::Heading { .. })) {
            let named = anchor(&all[place..]);
            if let Event::Start(Tag::Heading { id, .. }) = &mut all[place] {
                *id = Some(named.into());
            }
        }
    }
    all
}

/// What may be wider than the page, in a frame that the keyboard reaches.
fn framed(event: Event<'_>) -> Vec<Event<'_>> {
    let html = |it: &'static str| Event::Html(CowStr::Borrowed(it));
    match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented)) => {
            vec![html("<pre tabindex=\"0\"><code>")]
        }
        Event::End(TagEnd::CodeBlock) => vec![html("</code></pre>\n")],
        Event::Start(Tag::Table(columns)) => {
            // An aligned column would be a style within the page, which its policy doesn't allow.
            let plain = Event::Start(Tag::Table(vec![Alignment::None; columns.len()]));
            vec![html("<div class=\"frame\" tabindex=\"0\" role=\"group\" aria-label=\"A table\">\n"), plain]
        }
        Event::End(TagEnd::Table) => vec![event, html("</div>\n")],
        event => vec![event],
    }
}

/// The anchor of the heading that begins here, as links in the book name it.
fn anchor(events: &[Event<'_>]) -> String {
    let within = events.iter().take_while(|it| !matches!(it, Event::End(TagEnd::Heading(_))));
    let text: String = within
        .filter_map(|it| match it {
            Event::Text(it) | Event::Code(it) => Some(&**it),
            _ => None,
        })
        .collect();
    let kept = text.to_lowercase().replace(' ', "-");
    kept.chars().filter(|it| it.is_alphanumeric() || *it == '-' || *it == '_').collect()
}
