//! The scenarios for comparing this program with the Python tool are complete, and `docs/migration.md` gives a
//! reason for every difference. The target `cases` runs them with this program, the target `python` with both.

use std::collections::BTreeSet;

use crate::support::parity::{Places, Scenarios};

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

/// The anchor of a heading on the web: lower case, one dash for each space, no punctuation.
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

/// Every feature that a drop-in replacement needs appears in some scenario.
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
