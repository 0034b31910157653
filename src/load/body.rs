//! The body of a request, before it may be sent.

use serde_json::Value;

use super::problem::Problem;
use super::shape;

/// Why pg-backup-api would not take a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    /// Everything that is wrong.
    pub message: String,
    /// The value that all of it is about, as a JSON pointer into the body; empty for the body itself.
    pub pointer: String,
}

/// Whether pg-backup-api can take a body, `type` included.
///
/// # Errors
/// What it would refuse.
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
    // Two rules of the schema can say the same of one value.
    messages.dedup();
    Err(BodyError {
        message: messages.join("; "),
        pointer: pointer.unwrap_or_default(),
    })
}
