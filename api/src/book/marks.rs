//! Markdown as HTML: what names a problem, a rule or a duty leads to it, and what is wider than the page has a frame.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kernel::FlawCode;
use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::{diagram, rule};
use crate::refusal::all;

/// Pages that tell of requests and answers in turn.
const EXCHANGES: [&str; 2] = ["quick-start.md", "walkthrough.md"];

/// Other pages that the book names.
const ADDRESSES: [&str; 5] = ["/docs", "/problems", "/book", "/openapi.yaml", "/openapi.json"];

/// The problems that have pages.
static SLUGS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| all().iter().map(|it| it.slug).collect());

/// A sentence or more as HTML; a place that a message fills in (`{status}`) is set off.
#[must_use]
pub fn marked(text: &str) -> String {
    let part =
        |(at, it): (usize, &str)| if at % 2 == 0 { it.replace(['{', '}'], "_") } else { it.to_owned() };
    page("", &text.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")).0
}

/// A page of the book as HTML, with the anchor and the words of each part.
pub(super) fn page(name: &str, text: &str) -> (String, Vec<(String, String)>) {
    let mut marks = Marks { page: name, ..Marks::default() };
    let mut events = anchored(text).into_iter();
    while let Some(event) = events.next() {
        if let Event::Start(Tag::CodeBlock(kind)) = event {
            let inner = events.by_ref().take_while(|it| !matches!(it, Event::End(TagEnd::CodeBlock)));
            let lines =
                inner.filter_map(|it| if let Event::Text(it) = it { Some(it.into_string()) } else { None });
            marks.block(&kind, lines.collect());
        } else {
            marks.take(event);
        }
    }
    let mut made = String::new();
    html::push_html(&mut made, marks.made.into_iter());
    (made, marks.parts)
}

/// What the Markdown says, with anchors that links can name, and without links that lead out of the book but to the contract.
fn anchored(text: &str) -> Vec<Event<'_>> {
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
        let anchor = anchor(&words(&all[place..]));
        if let Event::Start(Tag::Heading { id, .. }) = &mut all[place] {
            *id = Some(anchor.into());
        }
    }
    all
}

/// The words of the heading that begins here.
fn words(events: &[Event<'_>]) -> String {
    let within = events.iter().take_while(|it| !matches!(it, Event::End(TagEnd::Heading(_))));
    let text = within.filter_map(|it| match it {
        Event::Text(it) | Event::Code(it) => Some(&**it),
        _ => None,
    });
    text.collect()
}

/// The anchor of a heading, as links in the book name it.
fn anchor(words: &str) -> String {
    let kept = words.to_lowercase().replace(' ', "-");
    kept.chars().filter(|it| it.is_alphanumeric() || *it == '-' || *it == '_').collect()
}

/// What was read so far.
#[derive(Default)]
struct Marks<'a> {
    page: &'a str,
    made: Vec<Event<'a>>,
    parts: Vec<(String, String)>,
    /// In how many links and headings, in which nothing is made a link.
    within: usize,
    /// The place in the row of a table, from one on.
    cell: usize,
    heading: bool,
    /// Whether what is shown next is an answer.
    asked: bool,
}

