//! Findings for people.

use crate::diagnostic::Finding;

/// A finding in one line, for a log.
pub fn line(finding: &Finding) -> String {
    let (place, severity, code) = (&finding.place, finding.severity(), finding.code);
    let help = finding.help.as_ref();
    let help = help.map_or_else(String::new, |help| format!(" ({help})"));
    format!("{place}: {severity}[{code}]: {}{help}", finding.message)
}
