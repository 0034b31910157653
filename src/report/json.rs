//! Results for programs.

use serde::Serialize;

/// A result as JSON, indented for people.
pub fn json(result: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(result).unwrap_or_default();
    format!("{text}\n")
}
