//! `test`.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use patroni_barman::diagnostic::Code;

use super::{fitting, run, stdout};
use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::text::has;

pub(super) const RULES: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480/prefix"}
patroni: {url: "http://127.0.0.1:8008"}
vars: {server: main}
defaults:
  retry: {attempts: 3, wait: 1s, max_wait: 4s, deadline: 1m}
rules:
  - name: follow
    on: on_role_change
    role: primary
    when: env.SITE == "paris"
    request: {type: config_switch, server: "{{ server }}", model_name: "main:{{ node }}"}
  - name: rebuild
    on: create_replica
    request: {type: recovery, server: main, backup_id: latest, remote_ssh_command: ssh a, destination_directory: "{{ datadir }}"}
"#;

/// The first lines of every test file here.
pub(super) const HEAD: &str =
    "version: 1\nrules: rules.yml\ngiven: {cluster: main, node: n1, env: {SITE: paris}}\n";

pub(super) const FOLLOWED: &str = r#"tests:
  - name: followed
    event: on_role_change
    role: primary
    fires: [follow]
    requests: [{type: config_switch, server: main, model_name: "main:n1"}]
"#;

/// Runs `test` on a file of these tests.
pub(super) fn test(tests: &str, options: &[&str]) -> Ended {
    test_with(RULES, &format!("{HEAD}{tests}"), options)
}

/// Runs `test` on a whole file of tests, with these rules beside it.
pub(super) fn test_with(rules: &str, tests: &str, options: &[&str]) -> Ended {
    let folder = Folder::with(&[("rules.yml", rules), ("tests.yml", tests)]);
    let ended = folder.run([&["test"], options, &["tests.yml"]].concat());
    ended.case(tests)
}

/// The statements of that test.
const FIRES_AND_REQUESTS: &str =
    "fires: [follow]\n    requests: [{type: config_switch, server: main, model_name: \"main:n1\"}]";

#[test]
fn a_test_passes_exactly_if_everything_is_as_it_says() {
    for (from, to, code, said) in [
        ("", "", 0, "1 passed, 0 failed"),
        ("[follow]", "[rebuild]", 1, "got    + follow"),
        (
            "main:n1",
            "main:n2",
            1,
            r#"wanted - {"type":"config_switch","server":"main","model_name":"main:n2"}"#,
        ),
        (
            "server: main, ",
            "server: other, ",
            1,
            r#"got    + {"type":"config_switch","server":"main""#,
        ),
        ("server: main, ", "", 1, "requests"),
        (
            "server: main, ",
            "api: default, server: main, ",
            0,
            "1 passed",
        ),
        (
            "server: main, ",
            "api: paris, server: main, ",
            1,
            "requests",
        ),
        ("    fires: [follow]\n", "", 0, "1 passed"),
        ("role: primary", "role: replica", 1, "wanted - follow"),
        (
            "role: primary",
            "role: primary\n    env: {SITE: lyon}",
            1,
            "`when` wants env.SITE == \"paris\", got false",
        ),
        ("role: primary", "role: primary\n    node: n2", 1, "main:n2"),
        (
            "role: primary",
            "role: primary\n    vars: {server: \"{{ x }}\"}",
            1,
            "`{{ x }}` is not a name",
        ),
        (
            "role: primary",
            "role: primary\n    vars: {server: other}",
            1,
            "\"server\":\"other\"",
        ),
        (FIRES_AND_REQUESTS, "nothing: true", 1, "wanted  nothing"),
        (FIRES_AND_REQUESTS, "fails: nope", 1, "wanted - nope"),
        (
            &format!("role: primary\n    {FIRES_AND_REQUESTS}"),
            "role: replica\n    nothing: true",
            0,
            "1 passed",
        ),
    ] {
        let tests = FOLLOWED.replacen(from, to, 1);
        test(&tests, &[]).exits(code).shows(said);
    }
}

#[test]
fn a_primary_may_be_called_by_any_word_that_patroni_has_for_it() {
    for word in ["primary", "master", "promoted"] {
        let tests = FOLLOWED.replacen("primary", &format!("primary\n    raw_role: {word}"), 1);
        test(&tests, &[]).exits(0);
    }
}

