//! `test`: statements about every event of every member.

use super::rule_tests::{is_refused, test, test_with};
use super::run;
use crate::support::ended::Ended;
use crate::support::folder::Folder;

const SAFE: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
patroni: {url: "http://127.0.0.1:8008"}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, server: "{{ cluster }}", model_name: "{{ cluster }}:{{ node }}"}
"#;

const INVARIANTS: &str = r#"version: 1
rules: rules.yml
invariants:
  - name: a member that becomes primary is followed by exactly one switch
    for: {event: on_role_change, role: primary}
    exactly: 1
    request: {type: config_switch, server: "{{ cluster }}", model_name: "{{ cluster }}:{{ node }}"}
  - name: no replica's event touches the server of the cluster
    for: {role: [replica, demoted]}
    never: true
    request: {sets: "{{ cluster }}"}
"#;

/// Tests the invariants with these rules.
///
/// Findings of `check` are silenced: invariants are for mistakes that it does not know.
fn with_rules(rules: &str, tests: &str) -> Ended {
    let allowed = "  # patroni_barman: allow(PB219, PB220, PB221) on purpose\n  - name: ";
    test_with(&rules.replace("  - name: ", allowed), tests, &[])
}

#[test]
fn rules_that_can_hurt_break_an_invariant() {
    with_rules(SAFE, INVARIANTS).exits(0);
    let reset = r#"  - name: let-go
    on: [on_role_change, on_start]
    role: replica
    request: {type: config_switch, server: "{{ cluster }}", reset: true}
"#;
    let describe = r#"  - name: describe
    on: on_stop
    role: demoted
    request: {type: config_update, changes: [{scope: server, server_name: "{{ cluster }}", description: "{{ node }}"}]}
"#;
    let billing = r#"  - name: billing
    on: on_role_change
    role: primary
    cluster: "billing-*"
    when: node == "b7"
    request: {type: config_switch, server: "{{ cluster }}", model_name: "{{ cluster }}:{{ node }}"}
"#;
    for (rules, broken, command) in [
        (
            SAFE.to_owned() + reset,
            "no replica's event",
            "plan --rules rules.yml on_start replica CLUSTER --node NODE\n",
        ),
        (
            SAFE.to_owned() + describe,
            "no replica's event",
            "plan --rules rules.yml on_stop demoted CLUSTER --node NODE\n",
        ),
        (
            SAFE.to_owned() + billing,
            "a member that becomes primary",
            "plan --rules rules.yml on_role_change primary billing-1 --node b7\n",
        ),
        (
            SAFE.replace("    role: primary\n", "    role: [primary, replica]\n"),
            "no replica's event",
            "plan --rules rules.yml on_start replica CLUSTER --node NODE\n",
        ),
        (
            SAFE.replace("[on_role_change, on_start]", "on_start"),
            "a member that becomes primary",
            "plan --rules rules.yml on_role_change primary CLUSTER --node NODE\n",
        ),
        (
            SAFE.replace("{{ node }}", "n1"),
            "a member that becomes primary",
            "plan --rules rules.yml on_role_change primary CLUSTER --node NODE\n",
        ),
    ] {
        with_rules(&rules, INVARIANTS)
            .case(&rules)
            .exits(1)
            .shows("1 passed, 1 failed")
            .shows(format!("FAIL  {broken}"))
            .shows(command);
    }
}

