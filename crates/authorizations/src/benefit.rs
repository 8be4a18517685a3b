//! What is left of a member's benefits (AUT-06, AUT-37).

use ::store::Rx;
use chrono::{Datelike, NaiveDate};
use registry::{Benefit, Member};

use crate::{Error, Service, Status, store};

/// A member's benefit of one service in a calendar year, which is that of the start date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The service.
    pub service: Service,
    /// Whether the product covers it at all.
    pub covered: bool,
    /// Units or visits in the year; none where there is no limit.
    pub limit: Option<i32>,
    /// Units used, as claims say.
    pub used: i32,
    /// Units granted and not yet used.
    pub authorized: i32,
}

/// Units of one line, as a benefit counts them.
pub(crate) type Units = (Service, Status, i32, i32);

/// Units of a line that are granted and not yet used.
fn granted((_, status, authorized, used): &Units) -> i32 {
    if *status == Status::Approved { (authorized - used).max(0) } else { 0 }
}

impl Balance {
    fn of(service: Service, benefit: Option<&Benefit>, lines: &[Units]) -> Self {
        let own = || lines.iter().filter(|it| it.0 == service);
        Self {
            service,
            covered: benefit.is_some_and(|it| it.covered),
            limit: benefit.and_then(|it| it.limit),
            used: own().map(|it| it.3).sum(),
            authorized: own().map(granted).sum(),
        }
    }

    /// How much may still be granted; none where there is no limit.
    #[must_use]
    pub fn remaining(&self) -> Option<i32> {
        let limit = if self.covered { self.limit } else { Some(0) };
        limit.map(|it| (it - self.used - self.authorized).max(0))
    }

    /// What is left of `limit` after these units of one service.
    pub(crate) fn left(limit: i32, lines: &[Units]) -> i32 {
        limit - lines.iter().map(|it| it.3 + granted(it)).sum::<i32>()
    }

    /// The benefit of `service` in the year of `on`, if it is covered and has a limit.
    pub(crate) fn limited(
        rx: &mut Rx<'_>,
        member: &Member,
        service: Service,
        on: NaiveDate,
    ) -> Result<Option<Self>, Error> {
        let benefit = member.coverage(on).and_then(|it| it.benefit.as_ref());
        let Some(benefit) = benefit.filter(|it| it.covered && it.limit.is_some()) else { return Ok(None) };
        rx.about(&member.id)?;
        let lines = store::units(rx.db(), &member.id, Some(service), on.year())?;
        Ok(Some(Self::of(service, Some(benefit), &lines)))
    }
}

/// The benefit of each service of the product that covers the member on `on`, in the year of that day.
///
/// # Errors
/// If the database can't answer.
pub fn benefits(rx: &mut Rx<'_>, member: &Member, on: NaiveDate) -> Result<Vec<Balance>, Error> {
    let Some(coverage) = member.coverage(on) else { return Ok(Vec::new()) };
    let benefits = registry::benefits(rx, &coverage.product_id)?;
    rx.about(&member.id)?;
    let lines = store::units(rx.db(), &member.id, None, on.year())?;
    let balance = |service: &Service| {
        let benefit = benefits.iter().find(|it| it.service == service.as_str());
        Balance::of(*service, benefit, &lines)
    };
    Ok(Service::ALL.iter().map(balance).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_37_what_is_used_and_what_is_granted_is_no_longer_left() {
        let service = Service::SpeechTherapy;
        let benefit = |limit| Benefit { service: service.to_string(), covered: limit != Some(0), limit };
        let approved = (service, Status::Approved, 10, 4);
        let closed = (service, Status::Closed, 8, 3);
        let reviewed = (service, Status::Medreview, 0, 0);
        let other = (Service::HomeHealthAide, Status::Approved, 30, 0);
        for (limit, lines, remaining) in [
            (Some(35), &[][..], Some(35)),
            (Some(35), &[approved, closed, reviewed, other], Some(35 - 4 - 3 - 6)),
            (Some(10), &[approved, closed], Some(0)),
            (None, &[approved], None),
            (Some(0), &[], Some(0)),
        ] {
            assert_eq!(
                Balance::of(service, Some(&benefit(limit)), lines).remaining(),
                remaining,
                "{limit:?} {lines:?}"
            );
        }
        assert_eq!(Balance::of(service, None, &[]).remaining(), Some(0));
    }
}
