//! The log: one JSON object a line on standard error, without PHI and without what callers sent.

use std::fmt::Write as _;
use std::io::Write;

use ::log::kv::{Error, Key, Value, VisitSource};
use ::log::{Level, Metadata, Record};
use chrono::SecondsFormat;
use env_logger::Target;
use kernel::Clock;
use serde_json::{Map, Value as Json};

struct Fields(Map<String, Json>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = match (value.to_i64(), value.to_borrowed_str()) {
            (Some(number), _) => Json::from(number),
            (None, Some(text)) => Json::from(text),
            (None, None) => Json::from(value.to_string()),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

/// Whether an event may be logged, whatever the settings say (L-04). Libraries tell what they work on, such as the path of a request,
/// so that of theirs only failures are; and what isn't HTTP is no fault of anyone's here, but anyone could fill the log with it.
fn is_ours_to_tell(it: &Metadata<'_>) -> bool {
    let of = |room: &str| it.target().split("::").next() == Some(room);
    of("lanyard") || (it.level() <= Level::Warn && !of("actix_http"))
}

/// An event as one line (L-05): JSON's own escapes, and those of the characters that some readers take for the end of a line or for an
/// order to the terminal.
fn line(record: &Record<'_>, at: String) -> String {
    let mut fields = Fields(Map::new());
    for (name, value) in [
        ("at", at),
        ("level", record.level().to_string()),
        ("target", record.target().to_owned()),
        ("message", record.args().to_string()),
    ] {
        fields.0.insert(name.to_owned(), Json::from(value));
    }
    let _ = record.key_values().visit(&mut fields);
    let mut line = String::new();
    for it in Json::Object(fields.0).to_string().chars() {
        if it.is_control() || matches!(it, '\u{2028}' | '\u{2029}') {
            let _ = write!(line, "\\u{:04x}", u32::from(it));
        } else {
            line.push(it);
        }
    }
    line
}

/// Starts the log; `filter` is as `env_logger` reads it, such as `info` or `lanyard=debug`.
pub fn start(filter: &str, clock: impl Clock) {
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(filter).target(Target::Stderr).format(move |out, record| {
        if is_ours_to_tell(record.metadata()) {
            let at = clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
            writeln!(out, "{}", line(record, at))?;
        }
        Ok(())
    });
    // A second start, as in a test, keeps the first.
    let _ = builder.try_init();
    // Where, and not what: a panic's text may hold anything.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        ::log::error!(target: "lanyard::panic", place = place.as_str(); "a panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l_05_an_event_is_one_line_whatever_it_says() {
        let text = "a\r\nb\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\"\\é";
        let pairs = [("cause", text)];
        let mut record = Record::builder();
        let line = line(&record.args(format_args!("{text}")).key_values(&pairs).build(), "now".to_owned());
        assert!(
            !line.contains(|it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}')),
            "{line:?}"
        );
        let read: Json = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&read["message"], &read["cause"]), (&Json::from(text), &Json::from(text)));
    }

    #[test]
    fn l_04_of_libraries_only_failures_are_told() {
        for (target, level, told) in [
            ("lanyard::access", Level::Trace, true),
            ("lanyard", Level::Debug, true),
            ("lanyards", Level::Info, false),
            ("r2d2", Level::Error, true),
            ("actix_web::types::path", Level::Debug, false),
            ("actix_http::h1::dispatcher", Level::Error, false),
        ] {
            assert_eq!(
                is_ours_to_tell(&Metadata::builder().target(target).level(level).build()),
                told,
                "{target}"
            );
        }
    }
}
