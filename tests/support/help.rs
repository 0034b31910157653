//! Help pages.

use super::ended::Ended;
use super::program::program;

/// The help page for these arguments in a terminal of this width.
pub fn page(arguments: &[&str], columns: &str) -> String {
    let ended = Ended::of(program().args(arguments).env("COLUMNS", columns));
    let ended = ended.case(arguments.join(" ")).exits(0);
    assert_eq!(ended.stderr, "", "{arguments:?}");
    ended.stdout
}

/// The commands that the first page lists.
pub fn commands() -> Vec<String> {
    let first = page(&["--help"], "80");
    let (list, _) = first.split_once("\nOptions:").unwrap();
    let (_, list) = list.split_once("\nCalled by Patroni:").unwrap();
    let commands: Vec<String> = list
        .lines()
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect();
    assert!(commands.len() > 5, "{first}");
    commands
}
