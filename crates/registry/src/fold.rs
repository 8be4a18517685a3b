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
}
