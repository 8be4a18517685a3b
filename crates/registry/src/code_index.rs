//! The diagnosis codes in memory, in order, with where each word is.

use std::collections::HashMap;
use std::ops::Range;

use chrono::NaiveDate;

use crate::Diagnosis;
use crate::fold::{beyond, fold};
use crate::ranks::{Ranks, at};
use crate::terms::{CodeQuery, Term};

/// Diagnosis codes, to be searched by code and by the words of their descriptions (AUT-16).
///
/// A rank is a code's place among all: what home health often asks for comes first, then what may be billed, then the
/// shorter description, then the code.
pub struct CodeIndex {
    /// By code.
    codes: Vec<Diagnosis>,
    /// The rank of each.
    ranks: Vec<u32>,
    /// Of each rank, the place in `codes`.
    by_rank: Vec<u32>,
    /// Every folded word in order, and where in `uses` its own begin. The last one is no word.
    words: Vec<(String, usize)>,
    /// Of one word after the other, the ranks of the descriptions that have it.
    uses: Vec<u32>,
}

/// The codes that home health often asks for, the most usual first.
const COMMON: &str = include_str!("../data/common-diagnoses.txt");

impl CodeIndex {
    /// An index of `codes`.
    #[must_use]
    pub fn new(mut codes: Vec<Diagnosis>) -> Self {
        codes.sort_unstable_by(|a, b| (&a.code, a.first_on).cmp(&(&b.code, b.first_on)));
        let mut by_rank: Vec<u32> = (0..).take(codes.len()).collect();
        let usual: HashMap<_, _> = COMMON.split_whitespace().zip(0..).collect();
        by_rank.sort_by_key(|it| {
            let it = &codes[at(*it)];
            (usual.get(it.code.as_str()).copied().unwrap_or(usize::MAX), !it.billable, it.description.len())
        });
        let mut ranks = vec![0; codes.len()];
        for (rank, place) in (0..).zip(&by_rank) {
            ranks[at(*place)] = rank;
        }
        let (words, uses) = words(&codes, &ranks);
        Self { codes, ranks, by_rank, words, uses }
    }

    /// At most `limit` of the codes that hold on `day` and match `query`, the best first.
    ///
    /// The very code comes first, then codes that begin with it, then what each part of the query is found in: those that have
    /// more of the words whole, those that home health often asks for, those that may be billed, those with the shorter
    /// description. Usual abbreviations are read as what they stand for.
    #[must_use]
    pub fn search(&self, query: &CodeQuery, day: NaiveDate, limit: usize) -> Vec<&Diagnosis> {
        let prefix = query.code.as_ref();
        let mut found = prefix.map(|it| self.codes_like(it, day, limit)).unwrap_or_default();
        if found.len() < limit {
            let wanted = |rank| {
                let place = at(self.by_rank[at(rank)]);
                self.codes[place].holds(day) && !found.contains(&place)
            };
            let described = self.described(&query.terms, wanted, limit);
            found.extend(described.into_iter().map(|it| at(self.by_rank[at(it)])));
            found.truncate(limit);
        }
        found.into_iter().map(|it| &self.codes[it]).collect()
    }

