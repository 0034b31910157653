//! The body of a request, before it may be sent.

use serde_json::Value;

use super::shape;

/// Whether pg-backup-api can take a body, `type` included.
///
/// # Errors
/// What it would refuse, each as a message; at least one.
pub fn validate_body(body: &Value) -> Result<(), Vec<String>> {
    let problems = shape::body_problems(body);
    if problems.is_empty() {
        return Ok(());
    }
    let mut messages: Vec<String> = problems
        .into_iter()
        .map(|problem| problem.message)
        .collect();
    // Two rules of the schema can say the same of one value.
    messages.dedup();
    Err(messages)
}
