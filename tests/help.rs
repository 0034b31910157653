//! Help pages, as an operator sees them in a terminal of 80 columns: `tests/help/COMMAND.txt`.
//!
//! `UPDATE_CASES=1 cargo test help` writes them anew; read the difference before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::program::program;

/// What the program prints for these arguments in a terminal of this width.
fn page(arguments: &[&str], columns: &str) -> String {
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
fn commands() -> Vec<String> {
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

/// The lines of a page that stand before its usage and are indented: its examples.
fn examples(page: &str) -> Vec<&str> {
    page.lines()
        .take_while(|line| !line.starts_with("Usage:"))
        .filter(|line| line.starts_with("    "))
        .collect()
}

#[test]
fn help_pages_are_as_they_were_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut expected = BTreeSet::new();
    let mut different = Vec::new();
    let names = commands();
    for name in ["patroni_barman".to_owned()].iter().chain(&names) {
        let mut text = String::new();
        for option in ["-h", "--help"] {
            let command = if name == "patroni_barman" { "" } else { name };
            let arguments: Vec<&str> = [command, option]
                .into_iter()
                .filter(|word| !word.is_empty())
                .collect();
            let page = page(&arguments, "80");
            text.extend(["$ patroni_barman ", &arguments.join(" "), "\n", &page, "\n"]);
        }
        let text: String = text
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect();
        let file = format!("{name}.txt");
        let path = folder.join(&file);
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            different.push(format!("tests/help/{file} should be\n{text}"));
        }
        expected.insert(file);
    }
    let there: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let stale: Vec<_> = there.difference(&expected).collect();
    assert!(
        stale.is_empty(),
        "no command has these pages in tests/help: {stale:?}"
    );
    assert!(
        different.is_empty(),
        "`UPDATE_CASES=1 cargo test help` writes the pages anew\n{}",
        different.join("\n")
    );
}

#[test]
fn every_page_has_an_example_and_its_exit_codes() {
    for name in commands() {
        let (short, long) = (page(&[&name, "-h"], "80"), page(&[&name, "--help"], "80"));
        // The Python tool has one page for both options, and so have its commands here.
        let of_python = ["config-switch", "recover"].contains(&name.as_str());
        if of_python {
            assert_eq!(short, long);
        } else {
            assert!(short.contains("\nExample:\n    "), "{short}");
            assert!(short.lines().count() <= 50, "this is not short: {short}");
        }
        assert!(!examples(&long).is_empty(), "{long}");
        assert!(long.contains("\nExit codes:\n  0    "), "{long}");
        assert_eq!(page(&["help", &name], "80"), long);
    }
}

#[test]
fn pages_fit_terminals() {
    for name in commands() {
        for option in ["-h", "--help"] {
            let (narrow, wide) = (page(&[&name, option], "80"), page(&[&name, option], "120"));
            for (page, columns) in [(&narrow, 80), (&wide, 120)] {
                for line in page.lines() {
                    // clap does not wrap the line of the usage
                    let fits = line.chars().count() <= columns || line.starts_with("Usage:");
                    assert!(fits, "{name} {option}: over {columns} columns: {line}");
                    for artefact in ["# Errors", "[`", "`]", "::", "```"] {
                        assert!(!line.contains(artefact), "{name} {option}: {line}");
                    }
                }
            }
            assert_eq!(
                examples(&narrow),
                examples(&wide),
                "{name} {option}: an example is too wide for 80 columns"
            );
        }
    }
}

#[test]
fn without_a_command_the_first_page_is_an_error() {
    let output = program().env("COLUMNS", "80").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Called by Patroni:\n  run "), "{said}");
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    page(&["man", "--output", folder.path().to_str().unwrap()], "80");
    for name in commands() {
        let manual = fs::read_to_string(folder.path().join(format!("patroni_barman-{name}.1")));
        let manual = manual.unwrap();
        assert!(
            manual.starts_with(".ie") || manual.contains(".TH"),
            "{manual}"
        );
        assert!(manual.contains("Exit codes:"), "{manual}");
    }
}
