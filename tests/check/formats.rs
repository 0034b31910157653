//! Findings for code scanning and for workflows.

use std::fs;

use patroni_barman::diagnostic::Code;
use serde_json::Value;

use crate::support::checked::folder;
use crate::support::ended::Ended;
use crate::support::program::{program, root};
use crate::support::schema::assert_fits;

fn check(format: &str, case: &str) -> String {
    let mut command = program();
    command.args(["check", "--format", format, case]);
    Ended::of(command.current_dir(folder("cases"))).stdout
}

/// The published schema, taken from the `serde-sarif` crate (MIT).
#[test]
fn sarif_fits_its_published_schema() {
    let schema = root().join("tests/check/sarif-2.1.0.schema.json");
    let schema = fs::read_to_string(schema).unwrap();
    // the published pattern for languages has an extra bracket and is not a valid regular expression
    let schema = schema.replace("{2}]?$\"", "{2}$\"");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    for case in [
        "conflict.yml",
        "silenced.yml",
        "silenced-everywhere.yml",
        "absent.yml",
        "many-mistakes.yml",
        "wide-characters.yml",
    ] {
        let json: Value = serde_json::from_str(&check("json", case)).unwrap();
        let sarif: Value = serde_json::from_str(&check("sarif", case)).unwrap();
        assert_fits(&schema, &sarif);
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let list = |key: &str| json[key].as_array().unwrap().iter();
        let findings: Vec<_> = list("findings").chain(list("silenced")).collect();
        assert_eq!(results.len(), findings.len());
        for (result, finding) in results.iter().zip(findings) {
            let suppression = &result["suppressions"][0];
            assert_eq!(suppression["justification"], finding["reason"]);
            assert_eq!(suppression.is_null(), finding["reason"].is_null());
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            let rule = &sarif["runs"][0]["tool"]["driver"]["rules"][index];
            assert_eq!(
                (&rule["id"], &result["ruleId"]),
                (&finding["code"], &finding["code"])
            );
            assert_eq!(result["level"], finding["severity"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["region"]["startLine"], finding["line"]);
            assert_eq!(place["region"]["startColumn"], finding["column"]);
            assert_eq!(place["region"]["endColumn"], finding["end_column"]);
            assert_eq!(place["artifactLocation"]["uri"], finding["file"]);
        }
    }
    let wrong = serde_json::json!({"version": "2.1.0", "runs": [{"results": [{}]}]});
    assert!(!jsonschema::is_valid(&schema, &wrong));
}

#[test]
fn github_gets_one_line_for_each_finding() {
    let text = check("github", "conflict-possible.yml");
    let found: Value = serde_json::from_str(&check("json", "conflict-possible.yml")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(lines.len(), findings.len(), "{text}");
    let is_possible = |line: &&str| line.contains("title=PB208%3A");
    let lines: Vec<_> = lines.into_iter().filter(is_possible).collect();
    assert!(lines[0].starts_with("::warning file=conflict-possible.yml,line="));
    assert!(lines[0].contains(
        "title=PB208%3A two requests that may contradict each other::on `on_role_change primary`"
    ));
    assert!(lines[0].contains("%0Ahelp: "));
}

/// The page in a finding's link has the heading in the link.
#[test]
fn every_page_is_in_the_documentation() {
    let text = fs::read_to_string(root().join("docs/findings.md")).unwrap();
    let anchors: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(anchor)
        .collect();
    for code in Code::ALL {
        let page = code.page();
        let (file, heading) = page.split_once('#').unwrap();
        assert_eq!(file, "docs/findings.md");
        assert!(anchors.iter().any(|anchor| anchor == heading), "{page}");
    }
}

/// The anchor that GitHub and GitLab generate from a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    let lower = heading.to_lowercase();
    lower
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}
