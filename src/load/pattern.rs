//! The schemas' patterns as code.
//!
//! A callback validates its rules at every start, and compiling the patterns took longer than
//! everything else in it. So each has an equivalent function here, which the compiled form
//! of a schema calls; a test compares the two (`PATTERNS`).

use crate::model::Name;
use crate::model::duration::{self, DurationError};
use crate::template::is_template;

pub(super) fn api_name(text: &str) -> bool {
    text.starts_with(is_word) && text.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

pub(super) fn variable(text: &str) -> bool {
    text.starts_with(|c: char| is_word(c) && !c.is_ascii_digit()) && text.chars().all(is_word)
}

pub(super) fn words(text: &str) -> bool {
    // JavaScript treats a byte order mark as white space.
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '\u{feff}';
    text.split(' ')
        .all(|word| !word.is_empty() && word.chars().all(fits))
}

pub(super) fn expression(text: &str) -> bool {
    text.contains("{{")
}

pub(super) fn name(text: &str) -> bool {
    Name::new(text).is_ok()
}

pub(super) fn name_or_template(text: &str) -> bool {
    name(text) || is_template(text)
}

pub(super) fn model_or_template(text: &str) -> bool {
    model(text) || is_template(text)
}

pub(super) fn model(text: &str) -> bool {
    words(text) && !text.starts_with('-') && !text.contains(['[', ']'])
}

pub(super) fn backup(text: &str) -> bool {
    let is_id = |text: &str| {
        let part = |part: &str, length| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        text.split_once('T')
            .is_some_and(|(day, time)| part(day, 8) && part(time, 6))
    };
    is_id(text) || matches!(text, "latest" | "last" | "oldest" | "first" | "last-failed")
}

pub(super) fn backup_or_template(text: &str) -> bool {
    backup(text) || is_template(text)
}

pub(super) fn template(text: &str) -> bool {
    is_template(text)
}

pub(super) fn cluster_or_template(text: &str) -> bool {
    cluster(text) || is_template(text)
}

/// A cluster's name, or a glob.
pub(super) fn cluster(text: &str) -> bool {
    words(text) && !text.contains([' ', '{', '}', '[', ']'])
}

pub(super) fn token(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+.^_`|~-".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

pub(super) fn environment(text: &str) -> bool {
    !text.is_empty() && !text.contains(['=', '\0'])
}

pub(super) fn duration(text: &str) -> bool {
    text.is_empty() || duration::read(text) != Err(DurationError::Shape)
}

pub(super) fn line(text: &str) -> bool {
    !text.chars().any(|c| c.is_ascii_control())
}

pub(super) fn text(text: &str) -> bool {
    !text.is_empty() && line(text)
}

pub(super) fn line_or_template(text: &str) -> bool {
    line(text) || is_template(text)
}

pub(super) fn text_or_template(given: &str) -> bool {
    text(given) || is_template(given)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns true if a text matches.
#[cfg(test)]
type Function = fn(&str) -> bool;

/// Each pattern, its name in the compiled form of a schema, and its function.
#[cfg(test)]
pub(super) const PATTERNS: [(&str, &str, Function); 19] = [
    (r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "api-name", api_name),
    (r"^[A-Za-z_][A-Za-z0-9_]*$", "variable", variable),
    (
        r"^[^\s\x00-\x1f\x7f-\x9f]+( [^\s\x00-\x1f\x7f-\x9f]+)*$",
        "words",
        words,
    ),
    (r"\{\{", "expression", expression),
    (
        r"^([A-Za-z0-9_:][A-Za-z0-9._:-]*|\.+[A-Za-z0-9_:-][A-Za-z0-9._:-]*)$",
        "name",
        name,
    ),
    (
        r"^([A-Za-z0-9_:][A-Za-z0-9._:-]*|\.+[A-Za-z0-9_:-][A-Za-z0-9._:-]*)$|\{[{%#]",
        "name-or-template",
        name_or_template,
    ),
    (
        r"^[^\s\x00-\x1f\x7f-\x9f\[\]-][^\s\x00-\x1f\x7f-\x9f\[\]]*( [^\s\x00-\x1f\x7f-\x9f\[\]]+)*$",
        "model",
        model,
    ),
    (
        r"^[^\s\x00-\x1f\x7f-\x9f\[\]-][^\s\x00-\x1f\x7f-\x9f\[\]]*( [^\s\x00-\x1f\x7f-\x9f\[\]]+)*$|\{[{%#]",
        "model-or-template",
        model_or_template,
    ),
    (
        r"^([0-9]{8}T[0-9]{6}|latest|last|oldest|first|last-failed)$",
        "backup",
        backup,
    ),
    (
        r"^([0-9]{8}T[0-9]{6}|latest|last|oldest|first|last-failed)$|\{[{%#]",
        "backup-or-template",
        backup_or_template,
    ),
    (r"\{[{%#]", "template", template),
    (r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "token", token),
    (r"^[^=\x00]+$", "environment", environment),
    (
        r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
        "duration",
        duration,
    ),
    (
        r"^[^\s\x00-\x1f\x7f-\x9f{}\[\]]+$|\{[{%#]",
        "cluster-or-template",
        cluster_or_template,
    ),
    (
        r"^[^\x00-\x1f\x7f]*$|\{[{%#]",
        "line-or-template",
        line_or_template,
    ),
    (
        r"^[^\x00-\x1f\x7f]+$|\{[{%#]",
        "text-or-template",
        text_or_template,
    ),
    (r"^[^\x00-\x1f\x7f]*$", "line", line),
    (r"^[^\x00-\x1f\x7f]+$", "text", text),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Letters, digits and all other characters in the patterns.
    fn any_text() -> impl Strategy<Value = String> {
        let special = vec![
            " ", "\t", "\n", "\u{7f}", "\0", "\u{85}", "\u{a0}", "\u{feff}", "\u{200b}",
            "\u{180e}", "é", "٣", "{{", "{%", "{#", "{", "`", "$", "=", "s", "m",
        ];
        let piece = prop_oneof![
            "[ad9_:.=-]",
            "[0-9]{1,2}(d|h|m|s|ms)",
            "[0-9]{7,9}T[0-9]{5,7}",
            "(latest|last|oldest|first|last-failed)",
            prop::sample::select(special).prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    /// Python has no `\\p`: a user's check with its `jsonschema` would fail.
    #[test]
    fn a_pattern_has_no_classes_of_unicode() {
        assert!(
            PATTERNS
                .iter()
                .all(|(pattern, ..)| !pattern.contains(r"\p"))
        );
    }

    #[test]
    fn a_function_says_what_its_pattern_says() {
        let validators = PATTERNS.map(|(pattern, ..)| {
            jsonschema::draft202012::new(&json!({ "pattern": pattern })).unwrap()
        });
        let config = ProptestConfig::with_cases(20_000);
        proptest!(config, |(text in any_text())| {
            let value = Value::from(text.as_str());
            for ((_, name, function), validator) in PATTERNS.iter().zip(&validators) {
                prop_assert_eq!(function(&text), validator.is_valid(&value), "{}: {:?}", name, text);
            }
        });
    }
}
