use ::store::{Number, Rx};

use crate::{DecidedBy, Error, Outcome, Policies, Policy, Ruling, store};

/// A decision that a policy made, and what is ruled on the same inputs again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The authorization.
    pub number: Number,
    /// The version of the policy that made it.
    pub version: String,
    /// The row that made it.
    pub row: String,
    /// What was decided.
    pub outcome: Outcome,
    /// What is ruled now; none where that version of the policy isn't here.
    pub again: Option<Ruling>,
    /// Whether it is the same.
    pub same: bool,
}

/// Makes the policy's decisions on so many authorizations after `after` again, by the version that made each: all of it must
/// come out the same. Or by `other`, of which only the outcome is compared.
///
/// With them comes where to go on; none at the end.
///
/// # Errors
/// If the database can't answer.
pub fn replay(
    rx: &mut Rx<'_>,
    policies: &Policies,
    other: Option<&Policy>,
    after: Option<Number>,
    limit: i64,
) -> Result<(Vec<Replay>, Option<Number>), Error> {
    let all = store::decisions(rx, after, limit)?;
    let next = all.last().map(|it| it.0);
    let made = all.into_iter().flat_map(|(number, made)| made.into_iter().map(move |it| (number, it)));
    let again = made.filter_map(|(number, it)| {
        let DecidedBy::System { policy_version, policy_row, inputs } = &it.decided_by else { return None };
        let policy = other.or_else(|| policies.version(policy_version).map(AsRef::as_ref));
        let again = policy.map(|it| it.rule(inputs.clone()));
        let same = again.as_ref().is_some_and(|again| {
            let exactly = again.policy_row == *policy_row
                && (&again.reason_code, &again.reason, &again.rule)
                    == (&it.reason_code, &it.reason, &it.rule);
            again.outcome == it.outcome && (other.is_some() || exactly)
        });
        let (version, row) = (policy_version.clone(), policy_row.clone());
        Some(Replay { number, version, row, outcome: it.outcome, again, same })
    });
    Ok((again.collect(), next))
}
