//! A file's text with everything that may be a secret made unreadable.
//!
//! A valid rules file contains no secrets. An invalid one may, and the lines shown in findings
//! must not carry them into a log. Every character keeps its position.

use std::ops::Range;

use serde_json::Value;

use super::yaml::{self, Careful, Data, Node};
use crate::source::Source;

/// Words in a key whose value is confidential.
const TELLING: [&str; 9] = [
    "header",
    "auth",
    "token",
    "bearer",
    "pass",
    "secret",
    "cookie",
    "credential",
    "private",
];

/// The same for whole keys: `key_file` has the path of a key.
const TELLING_ALONE: [&str; 4] = ["pwd", "key", "api_key", "apikey"];

/// The longest key that is searched for in a line.
const LONGEST_KEY: usize = 16;

/// Keys of addresses.
const ADDRESSES: [&str; 2] = ["url", "proxy"];

/// The allowed content of a header: the name of a place is not a secret.
const PLACES: [&str; 2] = ["env", "file"];

/// The text in a form that may be shown.
pub fn masked(source: &Source) -> &str {
    source.shown(|text| hidden(text, &yaml::careful(text)))
}

/// Hides the secrets of a text that has been read, so that it need not be read again.
pub(super) fn mask(source: &Source, read: &Careful) {
    source.shown(|text| hidden(text, read));
}

fn hidden(text: &str, read: &Careful) -> Option<String> {
    let mut secrets = Vec::new();
    match read.tree.as_ref().filter(|_| read.complete) {
        Some(tree) => in_node(text, tree, None, &mut secrets),
        None => in_lines(text, &mut secrets),
    }
    in_addresses(text, &mut secrets);
    in_connection_strings(text, &mut secrets);
    if secrets.is_empty() {
        return None;
    }
    secrets.sort_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        let start = secret.start.max(at);
        let end = secret.end.max(start);
        shown.push_str(text.get(at..start).unwrap_or_default());
        let hidden = text.get(start..end).unwrap_or_default().chars();
        shown.extend(hidden.map(|c| if c.is_whitespace() { c } else { '*' }));
        at = end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    Some(shown)
}

/// Finds the scalars below a telling key, which is `below` levels up, or absent.
fn in_node(text: &str, node: &Node, below: Option<usize>, secrets: &mut Vec<Range<usize>>) {
    match &*node.data {
        Data::Scalar(Value::Null) if node.range.is_empty() => {}
        Data::Scalar(_) | Data::Bad => {
            secrets.extend(below.map(|_| node.range.start..node.end));
        }
        Data::List(items) => {
            for item in items {
                in_node(text, item, below, secrets);
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                let inside = match below {
                    Some(levels) => Some(levels + 1),
                    None => is_telling(&entry.key).then_some(0),
                };
                if ADDRESSES.contains(&entry.key.as_str()) {
                    secrets.extend(in_address(text, entry.value.range.clone()));
                }
                let place = PLACES.contains(&entry.key.as_str());
                let value = &*entry.value.data;
                if below > Some(0) && !place && *value == Data::Scalar(Value::Null) {
                    // `{Bearer abc}` is a key without a value.
                    secrets.push(entry.range.clone());
                }
                let shown = place && names_a_place(&entry.key, value);
                in_node(text, &entry.value, inside.filter(|_| !shown), secrets);
            }
        }
    }
}

/// Returns true if a value fits `env` or `file`, and is not a secret put there by mistake.
fn names_a_place(key: &str, value: &Data) -> bool {
    match value {
        Data::Scalar(Value::String(text)) if key == "env" => {
            text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        Data::Scalar(Value::String(text)) => text.starts_with(['/', '.', '~']),
        _ => false,
    }
}

fn is_telling(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    TELLING.iter().any(|word| key.contains(word)) || TELLING_ALONE.contains(&key.as_str())
}

/// The number of bytes in the lines indented deeper than this, including the first line.
fn block(text: &str, indented: usize) -> usize {
    let mut length = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number > 0 && !line.trim().is_empty() && indentation(line) <= indented {
            break;
        }
        length += line.len();
    }
    length
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-', '\t']).len()
}

/// Works without a tree: a telling word or key hides the rest of its line and everything indented
/// below it; the key of an address hides its secret parts.
fn in_lines(text: &str, secrets: &mut Vec<Range<usize>>) {
    let mut at = 0;
    // An address within the block of another one is hidden with that.
    let mut addressed = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        let end = || at + block(rest, indentation(line)).max(line.len());
        let mut keys = keys(line).filter(|(key, _)| ADDRESSES.contains(key));
        if let Some((_, value)) = keys.next().filter(|_| at >= addressed) {
            addressed = end();
            secrets.extend(in_address(text, at + value..addressed));
        }
        match telling(line) {
            Some(from) => {
                let end = end();
                secrets.push(at + from..end);
                at = end;
            }
            None => at += line.len(),
        }
    }
}

/// The offset in a line at which confidential text begins, if any.
fn telling(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let word = TELLING.iter().filter_map(|word| lower.find(word)).min();
    let behind = word.map(|word| {
        let colon = line.get(word..).and_then(|tail| tail.find(':'));
        colon.map_or(word, |colon| word + colon + 1)
    });
    let key = keys(&lower).find(|(key, _)| TELLING_ALONE.contains(key));
    behind.into_iter().chain(key.map(|(_, value)| value)).min()
}

