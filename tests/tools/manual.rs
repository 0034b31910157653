//! Manual pages and completion scripts, as the programs that read them see them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::help::{commands, page};
use crate::support::prerequisite::find;

/// Runs a program and returns everything that it says.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
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
        let set = Command::new(find(&["man"], "man-db groff"))
            .args([
                "--warnings",
                "--encoding=UTF-8",
                "--local-file",
                "-Tutf8",
                "--ditroff",
            ])
            .arg(&page)
            .env("LC_ALL", "C.UTF-8")
            .env("MANWIDTH", "80")
            .output()
            .unwrap();
        assert!(
            set.status.success() && set.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&set.stderr)
        );
    }
}
