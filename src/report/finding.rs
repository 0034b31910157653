//! Findings for people.

use crate::diagnostic::Finding;

/// A finding in one line, for a log.
pub fn line(finding: &Finding) -> String {
    let place = &finding.place;
    let severity = finding.severity();
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
