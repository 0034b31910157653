//! `history` on a terminal, and errors for people.

use super::{CALLBACK, node};

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
        assert!(table.contains("    demo primary on n1: "), "{table}");
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
    assert!(
        ended
            .stderr
            .starts_with("error: the manual can't be written"),
        "{}",
        ended.stderr
    );
    ended.says("/nonexist");
    node.run(["explain", "PB999"]).exits(2).says("error: ");
}
