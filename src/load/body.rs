//! The body of a request, before it may be sent.

use serde_json::Value;

use super::schema::REQUEST_SCHEMA;
use super::shape::body_messages;

/// Whether pg-backup-api can take a body, `type` included.
///
/// # Errors
/// What it would refuse, each as a message; at least one.
pub fn validate_body(body: &Value) -> Result<(), Vec<String>> {
    if REQUEST_SCHEMA.fits(body) {
        return Ok(());
    }
    let mut messages = body_messages(body);
    if messages.is_empty() {
        messages.push("pg-backup-api would not take this request".to_owned());
    }
    Err(messages)
}
