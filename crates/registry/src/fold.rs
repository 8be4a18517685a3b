use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// `text` as people search for it: small letters without accents, apostrophes left out, whatever else isn't a letter or a
/// digit a single space.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|it| !is_combining_mark(*it) && !matches!(it, '\'' | '\u{2019}'));
    let small = plain.flat_map(char::to_lowercase).map(|it| if it.is_alphanumeric() { it } else { ' ' });
    small.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The least text that comes after all that begin with `prefix`, in the order of bytes.
pub(crate) fn beyond(prefix: &str) -> String {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        // A range of characters leaves out what isn't one.
        if let Some(next) = (last..=char::MAX).nth(1) {
            letters.push(next);
            return letters.into_iter().collect();
        }
    }
    // Nothing that is kept folded begins with it.
    char::MAX.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_what_is_kept() {
        for (text, folded) in [
            ("O'Rourke", "orourke"),
            ("O\u{2019}Rourke", "orourke"),
            ("In\u{ea}s  Carvalho", "ines carvalho"),
            ("Smith-Jones, MD", "smith jones md"),
            ("\u{1e9e}", "\u{df}"),
            ("  ", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn a_prefix_ends_before_the_next_character() {
        for (prefix, end) in [
            ("whit", "whiu"),
            ("z", "{"),
            ("\u{df}", "\u{e0}"),
            ("a\u{d7ff}", "a\u{e000}"),
            ("a\u{10ffff}", "b"),
            ("", "\u{10ffff}"),
        ] {
            assert_eq!(beyond(prefix), end, "{prefix}");
            assert!(prefix < end && *format!("{prefix}\u{10fffe}") < *end, "{prefix}");
        }
    }
}