    /// The places of the codes that begin with `prefix`: itself, what may be billed, the shorter ones.
    fn codes_like(&self, prefix: &str, day: NaiveDate, limit: usize) -> Vec<usize> {
        let key = |place: usize| {
            let it = &self.codes[place];
            (it.code.len() != prefix.len(), !it.billable, it.code.len(), place)
        };
        let like = self.with_code(prefix).filter(|it| self.codes[*it].holds(day));
        let mut found: Vec<_> = like.map(key).collect();
        if found.len() > limit {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        found.into_iter().map(|it| it.3).collect()
    }

    /// The places of the codes that begin with `prefix`.
    fn with_code(&self, prefix: &str) -> Range<usize> {
        let end = beyond(prefix);
        let place = |text: &str| self.codes.partition_point(|it| it.code.as_str() < text);
        place(prefix)..place(&end)
    }

    /// The ranks of what all of `terms` are found in, those first in which more terms are found whole.
    fn described(&self, terms: &[Term], wanted: impl Fn(u32) -> bool, limit: usize) -> Vec<u32> {
        let found: Vec<_> = terms.iter().map(|it| (self.having(it, false), self.having(it, true))).collect();
        let mut all = Ranks::all(self.codes.len());
        for (any, _) in &found {
            all.and(any);
        }
        // By how many terms are only the beginning of a word.
        let mut tiers = vec![Vec::new(); terms.len() + 1];
        for rank in all.iter().filter(|it| wanted(*it)) {
            let tier: &mut Vec<u32> = &mut tiers[found.iter().filter(|(_, whole)| !whole.has(rank)).count()];
            if tier.len() < limit {
                tier.push(rank);
            }
            if tiers[0].len() == limit {
                break;
            }
        }
        tiers.concat()
    }

    /// What `term` is found in, as whole words or as the beginning of any.
    fn having(&self, term: &Term, whole: bool) -> Ranks {
        let mut found = Ranks::none(self.codes.len());
        if let Some((first, others)) = term.words.split_first() {
            found.add(self.using(first, whole));
            for word in others {
                let mut these = Ranks::none(self.codes.len());
                these.add(self.using(word, whole));
                found.and(&these);
            }
        }
        if let Some(prefix) = &term.code {
            found.add(&self.ranks[self.with_code(prefix)]);
        }
        found
    }

    fn using(&self, word: &str, whole: bool) -> &[u32] {
        let words = &self.words[..self.words.len() - 1];
        let place = |text: &str| words.partition_point(|it| it.0.as_str() < text);
        let from = place(word);
        let to = if whole {
            from + usize::from(words.get(from).is_some_and(|it| it.0 == word))
        } else {
            place(&beyond(word))
        };
        &self.uses[self.words[from].1..self.words[to].1]
    }
}

/// The words of all descriptions in order, each with where its own begin among the ranks of those that have it.
fn words(codes: &[Diagnosis], ranks: &[u32]) -> (Vec<(String, usize)>, Vec<u32>) {
    let (mut numbers, mut lists) = (HashMap::<String, usize>::new(), Vec::<Vec<u32>>::new());
    // Folding costs the most, and descriptions repeat each other.
    let mut folded = HashMap::<&str, Vec<usize>>::new();
    for (code, rank) in codes.iter().zip(ranks) {
        for raw in code.description.split_ascii_whitespace() {
            let these = folded.entry(raw).or_insert_with(|| {
                let number = |word: &str| {
                    let next = numbers.len();
                    *numbers.entry(word.to_owned()).or_insert(next)
                };
                fold(raw).split_whitespace().map(number).collect()
            });
            lists.resize_with(numbers.len(), Vec::new);
            for word in these {
                if lists[*word].last() != Some(rank) {
                    lists[*word].push(*rank);
                }
            }
        }
    }
    let mut words: Vec<_> = numbers.into_iter().collect();
    words.sort_unstable();
    let mut uses = Vec::with_capacity(lists.iter().map(Vec::len).sum());
    for (_, it) in &mut words {
        let list = std::mem::take(&mut lists[*it]);
        *it = uses.len();
        uses.extend(list);
    }
    words.push((String::new(), uses.len()));
    (words, uses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Release;
    use crate::terms::ABBREVIATIONS;
    use crate::terms::beginning;

    /// A code, and the folded words of its description.
    type Folded = (Diagnosis, Vec<String>);

    /// What the search promises, without an index.
    fn slow(codes: &[Folded], text: &str) -> Vec<String> {
        let prefix = beginning(text).unwrap_or_else(|| "-".to_owned());
        let terms: Vec<_> = text.split_whitespace().filter_map(Term::read).collect();
        let place = |(it, words): &Folded| {
            let code = it.code.as_str();
            if code.starts_with(&prefix) {
                return Some((0, usize::from(code != prefix), !it.billable, code.len()));
            }
            let has = |term: &Term, fits: fn(&str, &str) -> bool| {
                term.words.iter().all(|wanted| words.iter().any(|word| fits(word, wanted)))
                    || term.code.as_ref().is_some_and(|it| code.starts_with(it.as_str()))
            };
            let partly = terms.iter().filter(|it| !has(it, |word, wanted| word == wanted)).count();
            let all = terms.iter().all(|it| has(it, |word, wanted| word.starts_with(wanted)));
            let unusual = COMMON.split_whitespace().take_while(|it| *it != code).count();
            all.then_some((1, 1_000 * partly + unusual, !it.billable, it.description.len()))
        };
        let mut found: Vec<_> =
            codes.iter().filter_map(|it| place(it).map(|place| (place, it.0.code.to_string()))).collect();
        found.sort();
        found.into_iter().map(|it| it.1).collect()
    }

    fn query(text: &str) -> CodeQuery {
        CodeQuery::parse(text).expect("something to look for")
    }

    #[test]
    fn aut_16_what_is_often_asked_for_comes_first() {
        let codes = Release::shipped().expect("a release").codes;
        let right = |code: &str| codes.iter().any(|it| it.code.as_str() == code && it.billable);
        assert!(COMMON.split_whitespace().all(right));
        let (day, index) = (codes[0].first_on, CodeIndex::new(codes.clone()));
        for (text, code) in [
            ("diabetes", "E11.9"),
            ("hypertension", "I10"),
            ("pneumonia", "J18.9"),
            ("chf", "I50.9"),
            ("copd", "J44.9"),
            ("fracture neck femur", "S72.001A"),
        ] {
            let found = index.search(&query(text), day, 3);
            assert!(found.iter().any(|it| it.code.as_str() == code), "{text}: {found:?}");
        }
        for (short, long) in ABBREVIATIONS {
            let found = |text| index.search(&query(text), day, 1).len();
            assert!(found(short) == 1 && found(long) == 1, "{short}");
        }
    }

    #[test]
    fn aut_16_the_index_finds_what_reading_every_code_finds() {
        let mut codes = Release::shipped().expect("a release").codes;
        codes.retain(|it| it.code.starts_with(['A', 'E', 'G', 'I', 'Z']));
        let folded = |it: &Diagnosis| {
            (it.clone(), fold(&it.description).split(' ').map(str::to_owned).collect::<Vec<_>>())
        };
        let (plain, index) = (codes.iter().map(folded).collect::<Vec<_>>(), CodeIndex::new(codes.clone()));
        let day = codes[0].first_on;
        for text in [
            "i10",
            "e11.4",
            "E114",
            "e11.",
            "z",
            "a",
            "diabetes",
            "diab neph",
            "type 2 diabetes",
            "e11 neuropathy",
            "charcot",
            "parkinson's",
            "of",
            "o f",
            "hypertension",
            "0",
            "1st",
            "zzz",
            "z4800",
            "heart-failure",
            "chf",
            "afib i48",
            "e.11",
        ] {
            let expected = slow(&plain, text);
            for limit in [3, 50] {
                let found = index.search(&query(text), day, limit);
                let found: Vec<_> = found.iter().map(|it| it.code.to_string()).collect();
                assert_eq!(found, expected[..limit.min(expected.len())], "{text}");
            }
        }
        assert!(CodeQuery::parse("- . '").is_none() && CodeQuery::parse(" ").is_none());
        assert!(index.search(&query("i10"), day.pred_opt().expect("a day"), 3).is_empty());
        assert!(CodeIndex::new(Vec::new()).search(&query("i10"), day, 3).is_empty());
    }
}
