//! Help pages. The target `cases` compares each with its record.

use std::collections::BTreeSet;
use std::fs;

use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::help::{commands, page};
use crate::support::program::{program, root};
use crate::support::text::has;

/// The indented lines of a page before its usage: its examples.
fn examples(page: &str) -> Vec<&str> {
    page.lines()
        .take_while(|line| !line.starts_with("Usage:"))
        .filter(|line| line.starts_with("    "))
        .collect()
}

#[test]
fn every_recorded_page_is_of_a_command() {
    let expected: BTreeSet<String> = commands()
        .into_iter()
        .chain(["patroni_barman".to_owned()])
        .map(|name| format!("{name}.txt"))
        .collect();
    let recorded: BTreeSet<String> = fs::read_dir(root().join("tests/help"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(recorded, expected);
}

#[test]
fn every_page_has_an_example_and_its_exit_codes() {
    for name in commands() {
        let (short, long) = (page(&[&name, "-h"], "80"), page(&[&name, "--help"], "80"));
        has(&short, "\nExample:\n    ");
        assert!(short.lines().count() <= 50, "this is not short: {short}");
        assert!(!examples(&long).is_empty(), "{long}");
        has(&long, "\nExit codes:\n  0    ");
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
                    // a place in git's index has this form
                    let line = line.replace("git::", "git:");
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
    let ended = Ended::of(program().env("COLUMNS", "80")).exits(2);
    let ended = ended.says("Called by Patroni:\n  run ");
    assert_eq!(ended.stdout, "");
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = Folder::new();
    page(&["man", "--output", &folder.named("")], "80");
    let read = |name: &str| folder.read(&format!("{name}.1"));
    for name in commands() {
        let manual = read(&format!("patroni_barman-{name}"));
        let sections = manual.lines().filter_map(|line| line.strip_prefix(".SH "));
        let sections: Vec<&str> = sections.map(|name| name.trim_matches('"')).collect();
        let always = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXIT STATUS",
            "ENVIRONMENT",
        ];
        assert!(sections.starts_with(&always), "{name}: {sections:?}");
        assert_eq!(sections.last(), Some(&"SEE ALSO"), "{name}");
        has(&manual, "patroni_barman(1), ");
    }
    let status = read("patroni_barman-status");
    for words in [
        "\\fB\\-\\-timeout\\fR \\fIDURATION\\fR",
        "\\fBPATRONI_BARMAN_STATE\\fR",
        "\\fI/etc/patroni_barman/rules.yml\\fR",
    ] {
        has(&status, words);
    }
    let program = read("patroni_barman");
    for name in commands() {
        let name = name.replace('-', "\\-");
        let entry = format!("\\fBpatroni_barman\\-{name}\\fR(1)");
        has(&program, &entry);
    }
    let printed = page(&["man"], "80");
    assert_eq!(printed, program);
}