/// Possible keys on a line, and the offsets of their values.
fn keys(line: &str) -> impl Iterator<Item = (&str, usize)> {
    let quote = ['"', '\''];
    line.match_indices(':').map(move |(colon, _)| {
        let before = line.get(..colon).unwrap_or_default().trim_end();
        let before = before.trim_end_matches(quote);
        let starts = |c: char| c.is_whitespace() || "{[,-".contains(c) || quote.contains(&c);
        // Only short keys are searched for.
        let far = before.char_indices().rev().nth(LONGEST_KEY);
        let near = before.get(far.map_or(0, |(at, _)| at)..);
        let key = near.unwrap_or(before).rsplit(starts).next();
        (key.unwrap_or(before), colon + 1)
    })
}

/// The parts of an address that may be secret: everything before its last `@` and after a `?`. If it is
/// not a plain `scheme://host`, that can be anywhere.
fn in_address(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let value = text.get(range.clone()).unwrap_or_default();
    let opens = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let user = value.rfind('@').map(|at| {
        let scheme = value.find("://").map_or(0, |at| at + 3);
        let start = value.len() - value.trim_start_matches(opens).len();
        range.start + scheme.max(start).min(at)..range.start + at
    });
    let query = value.find('?').map(|at| {
        let end = value.trim_end_matches(['"', '\'']).len();
        range.start + at + 1..range.start + end.max(at + 1)
    });
    user.into_iter().chain(query).collect()
}

/// Finds the user and password of addresses anywhere in a text.
fn in_addresses(text: &str, secrets: &mut Vec<Range<usize>>) {
    let mut read = 0;
    for (at, marker) in text.match_indices("://") {
        let start = at + marker.len();
        // The rest of the same word was hidden with its beginning.
        if start < read {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ']'))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        if let Some(user) = authority.rfind('@') {
            secrets.push(start..start + user);
        }
        read = start + end;
    }
}

/// Finds the password of PostgreSQL connection strings anywhere in a text.
fn in_connection_strings(text: &str, secrets: &mut Vec<Range<usize>>) {
    for (at, marker) in text.match_indices("password=") {
        let start = at + marker.len();
        let rest = text.get(start..).unwrap_or_default();
        let end = |c: char| c.is_whitespace() || matches!(c, '"' | ',' | '}' | ']');
        let length = rest.find(end).unwrap_or(rest.len());
        if !rest.starts_with("{{") {
            secrets.push(start..start + length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_everything_else_is_not() {
        for (text, expected) in [
            (
                "api:\n  headers:\n    Authorization: Bearer abc\n",
                "api:\n  headers:\n    Authorization: ****** ***\n",
            ),
            (
                "api: {headers: {A: {env: TOKEN}, B: {evn: x}, C: {xyz}}}\n",
                "api: {headers: {A: {env: TOKEN}, B: {evn: *}, C: {***}}}\n",
            ),
            (
                "headers:\n  A: |\n    one\n    two\nx: y\n",
                "headers:\n  A: *\n    ***\n    ***\nx: y\n",
            ),
            ("url: \"http://u:p@h/x\"\n", "url: \"http://***@h/x\"\n"),
            ("url: u:p@h\nx: y\n", "url: ***@h\nx: y\n"),
            (
                "proxy: \"http://u:p,q r@h\"\n",
                "proxy: \"http://***** *@h\"\n",
            ),
            ("url: http://h/?t=x\n", "url: http://h/?***\n"),
            (
                "pwd: x\nkey_file: /k\nkey: y\n",
                "pwd: *\nkey_file: /k\nkey: *\n",
            ),
            ("header: {A: \"b\n", "header: *** **\n"),
            (
                "conninfo: host=h password=x user=u password={{ env.P }}\n",
                "conninfo: host=h password=* user=u password={{ env.P }}\n",
            ),
            (
                "a: [\n headers:\n  A: b\nc: d\n",
                "a: [\n headers:\n  ** *\nc: d\n",
            ),
            ("vars: {pwd: [hunter2\n", "vars: {pwd: ********\n"),
            ("api_key: hunter2: x\ny: z\n", "api_key: ******** *\ny: z\n"),
            ("- 'key': a: b\n", "- 'key': ** *\n"),
            ("- key_file: a: b\n", "- key_file: a: b\n"),
            ("url: u:hunter2@h: x\n", "url: *********@h: x\n"),
            (
                "api: {proxy: \"http://u:sec ret@h\n",
                "api: {proxy: \"http://***** ***@h\n",
            ),
            ("url: h?t=x: y\nz: a\n", "url: h?**** *\nz: a\n"),
            ("url:\n  \"u:p q@h\nx: y\n", "url:\n  \"*** *@h\nx: y\n"),
            (
                "vars: {db_password: hunter2}\n",
                "vars: {db_password: *******}\n",
            ),
        ] {
            assert_eq!(masked(&Source::new("x", text)), expected, "{text}");
        }
    }
}
