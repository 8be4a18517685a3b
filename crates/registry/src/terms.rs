//! What people write where they look for a diagnosis code.

use crate::fold::fold;

/// What people write, and what the descriptions say.
pub(crate) const ABBREVIATIONS: [(&str, &str); 16] = [
    ("afib", "atrial fibrillation"),
    ("als", "amyotrophic lateral sclerosis"),
    ("cad", "coronary artery atherosclerotic"),
    ("chf", "heart failure"),
    ("ckd", "chronic kidney disease"),
    ("copd", "chronic obstructive pulmonary disease"),
    ("cva", "cerebral infarction"),
    ("dm", "diabetes mellitus"),
    ("esrd", "end stage renal disease"),
    ("gerd", "gastro esophageal reflux"),
    ("htn", "hypertension"),
    ("mi", "myocardial infarction"),
    ("ms", "multiple sclerosis"),
    ("oa", "osteoarthritis"),
    ("pvd", "peripheral vascular disease"),
    ("uti", "urinary tract infection"),
];

/// What diagnosis codes are searched by.
pub struct CodeQuery {
    /// The beginning of a code that the whole of it may be.
    pub(crate) code: Option<String>,
    /// Its parts, at least one.
    pub(crate) terms: Vec<Term>,
}

impl CodeQuery {
    /// Reads it; none where nothing in `text` could be looked for.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let terms: Vec<_> = text.split_whitespace().filter_map(Term::read).collect();
        (!terms.is_empty()).then(|| Self { code: beginning(text.trim()), terms })
    }
}

/// A part of what is searched for, up to the next space.
pub(crate) struct Term {
    /// Its folded words.
    pub(crate) words: Vec<String>,
    /// The beginning of a code that it may be.
    pub(crate) code: Option<String>,
}

impl Term {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let plain = fold(text);
        let known = ABBREVIATIONS.iter().find(|it| it.0 == plain).map(|it| it.1);
        let words: Vec<_> = known.unwrap_or(&plain).split_whitespace().map(str::to_owned).collect();
        // Beside other words, one letter is no code.
        let like = text.len() >= 3 && text.contains(|it: char| it.is_ascii_digit());
        let code = beginning(text).filter(|_| like);
        (!words.is_empty()).then_some(Self { words, code })
    }
}

/// The beginning of a code in its one form, if `text` may be one; with or without the dot, in any case.
pub(crate) fn beginning(text: &str) -> Option<String> {
    let (head, tail) = match text.split_once('.') {
        Some((head, _)) if head.len() != 3 => return None,
        Some(parts) => parts,
        None => text.split_at_checked(3).unwrap_or((text, "")),
    };
    let of_code = |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric());
    let right = of_code(head) && of_code(tail) && tail.len() <= 4;
    let dot = if tail.is_empty() { "" } else { "." };
    (right && head.starts_with(|it: char| it.is_ascii_alphabetic()))
        .then(|| format!("{head}{dot}{tail}").to_ascii_uppercase())
}
