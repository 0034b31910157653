//! Validation of a request's body before it is sent.

use serde_json::Value;

use super::problem::Problem;
use super::shape;

/// The reason why pg-backup-api would not accept a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    /// The errors.
    pub message: String,
    /// The value they are about, as a JSON pointer into the body; empty for the body itself.
    pub pointer: String,
}

/// Checks that pg-backup-api accepts a body, including its `type`.
pub fn validate_body(body: &Value) -> Result<(), BodyError> {
    let problems = shape::body_problems(body);
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let pointer = first.spot.origin.pointer.clone();
    let same = |problem: &Problem| problem.spot.origin.pointer == pointer;
    let pointer = problems.iter().all(same).then(|| pointer.clone());
    let said = |problem: Problem| match problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message,
    };
    let mut messages: Vec<String> = problems.into_iter().map(said).collect();
    // Two rules of the schema may report the same for one value.
    messages.dedup();
    Err(BodyError {
        message: messages.join("; "),
        pointer: pointer.unwrap_or_default(),
    })
}
