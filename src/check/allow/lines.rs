//! The line that a comment is about.

/// The lines of a text, each with the next one that something of a value is in.
pub(super) struct Lines<'t> {
    lines: Vec<&'t str>,
    /// For each line, the first one behind it with content.
    next: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut next = vec![lines.len(); lines.len()];
        let mut found = lines.len();
        for (index, line) in lines.iter().enumerate().rev() {
            if let Some(next) = next.get_mut(index) {
                *next = found;
            }
            if has_content(line) {
                found = index;
            }
        }
        Self { lines, next }
    }

    /// The line that a comment is about which begins in this column of this line, both counted from 1: the same one if
    /// something is before the comment, else the next one with content.
    pub(super) fn about(&self, line: usize, bytes_before: usize) -> usize {
        let index = line - 1;
        let before = self
            .lines
            .get(index)
            .and_then(|line| line.get(..bytes_before));
        if before.is_some_and(has_content) {
            return line;
        }
        match self.next.get(index) {
            Some(next) if *next < self.lines.len() => next + 1,
            _ => line,
        }
    }
}

/// Tells a line that something of a value is in. A dash alone only announces one, and `---` the document.
fn has_content(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim();
    let behind_dash = line
        .strip_prefix('-')
        .filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()));
    let line = behind_dash.unwrap_or(line).trim_start();
    !line.is_empty() && line != "---" && !line.starts_with(['#', '%'])
}
