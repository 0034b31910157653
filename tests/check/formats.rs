//! Findings for code scanning and for workflows.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::program::program;

fn check(format: &str, case: &str) -> String {
    let output = program()
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics/cases"))
        .args(["check", "--format", format, case])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The schema as it was published, taken from the `serde-sarif` crate (MIT).
#[test]
fn sarif_fits_its_published_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let schema = fs::read_to_string(folder.join("sarif-2.1.0.schema.json")).unwrap();
    // The published pattern for languages has a bracket too many and is no regular expression.
    let schema = schema.replace("{2}]?$\"", "{2}$\"");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for case in [
        "conflict.yml",
        "silenced.yml",
        "many-mistakes.yml",
        "wide-characters.yml",
    ] {
        let json: Value = serde_json::from_str(&check("json", case)).unwrap();
        let sarif: Value = serde_json::from_str(&check("sarif", case)).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&sarif)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{case}: {errors:?}");
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), json["findings"].as_array().unwrap().len());
        for (result, finding) in results.iter().zip(json["findings"].as_array().unwrap()) {
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
            assert_eq!(place["artifactLocation"]["uri"], finding["file"]);
        }
    }
    let wrong = serde_json::json!({"version": "2.1.0", "runs": [{"results": [{}]}]});
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn github_gets_one_line_for_each_finding() {
    let text = check("github", "conflict-possible.yml");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("::warning file=conflict-possible.yml,line=20,endLine=20,col=14,")
    );
    assert!(lines[0].contains(
        "title=PB208%3A two requests that may contradict each other::on `on_role_change primary`"
    ));
    assert!(lines[0].contains("%0Ahelp: "));
}
