//! The messages that the troubleshooting page explains.

use std::fs;
use std::path::Path;

use super::Page;
use crate::support::program::root;

/// Messages that are not the program's own.
const OTHERS: [&str; 1] = ["404 Not Found: Server … does not exist"];

#[test]
fn the_troubleshooting_page_explains_messages_that_exist() {
    let page = Page::read(root().join("docs/troubleshooting.md"));
    let mut source = String::new();
    collect(&root().join("src"), &mut source);
    let (_, tables) = page.text.split_once("## By message").unwrap();
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| `"));
    let messages: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert!(messages.len() > 20);
    for message in messages {
        for part in message.split('…').filter(|part| part.trim().len() > 3) {
            let part = part.trim_matches([' ', ':', ';', '(', ')']);
            let known = OTHERS.contains(&message) || source.contains(part);
            assert!(known, "no message of the program has `{part}`");
        }
    }
}

/// All of the source, with each piece of white space, also that of a text over several lines, as one space.
fn collect(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let words = source.replace("\\\n", " ").replace('`', "");
            let words: Vec<&str> = words.split_whitespace().collect();
            *text += &words.join(" ");
        }
    }
}
