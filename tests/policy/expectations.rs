//! `test`: properties of an expected request other than its body.

use super::rule_tests::{is_refused, test};

use crate::support::text::has;

/// A test of one promotion and of one start of a replica, with these expected requests.
fn expecting(follow: &str, rebuild: &str) -> String {
    format!(
        "tests:\n  - name: followed\n    event: on_role_change\n    role: primary\n    requests:\n      - {{{follow}}}\n  \
         - name: rebuilt\n    event: create_replica\n    requests:\n      - {{{rebuild}}}\n"
    )
}

const FOLLOW: &str = r#"type: config_switch, server: main, model_name: "main:{{ node }}""#;
const REBUILD: &str = r#"type: recovery, server: "{{ cluster }}", backup_id: latest, remote_ssh_command: ssh a, destination_directory: "{{ datadir }}""#;

/// The rules have `retry` with three attempts in a minute, a prefix in the API's address, and defaults.
#[test]
fn a_request_is_compared_with_everything_that_is_said_of_it() {
    test(&expecting(FOLLOW, REBUILD), &[]).exits(0);
    for (right, wrong) in [
        ("verify: applied", "verify: streaming"),
        ("verify: applied", "verify: none"),
        ("fence: role", "fence: none"),
        ("on_failure: stop", "on_failure: continue"),
        ("allow_older_timeline: false", "allow_older_timeline: true"),
        ("retry: {attempts: 3}", "retry: {attempts: 4}"),
        ("retry: {attempts: 3}", "retry: {attempts: null}"),
        (
            "retry: {wait: 1000ms, max_wait: 4s}",
            "retry: {wait: 1s, max_wait: 5s}",
        ),
        ("retry: {deadline: 60s}", "retry: {deadline: 1h}"),
        ("poll: {every: 5s}", "poll: {every: 6s}"),
        (
            r#"url: "http://127.0.0.1:7480/prefix""#,
            r#"url: "http://127.0.0.1:7480""#,
        ),
        (
            r#"url: "http://127.0.0.1:7480/prefix/""#,
            r#"url: "http://127.0.0.1:7481/prefix""#,
        ),
    ] {
        for follow in [true, false] {
            let with = |said: &str| {
                if follow {
                    expecting(&format!("{FOLLOW}, {said}"), REBUILD)
                } else {
                    expecting(FOLLOW, &format!("{REBUILD}, {said}"))
                }
            };
            test(&with(right), &[]).case(right).exits(0);
            test(&with(wrong), &[]).case(wrong).exits(1);
        }
    }
    for (follow, rebuild, code) in [
        ("poll: {timeout: 10m}", "poll: {timeout: null}", 0),
        ("poll: {timeout: 11m}", "poll: {timeout: null}", 1),
        ("poll: {timeout: 10m}", "poll: {timeout: 10m}", 1),
    ] {
        let (follow, rebuild) = (
            format!("{FOLLOW}, {follow}"),
            format!("{REBUILD}, {rebuild}"),
        );
        test(&expecting(&follow, &rebuild), &[])
            .case(follow)
            .exits(code);
    }
}

/// Only the options that the test states are shown, so that the difference is visible.
#[test]
fn a_difference_is_shown_with_the_command_that_shows_more() {
    let tests = expecting(&format!("{FOLLOW}, verify: streaming"), REBUILD);
    let text = test(&tests, &[]).stdout;
    for line in [
        r#"wanted - {"type":"config_switch","server":"main","model_name":"main:n1","verify":"streaming"}"#,
        r#"got    + {"type":"config_switch","server":"main","model_name":"main:n1","verify":"applied"}"#,
        "see: SITE=paris patroni_barman plan --rules rules.yml on_role_change primary main --node n1\n",
    ] {
        has(&text, line);
    }
}

#[test]
fn expected_requests_are_templates_of_the_facts() {
    let tests = "tests:\n  - name: every node is followed\n    forall: {event: on_role_change, role: primary, node: [n1, n2, \"n 3\"]}\n    \
                 requests:\n      - {type: config_switch, server: main, model_name: \"main:{{ node }}\"}\n";
    test(tests, &[]).exits(0).shows("(3 events)");
    let upper = tests.replace("main:{{ node }}", "main:{{ node | upper }}");
    test(&upper, &[]).exits(1);
    for (template, said) in [
        ("{{ server }}", "there is no variable `server`"),
        ("{{ nodee }}", "there is no variable `nodee`"),
        (
            "{{ env.NOPE }}",
            "the environment variable `NOPE` is not set",
        ),
        ("{{ node", "PB309"),
    ] {
        let tests = tests.replace("{{ node }}", template);
        is_refused(&tests, "tests.yml:8:57", "PB309");
        is_refused(&tests, "tests.yml:8:57", said);
    }
}

#[test]
fn words_that_select_nothing_are_errors() {
    for (forall, place, said) in [
        (
            "{event: on_start, role: [primary, demoted]}",
            "tests.yml:6:47",
            "`demoted` adds nothing",
        ),
        (
            "{event: [on_start, create_replica], role: primary}",
            "tests.yml:6:32",
            "`create_replica` adds nothing",
        ),
        (
            "{event: on_stop, except: [{cluster: nowhere}]}",
            "tests.yml:6:",
            "this excludes nothing",
        ),
        (
            "{event: on_stop, except: [{event: [on_stop, on_start], role: primary}]}",
            "tests.yml:6:",
            "`on_start` adds nothing",
        ),
        (
            "{event: on_stop, except: [{role: [uninitialized]}]}",
            "tests.yml:6:",
            "this excludes nothing",
        ),
    ] {
        let tests = format!("tests:\n  - name: a\n    forall: {forall}\n    nothing: true\n");
        is_refused(&tests, place, said);
        is_refused(&tests, place, "PB308");
    }
    let all = "tests:\n  - name: a\n    forall: {event: on_stop, except: [{event: on_stop}]}\n    nothing: true\n";
    is_refused(all, "tests.yml:6:", "PB304");
}
