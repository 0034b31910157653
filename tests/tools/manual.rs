//! Manual pages and completion scripts, as the programs that read them see them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::ended::Ended;
use crate::support::help::{commands, page};
use crate::support::prerequisite::find;

/// Runs a program and returns everything that it says.
fn said(command: &mut Command) -> String {
    Ended::of(command).both()
}

/// Asserts that a shell has offered a word.
#[track_caller]
fn offers(shell: &mut Command, typed: &str, word: &str) {
    let shown = said(shell);
    let offered = shown.split_whitespace().any(|shown| shown == word);
    assert!(offered, "{typed}: {shown}");
}

fn pages(folder: &Path) -> Vec<std::path::PathBuf> {
    page(&["man", "--output", folder.to_str().unwrap()], "80");
    let entries = fs::read_dir(folder).unwrap();
    let pages: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(pages.len(), commands().len() + 1);
    pages
}

#[test]
fn manual_pages_are_free_of_complaints() {
    let folder = tempfile::tempdir().unwrap();
    for page in pages(folder.path()) {
        let lint = said(
            Command::new(find(&["mandoc"], "mandoc"))
                .args(["-T", "lint"])
                .arg(&page),
        );
        // The same commit makes the same page on each day.
        let complaints = lint.lines().filter(|line| !line.contains("missing date"));
        let complaints: Vec<_> = complaints.collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
        let mut man = Command::new(find(&["man"], "man-db groff"));
        man.args(["--warnings", "--encoding=UTF-8", "--local-file"])
            .args(["-Tutf8", "--ditroff"])
            .arg(&page)
            .env("LC_ALL", "C.UTF-8")
            .env("MANWIDTH", "80");
        assert_eq!(Ended::of(&mut man).exits(0).stderr, "");
    }
}

/// The script for a shell, in a file.
fn script(folder: &Path, shell: &str) -> std::path::PathBuf {
    let file = folder.join(format!("patroni_barman.{shell}"));
    fs::write(&file, page(&["completions", shell], "80")).unwrap();
    file
}

/// What is typed, and a word that is offered for it.
const OFFERED: [(&str, &str); 6] = [
    ("run on_r", "on_role_change"),
    ("run on_role_change pri", "primary"),
    ("run --event cr", "create_replica"),
    ("history --outcome f", "failed"),
    ("explain PB10", "PB107"),
    ("status --color al", "always"),
];

#[test]
fn bash_offers_the_words_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "bash");
    for (typed, offered) in OFFERED {
        let words: Vec<&str> = typed.split(' ').collect();
        let last = words.last().unwrap();
        let before = words.iter().rev().nth(1).unwrap_or(&"patroni_barman");
        let count = words.len();
        let line = format!(
            "source {}; COMP_WORDS=(patroni_barman {typed}); COMP_CWORD={count}; \
             _patroni_barman patroni_barman {last} {before}; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let mut bash = Command::new(find(&["bash"], "bash"));
        offers(bash.args(["--norc", "-c", &line]), typed, offered);
    }
}

#[test]
fn fish_offers_the_words_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "fish");
    for (typed, offered) in OFFERED {
        // Fish completes positional arguments by command, not by place.
        if !typed.contains("--") {
            continue;
        }
        let line = format!(
            "source {}; complete -C 'patroni_barman {typed}'",
            script.display()
        );
        let mut fish = Command::new(find(&["fish"], "fish"));
        fish.args(["--no-config", "-c", &line]);
        offers(fish.env("HOME", folder.path()), typed, offered);
    }
}

#[test]
fn zsh_reads_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), "zsh");
    let shown = said(
        Command::new(find(&["zsh"], "zsh"))
            .args(["-f", "-n"])
            .arg(&script),
    );
    assert_eq!(shown, "");
    let text = fs::read_to_string(&script).unwrap();
    for words in ["on_role_change", "standby_leader", "superseded", "PB107"] {
        assert!(text.contains(words), "{words}");
    }
}