impl<'a> Marks<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(Tag::Table(columns)) => {
                self.html("<div class=\"frame\" tabindex=\"0\" role=\"group\" aria-label=\"A table\">\n");
                // An aligned column would be a style within the page, which its policy doesn't allow.
                self.made.push(Event::Start(Tag::Table(vec![Alignment::None; columns.len()])));
            }
            Event::End(TagEnd::Table) => {
                self.made.push(event);
                self.html("</div>\n");
            }
            Event::Text(text) => self.text(text),
            Event::Code(code) => self.code(code),
            event => {
                self.enter(&event);
                self.made.push(event);
            }
        }
    }

    fn enter(&mut self, event: &Event<'a>) {
        match event {
            Event::Start(Tag::TableCell) => self.cell += 1,
            Event::Start(Tag::TableRow | Tag::TableHead)
            | Event::End(TagEnd::TableRow | TagEnd::TableHead) => self.cell = 0,
            Event::Start(Tag::Heading { level, id, .. }) => {
                self.within += 1;
                self.heading = *level as usize == 2;
                if self.heading {
                    self.parts.push((id.as_deref().unwrap_or_default().to_owned(), String::new()));
                }
            }
            Event::End(TagEnd::Heading(_)) => (self.within, self.heading) = (self.within - 1, false),
            Event::Start(Tag::Link { .. }) => self.within += 1,
            Event::End(TagEnd::Link) => self.within -= 1,
            _ => {}
        }
    }

    fn html(&mut self, html: impl Into<CowStr<'a>>) {
        self.made.push(Event::InlineHtml(html.into()));
    }

    fn text(&mut self, text: CowStr<'a>) {
        self.part(&text);
        if self.within > 0 {
            return self.made.push(Event::Text(text));
        }
        let named = |it: char| it.is_ascii_alphanumeric() || it == '-';
        for word in text.split_inclusive(|it| !named(it)) {
            let id = word.trim_end_matches(|it| !named(it));
            match place(id) {
                Some(_) if self.page == "rules.md" && self.cell == 1 => {
                    self.html(format!("<span class=\"rule\" id=\"{id}\">{id}</span>"));
                }
                Some(place) => self.html(format!("<a class=\"rule\" href=\"{place}\">{id}</a>")),
                None => self.made.push(Event::Text(id.to_owned().into())),
            }
            self.made.push(Event::Text(word[id.len()..].to_owned().into()));
        }
    }

    fn code(&mut self, code: CowStr<'a>) {
        self.part(&code);
        match self.leads(&code) {
            Some(place) => {
                self.html(format!("<a href=\"{place}\">"));
                self.made.push(Event::Code(code));
                self.html("</a>");
            }
            None => self.made.push(Event::Code(code)),
        }
    }

    /// Adds to the words of the part that begins.
    fn part(&mut self, text: &str) {
        if self.heading
            && let Some((_, words)) = self.parts.last_mut()
        {
            words.push_str(text);
        }
    }

    /// Where a word of code leads. Some codes of broken fields are named as problems are.
    fn leads(&self, code: &str) -> Option<String> {
        let alike = code == "internal" || FlawCode::ALL.iter().any(|it| it.as_str() == code);
        let meant = !alike || (self.page == "errors.md" && self.cell == 2);
        match code {
            _ if self.within > 0 || self.page.is_empty() => None,
            _ if ADDRESSES.contains(&code) => Some(code.to_owned()),
            _ if SLUGS.contains(code) && meant => Some(format!("/problems/{code}")),
            _ => None,
        }
    }

    /// A block of code: what may be wider than the page is in a frame that the keyboard reaches.
    fn block(&mut self, kind: &CodeBlockKind<'_>, code: String) {
        let kind = if let CodeBlockKind::Fenced(kind) = kind { &**kind } else { "" };
        if kind == "mermaid" {
            return self.html(diagram::drawn(&code));
        }
        let caption = match kind {
            _ if !EXCHANGES.contains(&self.page) => None,
            "sh" => Some(("sent", "You run")),
            "http" if !code.starts_with("HTTP/") => Some(("sent", "You send")),
            "http" => Some(("got", "You get")),
            "json" if self.asked => Some(("got", "You get")),
            _ => None,
        };
        self.asked = kind == "http";
        if let Some((class, words)) = caption {
            self.html(format!("<figure class=\"{class}\"><figcaption>{words}</figcaption>"));
        }
        self.html("<pre tabindex=\"0\"><code>");
        self.made.push(Event::Text(code.into()));
        self.html(if caption.is_some() { "</code></pre></figure>\n" } else { "</code></pre>\n" });
    }
}

/// Where the book has a rule, or a duty.
fn place(id: &str) -> Option<String> {
    let duty = || id.strip_prefix("S-").is_some_and(|it| it.parse::<u8>().is_ok());
    match rule(id) {
        Some(_) => Some(format!("/book/rules.md#{id}")),
        None => duty().then(|| "/book/access.md#separation-of-duties".to_owned()),
    }
}
