//! The files, by name.

use crate::{lists, rules, texts};

/// A file's name, and the function that makes its text.
pub type Hostile = (&'static str, fn() -> String);

pub fn all() -> Vec<Hostile> {
    let mut all: Vec<Hostile> = Vec::new();
    all.extend(texts::FILES);
    all.extend(lists::FILES);
    all.extend(rules::FILES);
    all
}

/// The first lines of each rules file.
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

/// A file with one rule and these lines before `rules`.
pub fn with(before: &str) -> String {
    format!("{HEAD}{before}rules:\n{}", rule(1, ""))
}

/// A text filled up to the size limit of a file.
pub fn filled(begin: &str, part: &str, end: &str) -> String {
    let room = (4 << 20) - begin.len() - end.len();
    format!("{begin}{}{end}", part.repeat(room / part.len()))
}
