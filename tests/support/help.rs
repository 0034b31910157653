//! Help pages.

use super::program::program;

/// The help page for these arguments in a terminal of this width.
pub fn page(arguments: &[&str], columns: &str) -> String {
    let output = program()
        .args(arguments)
        .env("COLUMNS", columns)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
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
