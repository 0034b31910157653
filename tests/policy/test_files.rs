//! `test`: several files at once, and a selection of their tests.

use serde_json::Value;

use super::fitting;
use super::rule_tests::{FOLLOWED, HEAD, RULES, test};
use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::text::has;

/// A directory with rules, and test files with these names and texts next to them.
fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::with(files);
    folder.write("rules.yml", RULES);
    folder
}

fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.run([&["test"], arguments].concat())
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
    run(&folder, &["."]).exits(0).shows("2 passed, 0 failed\n");
    // the name identifies a test file, whatever its content
    folder.write("other_test.yml", RULES);
    run(&folder, &["."])
        .exits(2)
        .shows("2 passed, 0 failed, 1 file that can't be used");
    run(&self::folder(&[]), &["."])
        .exits(2)
        .says("`.` has no test file in it");
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
    folder.write("d.yml", b"\xff\xfe");
    let files = ["a.yml", "b.yml", "c.yml", "d.yml", "nowhere.yml"];
    let errors = run(&folder, &files)
        .exits(2)
        .shows("1 passed, 1 failed, 3 files that can't be used")
        .stderr;
    for said in [
        "did you mean `tests`?",
        "`d.yml` is UTF-16",
        "can't read `nowhere.yml`",
        "3 of 5 test files can't be used",
    ] {
        has(&errors, said);
    }
    let with = |format| [&files[..], &["--format", format]].concat();
    let json = fitting("test.schema.json", &run(&folder, &with("json")).exits(2));
    assert_eq!(json["errors"], 3);
    let of = |name: &str| {
        let mut files = json["files"].as_array().unwrap().iter();
        files.find(|file| file["file"] == name).unwrap()
    };
    has(of("a.yml")["error"].as_str().unwrap(), "PB101");
    assert_eq!(of("b.yml")["error"], Value::Null);
    let text = run(&folder, &with("junit"))
        .exits(2)
        .shows("tests=\"5\" failures=\"1\" errors=\"3\">\n")
        .stdout;
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
    let text = run(&folder, &["--list", "."]).exits(0).stdout;
    let list = "./a_test.yml:5: followed\n./a_test.yml:10: lyon sends nothing\n./b_test.yml:5: lyon sends nothing\n";
    assert_eq!(text, list);
    for (options, passed) in [
        (&["-k", "follow"][..], 1),
        (&["--filter", "lyon"], 2),
        (&["-k", "follow", "-k", "nothing"], 3),
        (&["-k", ""], 3),
    ] {
        run(&folder, &[options, &["."]].concat())
            .exits(0)
            .shows(format!("{passed} passed, 0 failed\n"));
    }
    let listed = run(&folder, &["-k", "follow", "--list", "."]).exits(0);
    assert_eq!(listed.stdout, "./a_test.yml:5: followed\n");
    run(&folder, &["-k", "nope", "."])
        .exits(2)
        .says("no test has `nope` in its name");
    run(&folder, &["--list", "--format", "json", "."]).exits(2);
}

#[test]
fn too_little_coverage_is_a_failure_of_its_own_for_programs() {
    for (least, missed) in [("cells=5", 0), ("cells=6", 1), ("cells=6,rules=60", 2)] {
        let code = i32::from(missed > 0);
        let report = |format| {
            let options = ["--fail-under", least, "--format", format];
            test(FOLLOWED, &options).case(least).exits(code)
        };
        let json = fitting("test.schema.json", &report("json"));
        assert_eq!(json["missed"].as_array().unwrap().len(), missed);
        assert_eq!(json["failed"], 0);
        let totals = format!("tests=\"2\" failures=\"{code}\" errors=\"0\">\n");
        let case = "<testcase name=\"coverage\" classname=\"rules.yml\"";
        let text = report("junit").shows(&totals).shows(case).stdout;
        let cells = text.contains("cells: 1 of 20 (5 %), and 6 % is required");
        assert_eq!(cells, missed > 0, "{text}");
    }
}
