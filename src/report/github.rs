//! Findings as workflow commands of GitHub Actions, which shows them at their lines.

use std::fmt::Write as _;

use crate::diagnostic::{Finding, Severity};

/// One line for each finding.
#[must_use]
pub fn github(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let command = match finding.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = &finding.place;
        let (line, column) = (place.position.line, place.position.column);
        let end = column + place.length;
        let message = match &finding.help {
            Some(help) => format!("{}\nhelp: {help}", finding.message),
            None => finding.message.clone(),
        };
        let _ = writeln!(
            text,
            "::{command} file={},line={line},endLine={line},col={column},endColumn={end},title={}::{}",
            property(&place.file),
            property(&format!("{}: {}", finding.code, finding.code.title())),
            data(&message)
        );
    }
    text
}

/// What would end a line or the command is written as its code.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
