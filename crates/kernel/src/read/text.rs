//! Text that people write: how long it may be, and what it may not hold.

use super::support::{bounds, string};
use crate::{At, FlawCode, Flaws, Json, Read};

use std::ops::Deref;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

/// Free text of `MIN` to `MAX` Unicode scalar values, counted after normalization (NFC); of several lines, if `LINES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize, const LINES: bool = true>(String);

/// Text on one line: a name, a code.
pub type OneLine<const MIN: usize, const MAX: usize> = Text<MIN, MAX, false>;

type Ranges<'a> = &'a [(char, char)];

/// What no text holds: controls but tabs and ends of lines, and what turns the direction of writing.
const BARRED: Ranges<'_> = &[
    ('\0', '\u{8}'),
    ('\u{b}', '\u{c}'),
    ('\u{e}', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
];

/// What no line holds: that, tabs and ends of lines.
const BARRED_IN_LINE: Ranges<'_> = &[
    ('\0', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
];

/// What can't be seen. Some scripts and emoji need it.
const UNSEEN: Ranges<'_> = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{e0000}', '\u{e0fff}'),
];

fn is(it: char, of: Ranges<'_>) -> bool {
    of.iter().any(|(first, last)| (*first..=*last).contains(&it))
}

/// Whether it is what Unicode keeps from being a character, or a mark that is no part of a text.
fn meaningless(it: char) -> bool {
    matches!(it, '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffb}') || u32::from(it) & 0xfffe == 0xfffe
}

/// Whether something that can't be seen stands where no script needs it: two texts that look the same would differ.
fn disguised(text: &str) -> bool {
    // Hebrew and whatever comes after it, but for more of Latin and Greek.
    let needs = |it: char| it >= '\u{590}' && !('\u{1e00}'..='\u{206f}').contains(&it) && !it.is_whitespace();
    let mut after = false;
    text.chars().any(|it| {
        let unseen = is(it, UNSEEN);
        if !unseen {
            after = needs(it);
        }
        unseen && !after
    })
}

