//! `test`: the parts of failovers: callbacks that overlap and are killed, a Patroni that is unreachable or has no leader,
//! and the pass that corrects the result.

use super::rule_tests::{is_refused, test_with};
use crate::support::ended::Ended;

const RULES: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
patroni: {url: "http://127.0.0.1:8008"}
defaults:
  retry: {deadline: 1m}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, server: main, model_name: "main:{{ node }}"}
"#;

/// Executes a scenario with these steps, at the end of which this node's model is wanted. In a step, `n1 promoted` is the
/// callback of a new primary.
fn play(rules: &str, barman: &str, steps: &[&str], end: &str) -> Ended {
    let callback = |node: &str| format!("node: {node}, event: on_role_change, role: primary");
    let step = |step: &&str| {
        let step = step.replace("n1 promoted", &callback("n1"));
        let step = step.replace("n2 promoted", &callback("n2"));
        format!("      - {{{step}}}\n")
    };
    let steps: String = steps.iter().map(step).collect();
    let tests = format!(
        "version: 1\nrules: rules.yml\ngiven: {{cluster: main}}\nscenarios:\n  - name: a\n    \
         barman: {{servers: [main], models: [\"main:n1\", \"main:n2\"], active: {{main: \"main:n1\"}}{barman}}}\n    \
         steps:\n{steps}    end: {{active_model: {{main: \"main:{end}\"}}}}\n"
    );
    test_with(rules, &tests, &[])
}

#[track_caller]
fn passes(rules: &str, barman: &str, steps: &[&str], end: &str) {
    play(rules, barman, steps, end).exits(0);
}

/// The answer to the first primary's request is lost; at the retry, another node leads. The fence stops it, and
/// without one Barman ends up with the previous leader.
#[test]
fn a_late_retry_of_an_old_primary_meets_the_new_one() {
    let late = |code: u8| {
        format!(
            "together: [{{n1 promoted, exit_code: {code}}}, {{n2 promoted, after: 2s, exit_code: 0, posts: 1}}]"
        )
    };
    let barman = ", answers: \"post:hang*1\"";
    passes(RULES, barman, &[&late(5)], "n2");
    let unfenced = RULES.replace("defaults:\n", "defaults:\n  fence: none\n");
    passes(&unfenced, barman, &[&late(0)], "n1");
    // if the first one ends before the second begins, both are fine
    let one_by_one = ["n1 promoted, exit_code: 0", "n2 promoted, exit_code: 0"];
    passes(&unfenced, barman, &one_by_one, "n2");
}

#[test]
fn a_callback_may_be_killed_at_any_point() {
    let before = "n2 promoted, kill: before_post, posts: 0";
    let after = "n2 promoted, kill: after_post, posts: 1";
    passes(RULES, "", &[before], "n1");
    passes(RULES, "", &[after], "n2");
    let waiting = "n2 promoted, kill: 30s, posts: 8";
    passes(RULES, ", answers: \"any:refuse\"", &[waiting], "n1");
    // a pass corrects what the callback left
    let pass = |posts: u8| format!("reconcile: n2, exit_code: 0, posts: {posts}");
    passes(RULES, "", &[before, &pass(1)], "n2");
    passes(RULES, "", &[after, &pass(0)], "n2");
    let too_late = "n2 promoted, kill: 1h, posts: 1";
    let ended = play(RULES, "", &[too_late], "n2");
    ended.exits(1).shows("wanted - killed");
}

/// Nothing is concluded about roles while there is no leader.
#[test]
fn without_a_leader_nothing_is_sent() {
    let steps = [
        "n2 promoted, leader: none, exit_code: 3, posts: 0",
        "reconcile: n2, exit_code: 3, posts: 0, message: no member holds the leader key",
        "reconcile: n1, leader: n2, exit_code: 0, posts: 1",
    ];
    passes(RULES, "", &steps, "n2");
}

/// A fresh request is sent, and a retry waits.
#[test]
fn a_silent_patroni_holds_up_a_retry() {
    let fresh = "n2 promoted, patroni: silent, exit_code: 0, posts: 1";
    passes(RULES, "", &[fresh], "n2");
    let retried = "n2 promoted, patroni: silent, exit_code: 3, posts: 1";
    passes(RULES, ", answers: \"post:500*1\"", &[retried], "n1");
    let pass = "reconcile: n2, patroni: silent, exit_code: 3, posts: 0";
    passes(RULES, "", &[pass], "n1");
}

#[test]
fn a_pass_ends_as_reconcile_would() {
    let elsewhere = "\n    when: node == \"n2\"";
    let unknown = "\n    when: node == \"n2\" or env.X == \"x\"";
    for (condition, step, end) in [
        ("", "n2, exit_code: 0, posts: 0", "n2"),
        ("", "n1, exit_code: 0, posts: 0", "n2"),
        // the leader key was taken without a callback: another member's server is corrected after a second look
        ("", "n2, leader: n1, exit_code: 0, posts: 1", "n1"),
        (
            "",
            "n1, leader: n1, after: 5s, exit_code: 0, posts: 1",
            "n1",
        ),
        (
            "",
            "n1, leader: n1, answers: \"post:404\", exit_code: 2",
            "n2",
        ),
        (
            "",
            "n1, leader: n1, answers: \"any:refuse\", exit_code: 3",
            "n2",
        ),
        (elsewhere, "n1, leader: n1, exit_code: 1", "n2"),
        (unknown, "n1, leader: n1, exit_code: 4", "n2"),
    ] {
        let rules = RULES.replace("role: primary", &format!("role: primary{condition}"));
        let pass = format!("reconcile: {step}");
        passes(&rules, "", &["n2 promoted, exit_code: 0", &pass], end);
    }
}

/// Each step may change the faults.
#[test]
fn answers_hold_until_they_are_changed() {
    let steps = [
        "n2 promoted, answers: \"post:500\", exit_code: 3",
        "node: n2, event: on_start, role: primary, exit_code: 3",
        "node: n2, event: on_start, role: primary, answers: \"post:ok\", exit_code: 0, posts: 1",
    ];
    passes(RULES, "", &steps, "n2");
}

#[test]
fn a_step_that_can_not_be_is_an_error() {
    let step = |step: &str| {
        format!(
            "scenarios:\n  - name: a\n    barman: {{servers: [main]}}\n    steps:\n      - {{{step}}}\n    end: {{active_model: {{main: null}}}}\n"
        )
    };
    let callback = "node: n1, event: on_start, role: primary";
    for (text, said) in [
        (
            format!("{callback}, kill: after_post, exit_code: 0"),
            "a process that is killed has no `exit_code`",
        ),
        (
            format!("{callback}, kill: now"),
            "`kill` is `before_post`, `after_post` or a duration",
        ),
        (format!("{callback}, answers: \"post:x\""), "PB307"),
        (
            format!("{callback}, patroni: down"),
            "`patroni` can only be `silent`",
        ),
        ("node: n1, event: on_start".to_owned(), "`role`"),
        (
            "reconcile: n1, event: on_start".to_owned(),
            "has no key `event`",
        ),
        (
            "together: [{node: n1, event: on_start, role: primary}]".to_owned(),
            "together",
        ),
        (
            "together: [{node: n1, event: on_start, role: demoted}, {reconcile: n1}]".to_owned(),
            "PB304",
        ),
        (format!("{callback}, together: []"), "has no key `node`"),
    ] {
        is_refused(&step(&text), "tests.yml:", said);
    }
}