/// CI systems read lines, and GitHub Actions interprets those that begin with `::`.
#[test]
fn free_text_stays_on_its_line() {
    let rules = RULES.replace(
        "when: env.SITE == \"paris\"",
        "when: |\n      env.SITE ==\n      \"paris\"",
    );
    let tests = FOLLOWED.replace("name: followed", "name: \"a\\n::error::b\\e[31m\"");
    let tests = format!("{HEAD}{tests}");
    test_with(&rules, &tests, &["--coverage"])
        .exits(0)
        .shows("\n  ok    a ::error::b\u{fffd}[31m\n");
    let tests = tests.replace("SITE: paris", "SITE: \"lyon\\n::error::\"");
    let why = "\n            follow does not fire: `when` wants env.SITE == \"paris\", got false\n";
    test_with(&rules, &tests, &[])
        .exits(1)
        .shows(why)
        .shows("\n  FAIL  a ::error::b\u{fffd}[31m\n");
}

/// This includes errors that only appear when every event is evaluated: such a rule does nothing, and a test of it would pass.
#[test]
fn rules_that_check_finds_errors_in_are_not_tested() {
    let rules = RULES.replace(
        "    on: on_role_change\n    role: primary",
        "    on: on_start\n    role: demoted",
    );
    let tests =
        format!("{HEAD}tests:\n  - {{name: a, event: on_stop, role: demoted, nothing: true}}\n");
    let ended = test_with(&rules, &tests, &[]).exits(2);
    let errors = ended.shows("0 passed").stderr;
    for said in [
        "error[PB306]",
        "tests.yml:2:8",
        "`patroni_barman check rules.yml` finds 1 error\n",
    ] {
        has(&errors, said);
    }
}

#[test]
fn forall_is_about_every_combination_that_patroni_passes() {
    for (forall, cells) in [
        ("{event: on_stop}", 4),
        ("{event: [on_stop, on_start]}", 7),
        ("{role: demoted}", 3),
        (
            "{event: [on_stop, bootstrap], cluster: [a, b], node: [x, y]}",
            20,
        ),
        ("{event: on_stop, except: [{role: [primary, demoted]}]}", 2),
        ("{except: [{event: [on_role_change, create_replica]}]}", 15),
    ] {
        let tests = format!("tests:\n  - name: a\n    forall: {forall}\n    nothing: true\n");
        let json = test(&tests, &["--format", "json"]).exits(0).json();
        assert_eq!(json["files"][0]["tests"][0]["cells"], cells, "{forall}");
    }
}

/// Each line: the API's fault, and the result of `run`.
#[test]
fn a_scenario_ends_as_run_would() {
    for (answers, event, exit_code, posts, active) in [
        ("post:ok", "primary", 0, 1, "\"main:n1\""),
        ("post:500*2", "primary", 0, 3, "\"main:n1\""),
        ("post:500", "primary", 3, 3, "null"),
        ("any:refuse*1", "primary", 0, 2, "\"main:n1\""),
        ("post:404", "primary", 2, 1, "null"),
        ("post:fail*1", "primary", 0, 2, "\"main:n1\""),
        ("post:lost-accept*1", "primary", 0, 3, "\"main:n1\""),
        ("poll:stuck", "primary", 0, 1, "\"main:n1\""),
        ("poll:gone*1", "primary", 0, 1, "\"main:n1\""),
        ("post:hang*1", "primary", 0, 2, "\"main:n1\""),
        ("post:slow=2s*1", "primary", 0, 1, "\"main:n1\""),
        ("post:503+retry-after=7*1", "primary", 0, 2, "\"main:n1\""),
        ("post:truncate*1", "primary", 0, 3, "\"main:n1\""),
        ("post:ok", "replica", 1, 0, "null"),
    ] {
        let tests = format!(
            "scenarios:\n  - name: a\n    barman: {{servers: [main], models: [\"main:n1\"], answers: \"{answers}\"}}\n    \
             steps: [{{node: n1, event: on_role_change, role: {event}, exit_code: {exit_code}, posts: {posts}}}]\n    \
             end: {{active_model: {{main: {active}}}}}\n"
        );
        test(&tests, &[]).case(answers).exits(0);
        for (from, to) in [
            (format!("exit_code: {exit_code}"), "exit_code: 4".to_owned()),
            (format!("posts: {posts}"), "posts: 9".to_owned()),
            (format!("{{main: {active}}}"), "{main: other}".to_owned()),
        ] {
            test(&tests.replace(&from, &to), &[])
                .case(format!("{answers} with {to}"))
                .exits(1);
        }
    }
}

#[test]
fn what_can_not_be_evaluated_sends_nothing_and_ends_with_4() {
    let tests = "scenarios:\n  - name: a\n    barman: {servers: [main]}\n    env: {}\n    steps:\n      \
                 - {node: n1, event: create_replica, role: replica, exit_code: 2}\n";
    let rules = RULES.replace("env.SITE == \"paris\"", "env.NOPE == \"paris\"");
    let tests = format!("{HEAD}{tests}").replace(
        "create_replica, role: replica, exit_code: 2",
        "on_role_change, role: primary, exit_code: 4, posts: 0, message: NOPE",
    );
    test_with(&rules, &tests, &[]).exits(0);
}