/// The command in a failure can be pasted, and shows the same.
#[test]
fn the_command_of_a_failure_shows_the_event() {
    let rules = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
vars: {way: ssh}
rules:
  - name: rebuild
    on: create_replica
    request: {type: recovery, server: main, backup_id: latest, remote_ssh_command: "{{ way }} a", destination_directory: "{{ datadir }}"}
"#;
    let folder = Folder::new();
    let path = folder.write("rules.yml", rules);
    let tests = format!(
        "version: 1\nrules: {path}\ninvariants:\n  - {{name: a, vars: {{way: ssh -4}}, datadir: \"/d 1\", for: {{event: create_replica}}, \
         never: true, request: {{type: recovery}}}}\n"
    );
    folder.write("tests.yml", tests);
    let said = folder.run(["test", "tests.yml"]).both();
    let see = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("see: patroni_barman "));
    let see = see.unwrap_or_else(|| panic!("{said}"));
    let words = see
        .split(" --")
        .flat_map(|word| match word.split_once(' ') {
            // values with a blank are quoted
            Some((option, value)) if !word.starts_with("plan") => {
                vec![format!("--{option}"), value.trim_matches('\'').to_owned()]
            }
            _ if word.starts_with("plan") => vec!["plan".to_owned()],
            _ => vec![format!("--{word}")],
        });
    let mut words: Vec<String> = words.map(|word| word.replace('\'', "")).collect();
    // `--datadir='/d 1'` also has a blank
    if let Some(at) = words.iter().position(|word| word == "--datadir=/d") {
        words[at] = "--datadir=/d 1".to_owned();
        words.remove(at + 1);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(&words)
        .case(format!("{words:?}"))
        .exits(0)
        .shows("\"remote_ssh_command\":\"ssh -4 a\"")
        .shows("\"destination_directory\":\"/d 1\"");
}

#[test]
fn numbers_are_what_they_say() {
    for (number, code) in [
        ("exactly: 1", 0),
        ("exactly: 2", 1),
        ("at_least: 1", 0),
        ("at_least: 2", 1),
        ("at_most: 1", 0),
        ("at_least: 1, at_most: 2", 0),
        ("never: true", 1),
        ("exactly: 1, never: true", 2),
        ("at_least: 2, at_most: 1", 2),
        ("exactly: 0", 2),
    ] {
        let tests = format!(
            "invariants:\n  - {{name: a, for: {{event: on_role_change, role: primary}}, {number}, request: {{server: main, verify: applied}}}}\n"
        );
        test(&tests, &[]).case(number).exits(code);
    }
}

/// Rules that can't be evaluated send nothing, whatever an invariant allows.
#[test]
fn an_event_that_can_not_be_evaluated_breaks_every_invariant() {
    let tests = "invariants:\n  - {name: a, env: {SITE: rome}, for: {role: replica}, never: true, request: {server: main}}\n";
    // `create_replica` is a recovery of that server
    test(tests, &[]).exits(1);
    let tests = tests.replace("role: replica", "event: on_role_change");
    test(&tests, &[]).exits(0);
    let rules = SAFE.replace(
        "    role: primary\n",
        "    role: primary\n    when: env.SITE == \"paris\"\n",
    );
    with_rules(&rules, INVARIANTS)
        .exits(1)
        .shows("the environment variable `SITE` is not set");
}

#[test]
fn an_invariant_that_says_nothing_is_an_error() {
    for (invariant, said) in [
        ("for: {role: replica}, request: {server: main}", "PB302"),
        ("never: true", "needs the key `request`"),
        ("never: true, request: {}", "tests.yml:5:"),
        (
            "never: true, request: {sever: main}",
            "did you mean `server`?",
        ),
        ("never: true, request: {server: \"{{ servr }}\"}", "PB309"),
        (
            "for: {event: on_start, role: demoted}, never: true, request: {server: main}",
            "PB304",
        ),
        (
            "for: {event: [on_stop, on_start], role: demoted}, never: true, request: {server: main}",
            "PB308",
        ),
        (
            "for: {cluster: \"x-*\"}, never: true, request: {server: main}",
            "PB308",
        ),
        (
            "vars: {x: 1}, never: true, request: {server: main}",
            "the rules declare no variable `x`",
        ),
    ] {
        let tests = format!("invariants:\n  - {{name: a, {invariant}}}\n");
        is_refused(&tests, "tests.yml:5:", said);
    }
}
