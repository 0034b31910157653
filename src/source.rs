//! Named text: a rules file as read.

use std::sync::{Arc, OnceLock};

use serde::Serialize;

/// One file's text with its name for messages.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user wrote it, or `<stdin>`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    shown: OnceLock<Arc<str>>,
}

impl Source {
    /// A named text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            shown: OnceLock::new(),
        }
    }

    /// The text without secrets. When it is first wanted, they are hidden; `None` if there are none.
    pub fn shown(&self, hide: impl FnOnce(&str) -> Option<String>) -> &str {
        self.shown.get_or_init(|| match hide(&self.text) {
            Some(hidden) => hidden.into(),
            None => Arc::clone(&self.text),
        })
    }

    /// The line with this number, counted from 1, without its line break.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&str> {
        lines(&self.text).nth(number.checked_sub(1)?)
    }
}

/// The lines of a text without their line breaks, by YAML's rules: a lone carriage return also ends one.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.find(['\n', '\r']).unwrap_or(text.len());
        let (line, behind) = text.split_at(end);
        let behind = behind.strip_prefix("\r\n").or_else(|| behind.get(1..));
        rest = behind.filter(|behind| !behind.is_empty());
        Some(line)
    })
}

/// A position in a source: line and column, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Position {
    /// The line, from 1.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub line: usize,
    /// The column in characters, from 1.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub column: usize,
}

impl Position {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// The characters of a text, counted once: a line may have megabytes, and many findings.
#[derive(Debug, Default)]
pub struct Characters {
    /// The number of characters that begin before each step.
    before: Vec<usize>,
}

impl Characters {
    const STEP: usize = 1024;

    /// Counts the characters of a text.
    pub fn of(text: &str) -> Self {
        let mut total = 0;
        let before = text.as_bytes().chunks(Self::STEP).map(|chunk| {
            let here = total;
            total += begin(chunk);
            here
        });
        Self {
            before: before.collect(),
        }
    }

    /// The number of characters that begin before this byte of the same text.
    pub fn before(&self, text: &str, byte: usize) -> usize {
        let byte = byte.min(text.len());
        let step = (byte / Self::STEP).min(self.before.len().saturating_sub(1));
        let known = self.before.get(step).copied().unwrap_or(0);
        let rest = text.as_bytes().get(step * Self::STEP..byte);
        known + begin(rest.unwrap_or_default())
    }

    /// The byte of the same text at which the character with this number, from 0, begins.
    pub fn byte(&self, text: &str, character: usize) -> usize {
        let step = self.before.partition_point(|before| *before <= character);
        let step = step.saturating_sub(1);
        let mut left = character - self.before.get(step).copied().unwrap_or(0).min(character);
        let start = step * Self::STEP;
        let bytes = text.as_bytes().get(start..).unwrap_or_default();
        for (at, byte) in bytes.iter().enumerate() {
            if is_begin(*byte) {
                if left == 0 {
                    return start + at;
                }
                left -= 1;
            }
        }
        text.len()
    }
}

fn begin(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_begin(**byte)).count()
}

/// Returns true for the first byte of a character in UTF-8.
const fn is_begin(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::{Characters, lines};

    #[test]
    fn lines_end_as_in_yaml() {
        for (text, expected) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("a\n", &["a"]),
            ("a\r\nb\rc\n\nd", &["a", "b", "c", "", "d"]),
        ] {
            assert_eq!(lines(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn characters_are_found_by_their_bytes_and_numbers() {
        let text = "a\u{e4}\u{20ac}\u{1f600}".repeat(1000);
        let characters = Characters::of(&text);
        for (number, (byte, _)) in text.char_indices().enumerate() {
            assert_eq!(characters.before(&text, byte), number);
            assert_eq!(characters.byte(&text, number), byte);
        }
        assert_eq!(characters.before(&text, text.len() + 1), 4000);
        assert_eq!(characters.byte(&text, 4001), text.len());
        assert_eq!(Characters::of("").before("", 0), 0);
    }
}
