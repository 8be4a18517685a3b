//! A policy in words, for those who read it.

use kernel::{CodeType, Modifier};

use super::{AllowedCode, Policy, Row};

impl AllowedCode {
    /// The code as people write it, as `hcpcs G0156 UD`; or which codes it stands for.
    #[must_use]
    pub fn words(&self) -> String {
        let set = CodeType::as_str(self.code_type);
        match (&self.code, self.topic) {
            (Some(code), _) => {
                let words =
                    [set, code.as_str()].into_iter().chain(self.modifiers.iter().map(Modifier::as_str));
                words.collect::<Vec<_>>().join(" ")
            }
            (None, Some(topic)) => format!("any {set} code of {topic}"),
            (None, None) => format!("any {set} code"),
        }
    }
}

impl Row {
    /// Its conditions, a sentence each; none where it always holds.
    #[must_use]
    pub fn conditions(&self, policy: &Policy) -> Vec<String> {
        let services = self.services.iter().map(|it| {
            let titles: Vec<_> = it.iter().map(|it| policy.service(*it).title.as_str()).collect();
            format!("the service is {}", titles.join(" or "))
        });
        let units = self.units_at_most.map(|most| match self.per_days {
            Some(days) => format!("at most {most} units in {days} days, on average, are asked for"),
            None => format!("at most {most} units are asked for"),
        });
        services
            .chain(self.products.iter().map(|it| format!("the member's product is {}", it.join(" or "))))
            .chain(self.age_from.map(|it| format!("the member is {it} or older on the start date")))
            .chain(self.age_under.map(|it| format!("the member is younger than {it} on the start date")))
            .chain(self.diagnoses.iter().map(|it| format!("a diagnosis is of the group {it}")))
            .chain(
                self.duplicate.map(|it| format!("it is {} possible duplicate", if it { "a" } else { "no" })),
            )
            .chain(
                self.started_days_ago
                    .map(|it| format!("the service started more than {it} days before receipt")),
            )
            .chain(
                self.starts_in_days.map(|it| format!("the service starts more than {it} days after receipt")),
            )
            .chain(self.days.map(|it| format!("the period has more than {it} days")))
            .chain(units)
            .collect()
    }
}