/// The ranges as a pattern's class holds them.
fn class(ranges: Ranges<'_>) -> String {
    let code = |it: char| format!("\\u{:04X}", u32::from(it));
    let range = |(first, last): &(char, char)| match first {
        first if first == last => code(*first),
        first => format!("{}-{}", code(*first), code(*last)),
    };
    ranges.iter().map(range).collect()
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Text<MIN, MAX, LINES> {
    const BARRED: Ranges<'static> = if LINES { BARRED } else { BARRED_IN_LINE };
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Deref for Text<MIN, MAX, LINES> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Read for Text<MIN, MAX, LINES> {
    type Draft = Self;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self> {
        let text = string(json, at, flaws)?;
        let text: String = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
        // Blanks alone say nothing where something must be said.
        let blank = text.chars().all(|it| it.is_whitespace() || is(it, UNSEEN));
        let fits = (MIN..=MAX).contains(&text.chars().count()) && (MIN == 0 || !blank);
        if !fits {
            let of = if MIN == 0 { "characters" } else { "characters, not blanks alone" };
            flaws.add(at, FlawCode::Length, bounds("have", MIN, MAX, of));
        }
        let clean =
            (LINES || !disguised(&text)) && !text.contains(|it| is(it, Self::BARRED) || meaningless(it));
        // A blank is told once.
        let clean = clean || (blank && !fits);
        if !clean {
            let detail = if LINES {
                "Must not hold control characters other than tabs and line breaks, nor ones that turn the direction of writing."
            } else {
                "Must be one line, without control characters, ones that turn the direction of writing or ones that can't be seen."
            };
            flaws.add(at, FlawCode::Format, detail);
        }
        (fits && clean).then_some(Self(text))
    }
    fn whole(draft: Self) -> Option<Self> {
        Some(draft)
    }
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name(Self::name()).into()
    }
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        let lines = if LINES { "of one or more lines" } else { "of one line" };
        let about = format!(
            "Text {lines}, of {}",
            bounds("have", MIN, MAX, "characters").trim_start_matches("Must have ")
        );
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
        let text = text.min_length(Some(MIN)).max_length(Some(MAX));
        let barred = class(Self::BARRED);
        // Rarer ones are told in words alone: a pattern of them all would fill a page.
        let form = match MIN {
            0 => format!("^[^{barred}]*$"),
            _ => format!("^[^{barred}]*[^{barred}\\s][^{barred}]*$"),
        };
        into.push((Self::name(), text.pattern(Some(form)).into()));
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Text<MIN, MAX, LINES> {
    /// Its name in the contract: `OneLine1To100`.
    fn name() -> String {
        format!("{}{MIN}To{MAX}", if LINES { "Text" } else { "OneLine" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong<T: Read>(text: &str) -> Vec<FlawCode> {
        let mut flaws = Flaws::default();
        T::read(&Json::Text(text.into()), At::Root, &mut flaws);
        flaws.iter().map(|it| it.code).collect()
    }

    #[test]
    fn text_that_people_write_is_taken_in_any_script() {
        for text in [
            "Intake desk",
            "O\u{2019}Rourke-D\u{ed}az, MD",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{d28}\u{d4d}\u{200d}",
            "\u{1781}\u{17d2}\u{1798}\u{17c2}\u{179a}\u{200b}\u{1797}\u{17b6}\u{179f}\u{17b6}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{200f}",
            "\u{845b}\u{e0100}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{2695}\u{fe0f}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        ] {
            assert_eq!(wrong::<OneLine<1, 40>>(text), [], "{text}");
            assert_eq!(wrong::<Text<0, 40>>(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_taken_nowhere() {
        for it in [
            "\0",
            "\u{7}",
            "\u{1b}",
            "\u{7f}",
            "\u{85}",
            "\u{9b}",
            "\u{202a}",
            "\u{202e}",
            "\u{2060}",
            "\u{2066}",
            "\u{2069}",
            "\u{206f}",
            "\u{feff}",
            "\u{fdd0}",
            "\u{fff9}",
            "\u{fffe}",
            "\u{ffff}",
            "\u{1fffe}",
            "\u{10ffff}",
        ] {
            for text in [format!("a{it}b"), format!("{it}a"), format!("\u{915}{it}")] {
                assert_eq!(wrong::<OneLine<1, 9>>(&text), [FlawCode::Format], "{text:?}");
                assert_eq!(wrong::<Text<0, 9>>(&text), [FlawCode::Format], "{text:?}");
            }
        }
    }

    #[test]
    fn a_line_is_one_and_does_not_look_like_another() {
        for text in [
            "a\tb",
            "a\nb",
            "a\r\nb",
            "a\u{2028}b",
            "a\u{2029}",
            "a\u{200b}b",
            "a\u{200c}b",
            "a\u{200d}",
            "\u{e9}\u{200d}",
            "\u{43f}\u{200d}\u{43f}",
            "\u{1ec5}\u{200d}n",
            "a\u{200e}b",
            "a\u{61c}b",
            "a\u{ad}b",
            "a\u{34f}b",
            "a\u{fe0f}",
            "a\u{fe0f}\u{200d}b",
            "a\u{3164}",
            "\u{200b}a",
            "\u{3000}\u{200b}a",
            "a\u{e0061}",
        ] {
            assert_eq!(wrong::<OneLine<1, 9>>(text), [FlawCode::Format], "{text:?}");
            assert_eq!(wrong::<Text<1, 9>>(text), [], "{text:?}");
        }
    }

    #[test]
    fn blanks_alone_are_too_short_where_something_must_be_said() {
        for text in [
            "",
            " ",
            "\t",
            "\u{a0}",
            "\u{2003}",
            "\u{3000}",
            "\u{200b}",
            "\u{2800}",
            "\u{3164}",
            "\u{e0061}",
            " \u{200d} ",
        ] {
            assert_eq!(wrong::<OneLine<1, 9>>(text), [FlawCode::Length], "{text:?}");
            assert_eq!(wrong::<Text<1, 9>>(text), [FlawCode::Length], "{text:?}");
            assert_eq!(wrong::<Text<0, 9>>(text), [], "{text:?}");
        }
    }
}
