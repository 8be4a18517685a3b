//! The table, as it is written.

use std::fmt;

const ACTORS: &str = include_str!("../../matrix/actors.txt");
const CELLS: &str = include_str!("../../matrix/cells.txt");
const STATES: [&str; 5] = ["PEND", "MEDREVIEW", "APPROVED", "DENIED", "CLOSED"];

/// One row: a call, and who gets which status.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) operation: String,
    /// Of an operation that does several things, which.
    pub(super) variant: String,
    pub(super) relation: String,
    pub(super) state: String,
    granted: Vec<(u16, Vec<String>)>,
}

impl Row {
    /// What `actor` is answered.
    pub(super) fn status(&self, actor: &str) -> u16 {
        let named = self.granted.iter().find(|it| it.1.iter().any(|it| it == actor));
        named.map_or(403, |it| it.0)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, variant, relation, state, .. } = self;
        write!(f, "{operation}:{variant} {relation} {state}")
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'))
}

/// Each actor, and the demo's caller that plays it.
pub(super) fn actors() -> Vec<(&'static str, &'static str)> {
    lines(ACTORS).map(|it| it.split_once(' ').expect("a name and a caller")).collect()
}

/// Every row, a state each.
pub(super) fn rows() -> Vec<Row> {
    let known: Vec<_> = actors().iter().map(|it| it.0).collect();
    let row = |line: &'static str| {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        let [operation, relation, state, granted] = parts[..] else { panic!("{line}") };
        let grant = |it: &str| {
            let (status, who) = it.split_once(':').expect("a status and actors");
            let who: Vec<_> = who.split_whitespace().map(str::to_owned).collect();
            assert!(!who.is_empty() && who.iter().all(|it| known.contains(&it.as_str())), "{line}");
            (status.trim().parse().expect("a status"), who)
        };
        let granted: Vec<_> = granted.split(';').filter(|it| !it.trim().is_empty()).map(grant).collect();
        let (operation, variant) = operation.split_once(':').unwrap_or((operation, ""));
        let states = if state == "*" { STATES.to_vec() } else { vec![state] };
        let of = move |state: &str| Row {
            operation: operation.to_owned(),
            variant: variant.to_owned(),
            relation: relation.to_owned(),
            state: state.to_owned(),
            granted: granted.clone(),
        };
        states.into_iter().map(of).collect::<Vec<_>>()
    };
    lines(CELLS).flat_map(row).collect()
}
