//! This program beside the Python tool that it replaces: the same command lines against the same scripted
//! API have to lead to the same requests and the same exit code, but for the differences that
//! `docs/migration.md` gives a reason for.

mod api;
mod environment;
mod program;
mod scenario;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use program::{Outcome, Program};
use scenario::{Places, Scenario, Scenarios};

/// The programs mostly wait; more of them at once only take turns.
const AT_ONCE: usize = 4;

#[test]
fn both_programs_do_what_the_scenarios_say() {
    let all = Scenarios::read();
    let python = Program::python();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(scenario) = all.list.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = compare(&all, scenario, &python);
                    failures.lock().unwrap().extend(found);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} differences that no scenario says:\n\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Runs one scenario with both programs and says what is not as it should be.
fn compare(all: &Scenarios, scenario: &Scenario, python: &Program) -> Vec<String> {
    let (exit, sent) = scenario
        .differs
        .as_ref()
        .map_or((scenario.exit, &scenario.sent), |python| {
            (python.exit, &python.sent)
        });
    let theirs = python.run(all, scenario);
    let ours = Program::Native.run(all, scenario);
    let mut failures = Vec::new();
    for (program, outcome, exit, sent) in [
        ("the Python tool", &theirs, exit, sent),
        ("this program", &ours, scenario.exit, &scenario.sent),
    ] {
        let as_said = outcome.exit == Some(exit) && all.fits(sent, &outcome.sent);
        if !as_said || !outcome.faults.is_empty() {
            failures.push(describe(scenario, program, outcome, exit, sent));
        }
    }
    if failures.is_empty() && scenario.differs.is_some() && same(&theirs, &ours) {
        failures.push(format!("{}: the programs do not differ", scenario.name));
    }
    failures
}

fn same(theirs: &Outcome, ours: &Outcome) -> bool {
    theirs.exit == ours.exit && theirs.sent == ours.sent
}

fn describe(
    scenario: &Scenario,
    program: &str,
    outcome: &Outcome,
    exit: i32,
    sent: &[String],
) -> String {
    let requests: Vec<String> = outcome.sent.iter().map(ToString::to_string).collect();
    format!(
        "{}: {program}\n  expected exit {exit}, sent {sent:?}\n  found exit {:?}, sent {requests:#?}\n  {:?}\n{}",
        scenario.name, outcome.exit, outcome.faults, outcome.stderr
    )
}

#[test]
fn every_difference_has_its_reason_and_every_reason_its_scenario() {
    let said: BTreeSet<String> = Scenarios::read()
        .list
        .into_iter()
        .filter_map(|scenario| scenario.differs)
        .map(|difference| difference.id)
        .collect();
    let documented: BTreeSet<String> = include_str!("../../docs/migration.md")
        .lines()
        .skip_while(|line| *line != "## Differences")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("### "))
        .map(anchor)
        .collect();
    assert_eq!(said, documented);
}

/// The anchor that a heading has on the web: lower case, one dash for each space, no punctuation.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then_some(c),
        })
        .collect()
}

#[test]
fn a_difference_between_the_programs_is_said_by_the_scenario() {
    for scenario in Scenarios::read().list {
        if let Some(python) = &scenario.differs {
            assert!(
                python.exit != scenario.exit || python.sent != scenario.sent,
                "{}: both programs are expected to do the same",
                scenario.name
            );
        }
    }
}

/// What a drop-in replacement has to know appears somewhere in the scenarios.
#[test]
fn every_option_and_choice_of_the_python_tool_is_exercised() {
    let all = Scenarios::read();
    let nowhere = Places {
        url: "http://localhost",
        dir: "/dir",
        certificates: "/certificates",
    };
    let words: BTreeSet<String> = all
        .list
        .iter()
        .flat_map(|scenario| all.command_line(scenario, &nowhere))
        .map(|word| word.split('=').next().unwrap_or_default().to_owned())
        .collect();
    for word in [
        "--api-url",
        "--cert-file",
        "--key-file",
        "--retry-wait",
        "--max-retries",
        "--log-file",
        "--help",
        "-h",
        "recover",
        "--barman-server",
        "--backup-id",
        "--ssh-command",
        "--data-directory",
        "--datadir",
        "--loop-wait",
        "config-switch",
        "--barman-model",
        "--reset",
        "--switch-when",
        "promoted",
        "demoted",
        "always",
        "on_role_change",
        "primary",
        "standby_leader",
        "replica",
    ] {
        assert!(words.contains(word), "no scenario has `{word}`");
    }
}
