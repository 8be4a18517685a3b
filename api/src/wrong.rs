//! What a read or a write of a handler's ends with, if it ends badly: a fault, or that the caller may not.

use std::fmt;

use kernel::{Fault, FaultRow, Kind, PrincipalId};
use registry::Denial;

use crate::{Problem, problem};

/// A problem that comes out of a transaction, and the class of what caused it, by which the store knows whether the connection is
/// to blame.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) problem: Box<Problem>,
    /// Who asked, where that was found out.
    pub(crate) who: Option<PrincipalId>,
    row: FaultRow,
}

impl Wrong {
    /// What `fault` comes to.
    pub(crate) fn of(fault: impl Fault) -> Self {
        Self { row: fault.row(), who: None, problem: Box::new(fault.into()) }
    }

    /// What is told to someone who may not.
    pub(crate) fn denied(it: Denial, who: Option<PrincipalId>) -> Self {
        let problem = match it {
            Denial::Unknown => problem::UNAUTHENTICATED.problem(),
            Denial::NotPermitted => problem::NOT_PERMITTED.problem(),
            Denial::NoEmergency => problem::NO_EMERGENCY.problem(),
            Denial::StepUp => problem::STEP_UP.problem(),
            Denial::PeopleOnly => access::Error::NoEmergencies.into(),
        };
        Self::refused(problem, who)
    }

    /// What the caller sent is wrong in itself.
    pub(crate) fn refused(problem: Problem, who: Option<PrincipalId>) -> Self {
        let row = FaultRow { kind: Kind::Forbidden, slug: "", rule: "", message: "", about: "" };
        Self { problem: Box::new(problem), who, row }
    }

    /// The same, asked by `who`.
    pub(crate) fn by(self, who: &PrincipalId) -> Self {
        Self { who: Some(who.clone()), ..self }
    }
}

impl Fault for Wrong {
    fn row(&self) -> FaultRow {
        self.row
    }
}

impl std::error::Error for Wrong {}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl From<store::Error> for Wrong {
    fn from(it: store::Error) -> Self {
        Self::of(it)
    }
}
