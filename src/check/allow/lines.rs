//! The line that a comment applies to.

/// The lines of a text, each with the next line that contains part of a value.
pub(super) struct Lines<'t> {
    lines: Vec<&'t str>,
    /// For each line, the next one with content.
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

    /// The line that a comment applies to, given its line and the text before it: the same line if
    /// there is something before the comment, otherwise the next one with content.
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

/// Returns true if a line has part of a value. A dash alone only announces one, and `---` a document.
fn has_content(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim();
    let behind_dash = line
        .strip_prefix('-')
        .filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()));
    let line = behind_dash.unwrap_or(line).trim_start();
    !line.is_empty() && line != "---" && !line.starts_with(['#', '%'])
}
