//! What is asked for in an authorization, as callers see it.

use authorizations::Status;
use kernel::{CodeType, DiagnosisCode};
use serde::Serialize;
use utoipa::ToSchema;

/// A diagnosis.
#[derive(Serialize, ToSchema)]
pub(super) struct DiagnosisBody {
    code: DiagnosisCode,
    /// What it means, in the words of ICD-10-CM.
    description: String,
    /// Whether it is the primary one, which is the first.
    primary: bool,
}

/// A procedure.
#[derive(Serialize, ToSchema)]
pub(super) struct LineBody {
    /// Its number, from 1.
    number: i32,
    status: Status,
    code_type: CodeType,
    /// The procedure's code.
    code: String,
    /// What qualifies it.
    modifiers: Vec<String>,
    /// What the code means, in the plan's words.
    description: String,
    units: UnitsBody,
}

/// Units or visits of a line.
#[derive(Serialize, ToSchema)]
pub(super) struct UnitsBody {
    /// Asked for.
    requested: i32,
    /// Granted.
    authorized: i32,
    /// Used so far, as claims say.
    used: i32,
    /// Granted, not yet used, and still to be had: 0 once the line is closed.
    remaining: i32,
}

/// How many of the visits asked for are an evaluation, and how many treatment.
#[derive(Serialize, ToSchema)]
pub(super) struct EvaluationBody {
    /// Visits of the evaluation.
    pub(super) evaluation_visits: i32,
    /// The other visits.
    pub(super) treatment_visits: i32,
}

impl From<(usize, authorizations::DiagnosisLine)> for DiagnosisBody {
    fn from((place, it): (usize, authorizations::DiagnosisLine)) -> Self {
        Self { code: it.code, description: it.description, primary: place == 0 }
    }
}

impl From<authorizations::Line> for LineBody {
    fn from(it: authorizations::Line) -> Self {
        let authorizations::Line { requested, authorized, used, .. } = it;
        let remaining = if it.status == Status::Approved { authorized - used } else { 0 };
        Self {
            number: it.number,
            status: it.status,
            code_type: it.code_type,
            code: it.code,
            modifiers: it.modifiers.split_whitespace().map(str::to_owned).collect(),
            description: it.description,
            units: UnitsBody { requested, authorized, used, remaining },
        }
    }
}
