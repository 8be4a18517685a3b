//! YAML that readers of its versions 1.1 and 1.2 take alike.

use chrono::NaiveDate;

/// The same document, in which a reader of YAML 1.1 doesn't take text for a date, or `on` for true.
pub(crate) fn quoted(yaml: &str) -> String {
    let yes_or_no = |it: &str| ["on", "off", "yes", "no", "y", "n"].contains(&it);
    let line = |line: &str| match line.split_once(": ") {
        Some((name, value)) if yes_or_no(value) => format!("{name}: '{value}'\n"),
        _ if yes_or_no(line.trim_start_matches([' ', '-']).trim_end_matches(':')) => {
            let word = line.trim_start_matches([' ', '-']);
            let (indent, name) = (&line[..line.len() - word.len()], word.trim_end_matches(':'));
            format!("{indent}'{name}'{}\n", if word.ends_with(':') { ":" } else { "" })
        }
        Some((name, value)) if yes_or_no(name.trim_start_matches([' ', '-'])) => {
            let word = name.trim_start_matches([' ', '-']);
            format!("{}'{word}': {}\n", &name[..name.len() - word.len()], dated(value))
        }
        Some((name, value)) => format!("{name}: {}\n", dated(value)),
        None => format!("{line}\n"),
    };
    yaml.lines().map(line).collect()
}

/// A value, in quotes where it begins with a date.
fn dated(value: &str) -> String {
    let date = value.get(..10).is_some_and(|it| it.parse::<NaiveDate>().is_ok());
    if date { format!("'{value}'") } else { value.to_owned() }
}
