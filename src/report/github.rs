//! Findings as workflow commands of GitHub Actions, which shows them at their lines.

use std::fmt::Write as _;

use crate::diagnostic::Severity;

use super::CheckOutput;

/// One line for each finding and each failure.
pub fn github(found: &CheckOutput<'_>) -> String {
    let mut text = String::new();
    for failure in found.failures {
        let file = failure.file.as_deref().map(property);
        let file = file.map_or_else(String::new, |file| format!(" file={file}"));
        let _ = writeln!(text, "::error{file}::{}", data(&failure.message));
    }
    for finding in found.findings {
        let command = match finding.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = &finding.place;
        let (line, column) = (place.position.line, place.position.column);
        let end = place.end_column();
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
    if found.truncated {
        text.push_str("::notice::there may be more findings than are listed\n");
    }
    text
}

/// Escapes characters that would end a line or the command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
