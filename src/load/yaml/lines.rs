//! From the parser's line and column to a place in the text.

use std::cell::Cell;

/// The lines of a text as the YAML parser counts them: it also breaks lines at characters that
/// nobody else does.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The last place that was asked for: line, column and byte. The next one is mostly a little further.
    last: Cell<(usize, usize, usize)>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut starts = vec![0];
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let is_break = match c {
                '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => true,
                '\r' => !matches!(chars.peek(), Some((_, '\n'))),
                _ => false,
            };
            if is_break {
                starts.push(at + c.len_utf8());
            }
        }
        Self {
            text,
            starts,
            last: Cell::default(),
        }
    }

    /// The byte that a message's `… at line 3 column 5` means, and the text's beginning if it says nothing.
    ///
    /// The parser's positions are to be had in no other way: what deserializes a part of a document
    /// is known to a visitor only as any deserializer.
    pub(super) fn offset_in_message(&self, message: &str) -> usize {
        let place = || {
            let (_, place) = message.rsplit_once("at line ")?;
            let (line, rest) = place.split_once(" column ")?;
            let digits = rest.find(|c: char| !c.is_ascii_digit());
            let column = rest.get(..digits.unwrap_or(rest.len()))?;
            Some(self.offset(line.parse().ok()?, column.parse().ok()?))
        };
        place().unwrap_or(0)
    }

    /// The byte at this line and column, both counted from 1.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let Some(&start) = self.starts.get(line.saturating_sub(1)) else {
            return self.text.len();
        };
        let (mut at_column, mut at) = match self.last.get() {
            (same, known, at) if same == line && known <= column => (known, at),
            _ => (1, start),
        };
        let rest = self.text.get(at..).unwrap_or_default();
        for c in rest.chars() {
            if at_column >= column {
                break;
            }
            at_column += 1;
            at += c.len_utf8();
        }
        self.last.set((line, at_column, at));
        at
    }
}