#[test]
fn coverage_is_counted_and_can_fail() {
    let text = test(FOLLOWED, &["--coverage"]).exits(0).stdout;
    for line in [
        "cells       1 of 20 (5 %)",
        "fired       1 of 2 (50 %)",
        "conditions  1 of 2 (50 %)",
        "requests    1 of 2 (50 %)",
        "not seen: rebuild",
        "not seen: `when` of follow is false",
        "not seen: on_stop demoted in CLUSTER",
        "not seen: the request of rebuild",
    ] {
        has(&text, line);
    }
    for (threshold, code) in [
        ("100", 1),
        ("5", 0),
        ("6", 1),
        ("rules=50,conditions=50", 0),
        ("rules=51", 1),
        ("conditions=51", 1),
        ("cells=6", 1),
        ("requests=50", 0),
        ("requests=51", 1),
        ("cells=5,cells=1", 2),
        ("mutants=1", 2),
        ("101", 2),
        ("rule=5", 2),
        ("rules=", 2),
    ] {
        let ended = test(FOLLOWED, &["--fail-under", threshold]);
        ended.case(threshold).exits(code);
    }
    let other = format!(
        "{FOLLOWED}  - {{name: lyon, event: on_role_change, role: primary, env: {{SITE: lyon}}, nothing: true}}\n"
    );
    test(&other, &["--fail-under", "conditions=100"]).exits(0);
}

/// A test that only names the rules passes whatever is sent.
#[test]
fn requests_that_no_test_says_are_counted() {
    let fires = FOLLOWED.replace(
        "    requests: [{type: config_switch, server: main, model_name: \"main:n1\"}]\n",
        "",
    );
    test(&fires, &["--fail-under", "requests=1"])
        .exits(1)
        .shows("requests    0 of 2 (0 %)")
        .shows("too little of rules.yml: requests: 0 of 2 (0 %), and 1 % is required");
}

/// Two files each cover half of the conditions, with different paths to the rules.
#[test]
fn rules_are_covered_together_however_their_path_is_written() {
    let rules = |path: &str| HEAD.replace("rules.yml", path);
    let folder = Folder::with(&[
        ("rules.yml", RULES),
        ("ta/a.yml", &(rules("../rules.yml") + FOLLOWED)),
    ]);
    symlink("rules.yml", folder.path("link.yml")).unwrap();
    let lyon = "tests:\n  - {name: lyon, event: on_role_change, role: primary, env: {SITE: lyon}, nothing: true}\n";
    let absolute = folder.named("rules.yml");
    for path in [
        "../rules.yml",
        &absolute,
        "../link.yml",
        "../ta/../rules.yml",
    ] {
        folder.write("ta/b.yml", rules(path) + lyon);
        let files = ["test", "ta/a.yml", "./ta/b.yml", "--coverage"];
        let whole = ["--fail-under", "conditions=100"];
        let ended = folder.run([&files[..], &whole].concat());
        let text = ended.case(path).exits(0).stdout;
        assert_eq!(text.matches("coverage of rules.yml:").count(), 1, "{text}");
    }
}

