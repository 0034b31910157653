//! The commands on the pages.

use std::fs;
use std::path::Path;
use std::thread;

use super::block::{Block, blocks};
use super::session::Session;
use super::shell::Command;
use super::{Page, pages};
use crate::support::program::root;

/// Every command of a page is run, in order, and prints what the page shows. Programs other than this one are not run
/// and have to be in the list in `session.rs`.
#[test]
fn commands_on_the_pages_do_what_the_pages_show() {
    let failures: Vec<String> = thread::scope(|scope| {
        let pages = pages();
        let pages = pages
            .into_iter()
            .filter(|page| page.name() != "docs/findings.md");
        let running: Vec<_> = pages
            .map(|page| scope.spawn(move || failures(&page)))
            .collect();
        let ended = running.into_iter().map(|page| page.join().unwrap());
        ended.flatten().collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn failures(page: &Page) -> Vec<String> {
    let blocks = blocks(&page.text);
    let is_shell = |block: &Block| ["sh", "console"].contains(&block.language.as_str());
    let mut failures = Vec::new();
    if !blocks.iter().any(is_shell) {
        return failures;
    }
    let mut session = Session::start();
    prepare(page, &session);
    for block in &blocks {
        if !is_shell(block) {
            if let Some(file) = &block.file {
                if block.added {
                    session.add(file, &block.text);
                } else {
                    session.write(file, &block.text);
                }
            }
            continue;
        }
        for command in Command::all(&block.language, &block.text) {
            if let Err(failure) = session.run(&command) {
                let place = format!("{}:{}", page.name(), block.line);
                failures.push(format!("{place}: {}: {failure}", command.words.join(" ")));
            }
        }
    }
    failures
}

/// Files that the commands of a page find: the shipped rules, and on the pages about a change of them, both versions.
fn prepare(page: &Page, session: &Session) {
    copy(&root().join("rules"), "rules", session);
    let shipped = root().join("rules/follow-the-primary.yml");
    let shipped = fs::read_to_string(shipped).unwrap();
    for file in ["/etc/patroni_barman/rules.yml", "old.yml", "new-rules.yml"] {
        session.write(file, &shipped);
    }
    let edited = shipped
        .replace("on: [on_role_change, on_start]", "on: on_role_change")
        .replace("model: \"{{ cluster }}:", "model: \"{{ cluster }}-");
    let (rules, edited) = match page.name().as_str() {
        "README.md" => ("rules/follow-the-primary.yml", &edited),
        "docs/reviewing.md" => ("rules.yml", &edited),
        _ => ("rules.yml", &shipped),
    };
    // as they are in the repository: what is printed of them has their own addresses
    fs::write(session.path(rules), edited).unwrap();
    let revision = session.path("revision").join(rules);
    fs::create_dir_all(revision.parent().unwrap()).unwrap();
    fs::write(revision, shipped).unwrap();
    let tests = Page::read(root().join("docs/rule-tests.md"));
    let tests = blocks(&tests.text)
        .into_iter()
        .find(|block| block.file.is_some());
    session.write("tests/rules.yml", &tests.unwrap().text);
}

fn copy(from: &Path, to: &str, session: &Session) {
    fs::create_dir_all(session.path(to)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{to}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            copy(&path, &name, session);
        } else {
            fs::copy(&path, session.path(&name)).unwrap();
        }
    }
}
