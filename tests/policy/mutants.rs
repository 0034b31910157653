//! `test --mutate`: changes of the rules that no test notices.

use serde_json::Value;

use super::rule_tests::{FOLLOWED, HEAD, test, test_with};
use super::{fitting, run};

use crate::support::ended::Ended;
use crate::support::text::{has, lacks};

/// The minimum share of the mutants of the shipped rules that their tests must notice, in per cent.
const SHIPPED: u64 = 95;

fn mutants(ended: &Ended) -> Vec<Value> {
    let json = fitting("test.schema.json", ended);
    json["mutants"].as_array().unwrap().clone()
}

#[test]
fn the_tests_of_the_shipped_rules_notice_most_changes() {
    let ended = run(&["test", "--mutate", "--format", "json", "rules/tests"]);
    let all = mutants(&ended.exits(0));
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
    let text = test(FOLLOWED, &["--mutate"]).exits(0).stdout;
    for line in [
        "mutants of rules.yml: ",
        "survived: rules.yml:3: `patroni` is not there\n",
        "survived: rules.yml:9: `follow`: also for `on_start`\n",
        "survived: rules.yml:8: `follow`: `verify` is `none` instead of `applied`\n",
        "survived: rules.yml:13: `rebuild`: dropped\n",
        "survived: rules.yml:8: `follow`: `retry.deadline` is `1h` instead of `1m`\n",
    ] {
        has(&text, line);
    }
    lacks(&text, "`follow`: dropped");
    lacks(&text, "no longer for");
}

/// Each edit of a part that a test states is noticed by it.
#[test]
fn a_test_that_says_more_notices_more() {
    let survive = |tests: &str, what: &str| {
        let text = test(tests, &["--mutate"]).exits(0).stdout;
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
    test(FOLLOWED, &["--mutate", "--fail-under", "mutants=10"]).exits(0);
    test(FOLLOWED, &["--mutate", "--fail-under", "mutants=95"])
        .exits(1)
        .shows("too little of rules.yml: mutants: ")
        .says("below `--fail-under`");
    let options = ["--mutate", "--fail-under", "mutants=95", "--format", "json"];
    let all = mutants(&test(FOLLOWED, &options));
    assert_eq!(all[0]["rules"], "rules.yml");
    assert!(all[0]["survived"].as_array().unwrap().len() > 5);
    // failing tests notice everything
    let failing = FOLLOWED.replace("main:n1", "main:n2");
    test(&failing, &["--mutate"])
        .exits(1)
        .says("no mutants were tried");
}

/// Every rule is for its own cluster, and each of its changes concerns few of the tests.
#[test]
fn many_rules_take_no_process_each() {
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
    let ended = test_with(&rules, &tests, &["--mutate", "--format", "json"]).exits(0);
    assert!(mutants(&ended)[0]["total"].as_u64().unwrap() > 500);
}
