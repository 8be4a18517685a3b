//! The log: one JSON object a line on standard error, without PHI and without what callers sent.

use std::io::Write;

use ::log::LevelFilter;
use ::log::kv::{Error, Key, Value, VisitSource};
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

/// Starts the log; `filter` is as `env_logger` reads it, such as `info` or `lanyard=debug`.
pub fn start(filter: &str, clock: impl Clock) {
    let mut builder = env_logger::Builder::new();
    // What isn't HTTP is no fault of ours, and anyone could fill the log with it.
    builder.filter_module("actix_http", LevelFilter::Off);
    builder.parse_filters(filter).target(Target::Stderr).format(move |out, record| {
        let mut fields = Fields(Map::new());
        let at = clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
        for (name, value) in [
            ("at", at),
            ("level", record.level().to_string()),
            ("target", record.target().to_owned()),
            ("message", record.args().to_string()),
        ] {
            fields.0.insert(name.to_owned(), Json::from(value));
        }
        let _ = record.key_values().visit(&mut fields);
        writeln!(out, "{}", Json::Object(fields.0))
    });
    // A second start, as in a test, keeps the first.
    let _ = builder.try_init();
    // Where, and not what: a panic's text may hold anything.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        ::log::error!(target: "lanyard::panic", place = place.as_str(); "a panic");
    }));
}
