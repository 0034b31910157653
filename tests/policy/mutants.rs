//! `test --mutate`: changes of the rules that no test notices.

use std::fs;

use serde_json::Value;

use super::rule_tests::{FOLLOWED, HEAD, test, test_in};
use super::{assert_fits, stdout};

/// The minimum share of the mutants of the shipped rules that their tests must notice, in per cent.
const SHIPPED: u64 = 95;

fn mutants(text: &str) -> Value {
    let json: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"));
    assert_fits("test.schema.json", &json);
    json["mutants"].clone()
}

#[test]
fn the_tests_of_the_shipped_rules_notice_most_changes() {
    let text = stdout(&["test", "--mutate", "--format", "json", "rules/tests"], 0);
    let all = mutants(&text);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), super::shipped().len());
    let sum = |key: &str| {
        all.iter()
            .map(|each| each[key].as_u64().unwrap())
            .sum::<u64>()
    };
    let (caught, total) = (sum("caught"), sum("total"));
    let survived: Vec<&Value> = all
        .iter()
        .flat_map(|each| each["survived"].as_array().unwrap())
        .collect();
    assert!(total >= 200, "only {total} mutants");
    assert!(
        caught * 100 >= SHIPPED * total,
        "{caught} of {total}: {survived:#?}"
    );
}

/// A survivor is reported with its line, in words.
#[test]
fn changes_that_no_test_notices_are_named() {
    let (code, text, errors) = test(FOLLOWED, &["--mutate"]);
    assert_eq!(code, 0, "{text}{errors}");
    for line in [
        "mutants of rules.yml: ",
        "survived: rules.yml:3: `patroni` is not there\n",
        "survived: rules.yml:9: `follow`: also for `on_start`\n",
        "survived: rules.yml:8: `follow`: `verify` is `none` instead of `applied`\n",
        "survived: rules.yml:13: `rebuild`: dropped\n",
        "survived: rules.yml:8: `follow`: `retry.deadline` is `1h` instead of `1m`\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(!text.contains("`follow`: dropped"), "{text}");
    assert!(!text.contains("no longer for"), "{text}");
}

/// Each edit of a part that a test states is noticed by it.
#[test]
fn a_test_that_says_more_notices_more() {
    let survive = |tests: &str, what: &str| {
        let (code, text, errors) = test(tests, &["--mutate"]);
        assert_eq!(code, 0, "{text}{errors}");
        text.lines()
            .any(|line| line.contains("survived: ") && line.contains(what))
    };
    let with = |more: &str| FOLLOWED.replace("\"main:n1\"}", &format!("\"main:n1\", {more}}}"));
    for (what, more) in [
        ("`follow`: `verify` is `none`", "verify: applied"),
        ("`follow`: `fence` is", "fence: role"),
        ("`follow`: `retry.attempts`", "retry: {attempts: 3}"),
        ("`follow`: `retry.deadline`", "retry: {deadline: 1m}"),
        (
            "the address of the API",
            "url: \"http://127.0.0.1:7480/prefix\"",
        ),
    ] {
        assert!(survive(FOLLOWED, what), "{what}");
        assert!(!survive(&with(more), what), "{what}");
    }
    let nothing = format!(
        "{FOLLOWED}  - {{name: b, forall: {{except: [{{event: [on_role_change, create_replica]}}]}}, nothing: true}}\n"
    );
    assert!(survive(FOLLOWED, "also for `on_start`"));
    assert!(!survive(&nothing, "also for `on_start`"));
    let never = format!(
        "{FOLLOWED}invariants:\n  - {{name: c, for: {{event: on_role_change, role: replica}}, never: true, request: {{server: main}}}}\n"
    );
    assert!(survive(FOLLOWED, "`follow`: also for `replica`"));
    assert!(!survive(&never, "`follow`: also for `replica`"));
    let lost = format!(
        "{FOLLOWED}scenarios:\n  - name: d\n    barman: {{servers: [main], models: [\"main:n1\"]}}\n    \
         steps: [{{node: n1, event: on_role_change, role: primary, leader: n2, exit_code: 5}}]\n"
    );
    assert!(survive(FOLLOWED, "`patroni` is not there"));
    assert!(!survive(&lost, "`patroni` is not there"));
}

#[test]
fn too_few_that_are_noticed_are_a_failure() {
    let (code, text, _) = test(FOLLOWED, &["--mutate", "--fail-under", "mutants=10"]);
    assert_eq!(code, 0, "{text}");
    let (code, text, errors) = test(FOLLOWED, &["--mutate", "--fail-under", "mutants=95"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("too little of rules.yml: mutants: "),
        "{text}"
    );
    assert!(errors.contains("below `--fail-under`"), "{errors}");
    let options = ["--mutate", "--fail-under", "mutants=95", "--format", "json"];
    let (_, text, _) = test(FOLLOWED, &options);
    let all = mutants(&text);
    assert_eq!(all[0]["rules"], "rules.yml");
    assert!(all[0]["survived"].as_array().unwrap().len() > 5);
    // failing tests notice everything
    let failing = FOLLOWED.replace("main:n1", "main:n2");
    let (code, text, errors) = test(&failing, &["--mutate"]);
    assert_eq!(code, 1, "{text}");
    assert!(errors.contains("no mutants were tried"), "{errors}");
}

/// Every rule is for its own cluster, and each of its changes concerns few of the tests.
#[test]
fn many_rules_take_no_process_each() {
    let folder = tempfile::tempdir().unwrap();
    let head = "version: 1\napi: {url: \"http://127.0.0.1:7480\"}\npatroni: {url: \"http://127.0.0.1:8008\"}\nrules:\n";
    let rules = (0..40).map(|number| {
        format!(
            "  - {{name: r{number}, on: [on_role_change, on_start], role: primary, cluster: c{number}, \
             request: {{type: config_switch, server: s{number}, model_name: m}}}}\n"
        )
    });
    let rules = head.to_owned() + &rules.collect::<String>();
    let tests = (0..40).map(|number| {
        format!(
            "  - {{name: t{number}, event: on_start, role: primary, cluster: c{number}, \
             requests: [{{type: config_switch, server: s{number}, model_name: m}}]}}\n"
        )
    });
    let tests = format!("{HEAD}tests:\n{}", tests.collect::<String>());
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let (code, text, errors) = test_in(folder.path(), &tests, &["--mutate", "--format", "json"]);
    assert_eq!(code, 0, "{text}{errors}");
    assert!(mutants(&text)[0]["total"].as_u64().unwrap() > 500, "{text}");
}