#[test]
fn programs_read_the_same() {
    let failing = FOLLOWED.replace("main:n1", "main:<n2>");
    for (tests, code) in [(FOLLOWED, 0), (&failing, 1)] {
        let ended = test(tests, &["--format", "json", "--coverage"]).exits(code);
        let json = fitting("test.schema.json", &ended);
        assert_eq!(json["failed"], code);
        let text = test(tests, &["--format", "junit"]).exits(code).stdout;
        let totals = format!(" tests=\"1\" failures=\"{code}\" errors=\"0\">");
        let all = text.lines().find(|line| line.starts_with("<testsuites "));
        assert!(all.is_some_and(|line| line.ends_with(&totals)), "{text}");
        assert_eq!(text.matches("<testcase ").count(), 1, "{text}");
        let failures = text.matches("<failure ").count();
        assert_eq!(failures, usize::try_from(code).unwrap(), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_test_file_is_said_with_its_place() {
    for (text, place, said) in [
        ("tests: []\n", "tests.yml:1:1", "PB303"),
        ("testss: []\n", "tests.yml:4:1", "did you mean `tests`?"),
        ("tests: [\n", "tests.yml:", "PB001"),
    ] {
        is_refused(text, place, said);
    }
    for (test, place, said) in [
        ("event: on_stop, role: demoted", "5", "PB302"),
        (
            "event: on_stop, role: demoted, nothing: false",
            "",
            "`nothing` can only be `true`",
        ),
        (
            "event: on_stopp, role: demoted, nothing: true",
            "22",
            "did you mean `on_stop`?",
        ),
        (
            "event: on_stop, role: demoted, when: x, nothing: true",
            "",
            "has no key `when`",
        ),
        ("event: on_stop, nothing: true", "5", "no role"),
        ("nothing: true", "5", "no event"),
        (
            "event: on_stop, role: demoted, fires: [x], nothing: true",
            "5",
            "can't all hold",
        ),
        (
            "event: on_stop, role: demoted, vars: {x: 1}, nothing: true",
            "",
            "the rules declare no variable `x`",
        ),
        (
            "event: on_stop, forall: {role: demoted}, nothing: true",
            "22",
            "put the event under `forall`",
        ),
        (
            "role: replica, forall: {event: on_stop}, nothing: true",
            "21",
            "put the role under `forall`",
        ),
        (
            "raw_role: master, forall: {event: on_stop}, nothing: true",
            "25",
            "`raw_role` is about one event",
        ),
        (
            "event: on_stop, role: primary, raw_role: replica, nothing: true",
            "56",
            "Patroni's `replica` is read as `replica`, and never as `primary`",
        ),
        (
            "event: on_stop, role: replica, raw_role: master, nothing: true",
            "56",
            "for `role: replica`, write `raw_role: replica`",
        ),
        (
            "event: on_stop, role: primary, raw_role: zebra, nothing: true",
            "56",
            "Patroni passes no role `zebra`",
        ),
    ] {
        let text = format!("tests:\n  - {{name: a, {test}}}\n");
        is_refused(&text, &format!("tests.yml:5:{place}"), said);
    }
    let step = "node: a, event: on_stop, role: demoted";
    for (scenario, code, place, said) in [
        ("", "", "5", "PB302"),
        ("apis: {x: {}}, ", ", exit_code: 1", "", "no API `x`"),
        (
            "barman: {answers: \"post:x\"}, ",
            ", exit_code: 1",
            "",
            "PB307",
        ),
        ("barman: {active: {a: b}}, ", ", exit_code: 1", "", "PB307"),
    ] {
        let text = format!("scenarios:\n  - {{name: a, {scenario}steps: [{{{step}{code}}}]}}\n");
        is_refused(&text, &format!("tests.yml:5:{place}"), said);
    }
    let end = "    end:\n      active_model:\n        default/other: m\n";
    let text = format!("scenarios:\n  - name: a\n    steps: [{{{step}}}]\n{end}");
    is_refused(&text, "tests.yml:9:9", "no server `default/other`");
    run(&["test", "nowhere.yml"]).exits(2);
    run(&["test"]).exits(2);
}

/// Asserts that a test file is rejected at this place with this message, and nothing is tested.
#[track_caller]
pub(super) fn is_refused(text: &str, place: &str, said: &str) {
    test(text, &[])
        .exits(2)
        .shows("0 passed, 0 failed, 1 file that can't be used")
        .says(place)
        .says(said);
}

#[test]
fn an_empty_file_is_told_how_a_file_of_tests_begins() {
    test_with(RULES, "", &[])
        .exits(2)
        .says("begin it with `version: 1`");
}

/// The pages printed by `explain`.
#[test]
fn every_wrong_example_is_found_and_every_right_one_passes() {
    let mut seen = BTreeSet::new();
    for code in Code::ALL
        .iter()
        .filter(|code| code.as_str().starts_with("PB3"))
    {
        let explanation = code.explanation();
        assert!(explanation.about.len() > 50, "{code}");
        for (files, right) in [(&explanation.wrong, false), (&explanation.right, true)] {
            let folder = Folder::with(files);
            let ended = folder.run(["test", "tests.yml"]).case(code);
            let errors = ended.exits(if right { 0 } else { 2 }).stderr;
            let named = errors.contains(&format!("[{code}]"));
            assert_eq!(named, !right, "{code}: {errors}");
        }
        seen.insert(code);
    }
    assert_eq!(seen.len(), 9);
}

#[test]
fn the_shipped_rules_are_tested_whole() {
    let tests = stdout(
        &["test", "--coverage", "--fail-under", "100", "rules/tests"],
        0,
    );
    for file in super::shipped() {
        let name = file.file_name().unwrap().to_str().unwrap();
        has(&tests, &format!("coverage of rules/{name}:"));
    }
}
