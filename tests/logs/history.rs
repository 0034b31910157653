//! `history` on a terminal, and errors for people.

use super::{CALLBACK, node};
use crate::support::text::{has, starts};
use crate::support::wait::until;

#[test]
fn history_is_a_table_that_fits() {
    let node = node();
    node.run(["reconcile"]).exits(0);
    node.write_rules(&super::RULES.replace("deadline: 5s", "deadline: 300ms"));
    node.barman().take_down();
    node.run(CALLBACK).exits(3);
    for columns in ["80", "60"] {
        let call = node.call(["history"]).env("COLUMNS", columns);
        let table = call.run().exits(0).stdout;
        let mut lines = table.lines();
        let heads: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(
            heads,
            ["#", "WHEN", "EVENT", "RULE", "REQUEST", "OUTCOME", "TOOK"]
        );
        let first = lines.next().unwrap();
        assert!(
            first.contains("on_role_change") && first.contains("pending"),
            "{table}"
        );
        has(&table, "    demo primary on n1: ");
        let last = table.lines().last().unwrap();
        assert!(
            last.contains("reconcile") && last.contains("done"),
            "{table}"
        );
        if columns == "80" {
            let wide = |line: &&str| line.chars().count() > 80 && line.contains(' ');
            assert_eq!(table.lines().find(wide), None, "{table}");
        }
    }
    let call = node
        .call(["history", "--since", "2w"])
        .env("CLICOLOR_FORCE", "1");
    assert!(call.run().exits(0).stdout.contains("\u{1b}[1;33mpending"));
    node.run(["history", "--since", "yesterday"]).exits(0);
    node.run(["history", "--since", "soon"])
        .exits(2)
        .says("`2w` or `yesterday`");
}

#[test]
fn commands_that_change_nothing_complain_as_the_command_line_does() {
    let node = node();
    let ended = node.run(["man", "--output", "/nonexist"]).exits(2);
    starts(&ended.stderr, "error: the manual can't be written");
    ended.says("/nonexist");
    node.run(["explain", "PB999"]).exits(2).says("error: ");
    node.write_rules(&super::RULES.replace("role: primary", "role: leader"));
    for words in [
        &["plan", "on_start", "primary", "demo"][..],
        &["diff", "/dev/null", "rules.yml"],
    ] {
        let ended = node.run(words);
        let said = &ended.stderr;
        assert!(
            said.lines()
                .all(|line| line.starts_with("error: ") || line.starts_with("  help: ")),
            "{said}"
        );
        assert!(said.contains("error: ") && said.contains("PB107"), "{said}");
    }
    // a log file has times, and gets what would be on the terminal
    let log = node.folder().join("log");
    let words = ["explain", "PB999", "--log-file", log.to_str().unwrap()];
    assert_eq!(node.run(words).exits(2).stderr, "");
    let text = std::fs::read_to_string(log).unwrap();
    has(&text, " ERROR: there is no finding with the code `PB999` (");
}

/// The columns that a letter takes count, not the letters.
#[test]
fn wide_letters_keep_the_table_in_order() {
    let node = node();
    let rules = super::RULES.replace(
        "name: follow",
        "name: 主サーバーに従う主サーバーに従う主サーバーに従う",
    );
    node.write_rules(&rules);
    node.run(CALLBACK).exits(0);
    let table = node
        .call(["history"])
        .env("COLUMNS", "80")
        .run()
        .exits(0)
        .stdout;
    let (head, row) = table.split_once('\n').unwrap();
    let columns = |text: &str| -> usize {
        text.chars()
            .map(|c| if c > '\u{2fff}' { 2 } else { 1 })
            .sum()
    };
    let before = |line: &str, word: &str| columns(line.split_once(word).unwrap().0);
    assert_eq!(before(head, "OUTCOME"), before(row, "done"), "{table}");
    assert!(row.lines().all(|line| columns(line) <= 80), "{table}");
    assert!(row.contains('…'), "{table}");
}

#[test]
fn a_log_file_that_is_renamed_is_opened_again() {
    let node = node();
    let (log, old) = (node.folder().join("log"), node.folder().join("log.1"));
    let name = log.display().to_string();
    let words = [
        "reconcile",
        "--every",
        "20ms",
        "--log-level",
        "debug",
        "--log-file",
        &name,
    ];
    let mut running = node.call(words).start();
    let grows = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("DEBUG"));
    until(grows);
    std::fs::rename(&log, &old).unwrap();
    until(grows);
    running.kill();
}
