//! The files, by name.

use crate::{lists, rules, texts};

/// A file: its name, and what makes its text.
pub type Hostile = (&'static str, fn() -> String);

/// Every one of them.
pub fn all() -> Vec<Hostile> {
    let mut all: Vec<Hostile> = Vec::new();
    all.extend(texts::FILES);
    all.extend(lists::FILES);
    all.extend(rules::FILES);
    all
}

/// What begins each file of rules.
pub const HEAD: &str = "version: 1
api: {url: \"http://127.0.0.1:7480\"}
patroni: {url: \"http://127.0.0.1:8008\"}
";

/// A rule with nothing wrong in it, whose request switches to the model of this number.
pub fn rule(number: usize, more: &str) -> String {
    format!(
        "  - name: r{number}\n    on: [on_role_change, on_start]\n    role: primary\n{more}    request: {{type: config_switch, server: \"{{{{ cluster }}}}\", model_name: \"m{number}\"}}\n"
    )
}

/// A file with one rule and this before `rules`.
pub fn with(before: &str) -> String {
    format!("{HEAD}{before}rules:\n{}", rule(1, ""))
}

/// As much of a text as a file may have.
pub fn filled(begin: &str, part: &str, end: &str) -> String {
    let room = (4 << 20) - begin.len() - end.len();
    format!("{begin}{}{end}", part.repeat(room / part.len()))
}
