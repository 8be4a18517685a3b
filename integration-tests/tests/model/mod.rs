//! The service against a model of the rules, which was written from their text alone (`docs/rules.md`, the contract, the
//! policy's file): requests by chance, good and bad, and what the plan's people do with them; for each the model says what
//! the answer must be.
//!
//! A run is recorded first and judged afterwards, so that models that are wrong on purpose can judge the same run. Where these
//! files cite a rule above a function it is in a plain comment: the page of rules takes others for the names of tests.

mod form;
mod generate;
mod judge;
mod moves;
mod mutate;
mod read;
mod record;
mod rules;
mod ruling;
mod script;
mod world;

use self::judge::judge;
use self::record::record;
use crate::on_both;
use crate::support::root;

/// How many steps a run takes. With the seed it makes a run that can be had again.
const STEPS: usize = 500;
const SEED: u64 = 1;

fn policy() -> String {
    std::fs::read_to_string(root().join("crates/authorizations/policy/2026-11.toml")).expect("the policy")
}

/// What a run must have seen to be worth taking, beside each row of the policy.
const SEEN: &[&str] = &[
    "site-required AUT-09",
    "403 site-not-permitted",
    "403 not-permitted",
    "403 clinician-only",
    "403 action-not-yours",
    "409 authorization-action-not-permitted",
    "412 authorization-changed",
    "terminated AUT-02",
    "not-yet-effective AUT-02",
    "not-covered AUT-02",
    "not-affiliated AUT-09",
    "unknown-provider AUT-11",
    "other-discipline AUT-12",
    "not-for-product AUT-14",
    "range AUT-15",
    "not-billable AUT-16",
    "unknown-code AUT-16",
    "not-valid-on-date AUT-16",
    "not-for-service AUT-17",
    "not-alongside AUT-17",
    "beyond-benefit AUT-06",
    "range AUT-18",
    "before-start AUT-20",
    "length AUT-22",
    "required FED-01",
    "re-evaluation",
    "evaluation",
    "alongside",
    "FED-01 clock",
    "FED-02 clock",
    "approve MEDREVIEW",
    "approve PEND",
    "reduce MEDREVIEW",
    "deny MEDREVIEW",
    "deny PEND",
    "pend MEDREVIEW",
    "review PEND",
    "close APPROVED",
    "close MEDREVIEW",
    "close PEND",
];

/// What a policy's file says, and what it doesn't.
const WRONG: &[(&str, &str)] = &[
    ("units_at_most = 20\n", "units_at_most = 21\n"),
    ("units_at_most = 12\n", "units_at_most = 11\n"),
    ("started_days_ago = 30", "started_days_ago = 31"),
    ("starts_in_days = 180", "starts_in_days = 179"),
    ("days = 366", "days = 365"),
    ("age_from = 75", "age_from = 76"),
    ("age_under = 18", "age_under = 17"),
    ("\"T81.4\"", "\"T81.8\""),
    ("\"I69\"", "\"I67\""),
    ("duplicate = true\noutcome", "duplicate = false\noutcome"),
    ("notification = true\n", ""),
    ("exact_units = 1", "exact_units = 2"),
    ("\"1 visit for Evaluation\"", "\"Visit for Evaluation\""),
    ("modifiers = [\"UD\"]", "modifiers = [\"59\"]"),
    ("alongside = \"home_health_aide_adl\"", "alongside = \"home_health_aide\""),
    (
        "codes = [{ code_type = \"revenue\", code = \"0441\" }]\nmy_care_family_only = true",
        "codes = [{ code_type = \"revenue\", code = \"0441\" }]",
    ),
    ("\nnot_medically_necessary = ", "\nnot_necessary = "),
];

on_both! {
    async fn the_service_does_what_the_model_says_and_no_other(service) {
        let steps = record(&service, &policy(), SEED, STEPS).await;
        let found = judge(&policy(), &steps);
        let all = found.disagreements.join("\n\n");
        assert!(all.is_empty(), "seed {SEED}, {} disagreements:\n{all}", found.disagreements.len());
        for what in SEEN.iter().map(|it| (*it).to_owned()).chain(ruling::Policy::new(&policy()).row_ids()) {
            assert!(found.seen.contains_key(&what), "no step comes to {what}: {:#?}", found.seen);
        }
        for (known, ..) in judge::KNOWN {
            assert!(found.known.contains(known), "the service does better now, so that this must go from KNOWN: {known}");
        }
        // A model that is wrong by one is found out, so that the one that isn't says something.
        for (right, wrong) in WRONG {
            let other = policy().replacen(right, wrong, 1);
            assert_ne!(other, policy(), "{right}");
            assert!(!judge(&other, &steps).disagreements.is_empty(), "{wrong} in place of {right}");
        }
    }
}
