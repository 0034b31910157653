//! Rules files with the full output of `check`: `tests/diagnostics/cases/NAME.yml` (or a directory) and `NAME.txt`;
//! those in `tests/diagnostics/valid` have no findings.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use libtest_mimic::Trial;
use serde_json::Value;

use super::recorded;
use crate::support::checked::{Checked, check, rules_in};
use crate::support::program::root;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = fs::read_to_string(root().join("schemas/check.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

pub fn trials() -> Vec<Trial> {
    let each = |folder: &'static str, look: fn(&Checked) -> Result<(), String>| {
        rules_in(folder).into_iter().map(move |path| {
            Trial::test(
                format!("diagnostics::{folder}::{}", name(&path)),
                move || {
                    let checked = check(&path);
                    assert_fits(&checked);
                    Ok(look(&checked)?)
                },
            )
        })
    };
    each("cases", broken)
        .chain(each("valid", in_order))
        .collect()
}

/// The name of a case; a directory may be named like a file.
fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap().to_string_lossy();
    if path.is_dir() {
        format!("{stem}/")
    } else {
        stem.into_owned()
    }
}

fn broken(case: &Checked) -> Result<(), String> {
    recorded::compare(&case.path.with_extension("txt"), &case.text)?;
    let errors = case.findings().iter().any(|f| f["severity"] == "error");
    assert!(!case.findings().is_empty());
    assert_eq!(case.code, i32::from(errors));
    let place = |finding: &Value| {
        let number = |key: &str| finding[key].as_u64().unwrap();
        let file = finding["file"].as_str().unwrap().to_owned();
        (file, number("line"), number("column"))
    };
    let places: Vec<_> = case.findings().iter().map(place).collect();
    assert!(places.is_sorted(), "{places:?}");
    if fs::read_to_string(&case.path).is_ok_and(|text| text.contains("hunter")) {
        let shown = format!("{}{}", case.text, case.json);
        assert!(!shown.contains("hunter"), "a secret is shown: {shown}");
    }
    Ok(())
}

fn in_order(valid: &Checked) -> Result<(), String> {
    if valid.findings().is_empty() && valid.code == 0 {
        Ok(())
    } else {
        Err(valid.text.clone())
    }
}

fn assert_fits(case: &Checked) {
    let errors: Vec<_> = SCHEMA
        .iter_errors(&case.json)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}
