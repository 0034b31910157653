//! `test`: several files at once, and a selection of their tests.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::assert_fits;
use super::rule_tests::{FOLLOWED, HEAD, RULES, test};
use crate::support::program::program;

/// A directory with rules, and test files with these names and texts next to them.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = program()
        .current_dir(folder)
        .arg("test")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

const LYON: &str = "tests:\n  - {name: lyon sends nothing, event: on_role_change, role: primary, env: {SITE: lyon}, nothing: true}\n";

#[test]
fn a_directory_has_its_rules_and_their_tests_side_by_side() {
    let files = [
        ("rules_test.yml", &*format!("{HEAD}{FOLLOWED}")),
        ("more.yaml", &format!("{HEAD}{LYON}")),
        ("vars.yml", "vars: {unused: 1}\n"),
        (".hidden.yml", "tests: ["),
        ("notes.txt", "no YAML: ["),
    ];
    let folder = folder(&files);
    let (code, text, errors) = run(folder.path(), &["."]);
    assert_eq!(code, 0, "{text}{errors}");
    assert!(text.contains("2 passed, 0 failed\n"), "{text}");
    // the name identifies a test file, whatever its content
    fs::write(folder.path().join("other_test.yml"), RULES).unwrap();
    let (code, text, errors) = run(folder.path(), &["."]);
    assert_eq!(code, 2, "{text}{errors}");
    assert!(
        text.contains("2 passed, 0 failed, 1 file that can't be used"),
        "{text}"
    );
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("rules.yml"), RULES).unwrap();
    let (code, _, errors) = run(empty.path(), &["."]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("`.` has no test file in it"), "{errors}");
}

#[test]
fn a_file_that_can_not_be_used_does_not_keep_the_others_from_being_run() {
    let failing = FOLLOWED.replace("main:n1", "main:n2");
    let files = [
        ("a.yml", &*format!("{HEAD}testss: []\n")),
        ("b.yml", &format!("{HEAD}{failing}")),
        ("c.yml", &format!("{HEAD}{LYON}")),
    ];
    let folder = folder(&files);
    fs::write(folder.path().join("d.yml"), b"\xff\xfe").unwrap();
    let files = ["a.yml", "b.yml", "c.yml", "d.yml", "nowhere.yml"];
    let (code, text, errors) = run(folder.path(), &files);
    assert_eq!(code, 2, "{text}{errors}");
    assert!(
        text.contains("1 passed, 1 failed, 3 files that can't be used"),
        "{text}"
    );
    for said in [
        "did you mean `tests`?",
        "`d.yml` is UTF-16",
        "can't read `nowhere.yml`",
        "3 of 5 test files can't be used",
    ] {
        assert!(errors.contains(said), "{said}: {errors}");
    }
    let with = |format| [&files[..], &["--format", format]].concat();
    let (code, text, _) = run(folder.path(), &with("json"));
    assert_eq!(code, 2);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_fits("test.schema.json", &json);
    assert_eq!(json["errors"], 3);
    let of = |name: &str| {
        json["files"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["file"] == name)
            .unwrap()
            .clone()
    };
    assert!(
        of("a.yml")["error"].as_str().unwrap().contains("PB101"),
        "{text}"
    );
    assert_eq!(of("b.yml")["error"], Value::Null);
    let (code, text, _) = run(folder.path(), &with("junit"));
    assert_eq!(code, 2);
    assert!(
        text.contains("tests=\"5\" failures=\"1\" errors=\"3\">\n"),
        "{text}"
    );
    assert_eq!(text.matches("<error ").count(), 3, "{text}");
    assert_eq!(text.matches("<testcase ").count(), 5, "{text}");
}

#[test]
fn tests_are_listed_and_picked_by_their_names() {
    let both = format!("{HEAD}{FOLLOWED}{}", LYON.replace("tests:\n", ""));
    let files = [
        ("a_test.yml", &*both),
        ("b_test.yml", &format!("{HEAD}{LYON}")),
    ];
    let folder = folder(&files);
    let (code, text, _) = run(folder.path(), &["--list", "."]);
    assert_eq!(code, 0);
    let list = "./a_test.yml:5: followed\n./a_test.yml:10: lyon sends nothing\n./b_test.yml:5: lyon sends nothing\n";
    assert_eq!(text, list);
    for (options, passed) in [
        (&["-k", "follow"][..], 1),
        (&["--filter", "lyon"], 2),
        (&["-k", "follow", "-k", "nothing"], 3),
        (&["-k", ""], 3),
    ] {
        let (code, text, errors) = run(folder.path(), &[options, &["."]].concat());
        assert_eq!(code, 0, "{text}{errors}");
        assert!(
            text.contains(&format!("{passed} passed, 0 failed\n")),
            "{text}"
        );
    }
    let (code, text, _) = run(folder.path(), &["-k", "follow", "--list", "."]);
    assert_eq!((code, text.as_str()), (0, "./a_test.yml:5: followed\n"));
    let (code, _, errors) = run(folder.path(), &["-k", "nope", "."]);
    assert_eq!(code, 2);
    assert!(
        errors.contains("no test has `nope` in its name"),
        "{errors}"
    );
    assert_eq!(
        run(folder.path(), &["--list", "--format", "json", "."]).0,
        2
    );
}

#[test]
fn too_little_coverage_is_a_failure_of_its_own_for_programs() {
    for (least, missed) in [("cells=5", 0), ("cells=6", 1), ("cells=6,rules=60", 2)] {
        let code = i32::from(missed > 0);
        let (got, text, _) = test(FOLLOWED, &["--fail-under", least, "--format", "json"]);
        assert_eq!(got, code, "{least}");
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_fits("test.schema.json", &json);
        assert_eq!(json["missed"].as_array().unwrap().len(), missed);
        assert_eq!(json["failed"], 0);
        let (got, text, _) = test(FOLLOWED, &["--fail-under", least, "--format", "junit"]);
        assert_eq!(got, code, "{least}");
        let totals = format!("tests=\"2\" failures=\"{code}\" errors=\"0\">\n");
        assert!(text.contains(&totals), "{text}");
        let case = "<testcase name=\"coverage\" classname=\"rules.yml\"";
        assert!(text.contains(case), "{text}");
        assert_eq!(
            text.contains("cells: 1 of 20 (5 %), and 6 % is required"),
            missed > 0,
            "{text}"
        );
    }
}
