//! The two parsers check each other: both must read the same from a text.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::{Code, Node, careful, plain, read, skip_mark};

/// The texts to mutate.
fn texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let files = ["cases", "valid"].iter().flat_map(|part| {
        let entries = fs::read_dir(folder.join(part)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    });
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts.filter(|text| text.len() < 4000).collect()
}

/// Pieces with a meaning in YAML. Line separators of YAML 1.1 are left out: one of the parsers
/// ends a line there.
const PIECES: [&str; 50] = [
    "",
    " ",
    "  ",
    "\n",
    "\n  ",
    "\t",
    "\r\n",
    ":",
    ": ",
    "-",
    "- ",
    "? ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "\\",
    "#",
    " # ",
    "&a ",
    "*a",
    "!",
    "!!str ",
    "!!int ",
    "!<tag:yaml.org,2002:str> ",
    "|",
    "|-\n",
    ">",
    ">+\n",
    "|2\n",
    "%",
    "@",
    "`",
    "---\n",
    "...\n",
    "~",
    "null",
    "true",
    "0x1f",
    "0o17",
    "012",
    "1e3",
    ".5",
    "-.inf",
    "1_000",
    "<<: ",
    "é",
];

/// One change: at this place, remove this many characters and insert this text.
type Change = (Index, usize, &'static str);

fn changed(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (place, out, piece) in changes {
        let at = place.index(chars.len() + 1);
        let end = (at + out).min(chars.len());
        chars.splice(at..end, piece.chars());
    }
    chars.into_iter().collect()
}

fn any_changed() -> impl Strategy<Value = String> {
    let change = (any::<Index>(), 0..4_usize, select(PIECES.to_vec()));
    let changes = prop::collection::vec(change, 1..4);
    (select(texts()), changes).prop_map(|(text, changes)| changed(&text, &changes))
}

/// Returns true if both parsers accept this text, or neither does, or only the careful one is used.
fn same_verdict(text: &str) -> bool {
    if plain::has_old_line_ends(text) {
        return true;
    }
    let faults = careful(text).faults;
    let syntax = faults.iter().any(|fault| fault.code == Code::YamlSyntax);
    match plain::read(skip_mark(text)) {
        Some(_) => !syntax,
        None => !faults.is_empty() || plain::refused(skip_mark(text)).is_none(),
    }
}

/// Returns the values that both parsers read from a mapping that both accept.
fn both(text: &str) -> Option<(Value, Value)> {
    if plain::has_old_line_ends(text) {
        return None;
    }
    let found = careful(text);
    let fast = plain::read(skip_mark(text))?;
    let value = found.tree.as_ref().map(Node::to_value)?;
    (found.faults.is_empty() && fast.is_object()).then_some((fast, value))
}

#[test]
fn the_parsers_agree_on_every_case() {
    for text in texts() {
        // the one case in which they disagree about validity
        assert!(
            same_verdict(&text) || text.contains("model_name: :m"),
            "{text}"
        );
        if let Some((fast, careful)) = both(&text) {
            assert_eq!(fast, careful, "{text}");
        }
    }
}

#[test]
fn the_parsers_seldom_differ_about_what_is_valid() {
    let mut runner = TestRunner::deterministic();
    let texts = any_changed();
    let differ = (0..5000)
        .filter(|_| !same_verdict(&texts.new_tree(&mut runner).unwrap().current()))
        .count();
    assert!(differ < 50, "{differ} of 5000");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_parsers_make_the_same_values(text in any_changed()) {
        if let Some((fast, careful)) = both(&text) {
            prop_assert_eq!(fast, careful, "{}", text);
        }
    }

    #[test]
    fn what_one_parser_refuses_is_a_finding(text in any_changed()) {
        let reading = read(&text);
        let refused = plain::refused(skip_mark(&text)).is_some();
        prop_assert_eq!(refused && reading.faults.is_empty(), false, "{}", text);
        prop_assert!(reading.value.is_some() || !reading.faults.is_empty());
    }
}
