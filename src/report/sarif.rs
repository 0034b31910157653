//! Findings as SARIF 2.1.0, the format of code scanning.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diagnostic::{Code, Finding, Place};

use super::{CheckOutput, Failure};

/// The findings as one SARIF log with one run.
pub fn sarif(found: &CheckOutput<'_>) -> Value {
    let silenced = found.silenced.iter().map(|silenced| {
        let mut result = result(&silenced.finding);
        if let Value::Object(keys) = &mut result {
            let suppression = json!({"kind": "inSource", "justification": silenced.reason});
            keys.insert("suppressions".to_owned(), json!([suppression]));
        }
        result
    });
    let results = found.findings.iter().map(result).chain(silenced);
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
            "invocations": [{
                "executionSuccessful": found.failures.is_empty(),
                "toolExecutionNotifications": notifications(found),
            }],
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn notifications(found: &CheckOutput<'_>) -> Vec<Value> {
    let failure = |failure: &Failure| {
        let locations: Vec<_> = failure
            .file
            .iter()
            .map(|file| json!({"physicalLocation": {"artifactLocation": {"uri": uri(file)}}}))
            .collect();
        json!({"level": "error", "message": {"text": failure.message}, "locations": locations})
    };
    let more = json!({
        "level": "note",
        "message": {"text": "there may be more findings than are listed"},
    });
    let failures = found.failures.iter().map(failure);
    failures.chain(found.truncated.then_some(more)).collect()
}

fn rule(code: Code) -> Value {
    let explanation = code.explanation();
    let mut rule = json!({
        "id": code.as_str(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": explanation.about},
        "help": {
            "text": explanation.about,
            "markdown": code.explanation_text(),
        },
        "defaultConfiguration": {"level": code.severity().as_str()},
    });
    // The address must be complete; a build without a repository has none.
    let repository = env!("CARGO_PKG_REPOSITORY");
    if !repository.is_empty()
        && let Value::Object(keys) = &mut rule
    {
        let page = format!("{repository}/{}", code.page());
        keys.insert("helpUri".to_owned(), page.into());
    }
    rule
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
            "endColumn": place.end_column(),
        },
    })
}

/// A path as a URI; a relative path stays relative.
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
