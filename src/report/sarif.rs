//! Findings as SARIF 2.1.0, the format that code scanning reads.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diagnostic::{Code, Finding, Place};

/// The findings as one SARIF log with one run.
#[must_use]
pub fn sarif(findings: &[Finding]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": env!("CARGO_PKG_NAME"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": Code::ALL.iter().copied().map(rule).collect::<Vec<_>>(),
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: Code) -> Value {
    let explanation = code.explanation();
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": explanation.about},
        "help": {
            "text": explanation.about,
            "markdown": code.explanation_text(),
        },
        "defaultConfiguration": {"level": code.severity().as_str()},
    })
}

fn result(finding: &Finding) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let related: Vec<_> = finding
        .related
        .iter()
        .enumerate()
        .map(|(index, related)| {
            json!({
                "id": index,
                "message": {"text": related.message},
                "physicalLocation": location(&related.place),
            })
        })
        .collect();
    json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": finding.severity().as_str(),
        "message": {"text": message},
        "locations": [{"physicalLocation": location(&finding.place)}],
        "relatedLocations": related,
    })
}

fn location(place: &Place) -> Value {
    let position = place.position;
    json!({
        "artifactLocation": {"uri": uri(&place.file)},
        "region": {
            "startLine": position.line,
            "startColumn": position.column,
            "endColumn": position.column + place.length,
        },
    })
}

/// A path as a URI; one that is not absolute stays relative.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') {
        "file://".to_owned()
    } else {
        String::new()
    };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
