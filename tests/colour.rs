//! Colours: one switch and the same variables for every command.

use std::fs;

use crate::support::follow::{demo, follow};
use crate::support::node::Node;

const RULES: &str = follow!("retry: {wait: 10ms, max_wait: 20ms, deadline: 300ms}");

const TEST: &str = "version: 1
rules: rules.yml
tests:
  - name: the primary is followed
    event: on_role_change
    role: primary
    cluster: demo
    node: n1
    expect: {requests: []}
";

/// Commands that print something for people.
const SHOWING: [&[&str]; 9] = [
    &["status"],
    &["reconcile", "--dry-run"],
    &["history"],
    &["check", "wrong.yml"],
    &["plan", "on_role_change", "primary", "demo", "--node", "n1"],
    &["matrix", "rules.yml"],
    &["diff", "/dev/null", "rules.yml"],
    &["test", "rules_test.yml"],
    &["explain"],
];

fn node() -> Node {
    let config = demo("n2");
    let node = Node::new(RULES).with_patroni("n1").with_barman(config);
    let wrong = RULES.replace("role: primary", "role: leader");
    fs::write(node.folder().join("wrong.yml"), wrong).unwrap();
    fs::write(node.folder().join("rules_test.yml"), TEST).unwrap();
    node.promoted().exits(0);
    node
}

#[test]
fn every_command_has_colours_on_request_and_the_same_words_without() {
    let node = node();
    for words in SHOWING {
        let call = |option: &str| {
            let all = words.iter().copied().chain([option]);
            without_numbers(&node.call(all).run().stdout)
        };
        let plain = call("--color=never");
        let coloured = call("--color=always");
        assert!(!plain.contains('\u{1b}'), "{words:?}: {plain}");
        assert!(coloured.contains("\u{1b}["), "{words:?}: {coloured}");
        assert_eq!(stripped(&coloured), plain, "{words:?}");
    }
}

/// Ages differ from one run to the next; a colour is a number too, and stays.
fn without_numbers(text: &str) -> String {
    let mut in_escape = false;
    let kept = text.chars().filter(|c| {
        in_escape = match c {
            '\u{1b}' => true,
            'm' => false,
            _ => in_escape,
        };
        in_escape || !c.is_ascii_digit()
    });
    kept.collect()
}

/// A text without escape sequences for colours.
fn stripped(text: &str) -> String {
    let parts = text.split("\u{1b}[");
    let rest = |(number, part): (usize, &str)| match part.split_once('m') {
        Some((_, rest)) if number > 0 => rest.to_owned(),
        _ => part.to_owned(),
    };
    parts.enumerate().map(rest).collect()
}

#[test]
fn the_option_comes_before_the_variables() {
    let node = node();
    for (option, variables, coloured) in [
        ("", &[][..], false),
        ("", &["CLICOLOR_FORCE=1"], true),
        ("", &["CLICOLOR_FORCE=0"], false),
        ("", &["CLICOLOR_FORCE=1", "NO_COLOR=1"], false),
        ("--color=auto", &["CLICOLOR_FORCE=1"], true),
        ("--color=never", &["CLICOLOR_FORCE=1"], false),
        ("--color=always", &["NO_COLOR=1"], true),
    ] {
        let all = ["history"].into_iter().chain([option]);
        let mut call = node.call(all.filter(|word| !word.is_empty()));
        for variable in variables {
            let (name, value) = variable.split_once('=').unwrap();
            call = call.env(name, value);
        }
        let shown = call.run().exits(0).stdout;
        assert_eq!(shown.contains('\u{1b}'), coloured, "{option} {variables:?}");
    }
}

#[test]
fn errors_and_help_obey_too() {
    let node = node();
    for (words, code) in [
        (&["explain", "PB999"][..], 2),
        (&["explain", "--nonsense"], 2),
        (&["--help"], 0),
    ] {
        for (option, coloured) in [("--color=always", true), ("--color=never", false)] {
            let all = words.iter().copied().chain([option]);
            let said = node.run(all).exits(code).both();
            assert_eq!(
                said.contains('\u{1b}'),
                coloured,
                "{words:?} {option}: {said}"
            );
        }
    }
}
