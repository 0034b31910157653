//! Findings for people.

use crate::diagnostic::{Finding, Severity};

/// A finding in one line, for a log.
#[must_use]
pub fn line(finding: &Finding) -> String {
    let place = &finding.place;
    let severity = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let help = finding
        .help
        .as_ref()
        .map_or_else(String::new, |help| format!(" ({help})"));
    format!(
        "{}:{}:{}: {severity}[{}]: {}{help}",
        place.file,
        place.position.line,
        place.position.column,
        finding.code.as_str(),
        finding.message
    )
}
