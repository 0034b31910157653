//! Text on a terminal: colours, and the width of characters.

use crate::diagnostic::Severity;

/// The use of colours, decided by the caller that prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// Escape sequences for colours.
    Always,
}

/// The screen that a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// The number of columns; a pipe or file has no limit.
    pub width: usize,
    /// Whether to use colours.
    pub colour: Colour,
}

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Error,
    Warning,
    /// Worth a look.
    Note,
    Good,
    /// What is around the lines of a file.
    Frame,
    /// A heading or a name.
    Strong,
}

impl Style {
    pub(super) const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Note => Self::Note,
        }
    }
}

impl Colour {
    /// A text in a style.
    pub fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Error => "1;31",
            Style::Warning => "1;33",
            Style::Note => "1;36",
            Style::Good => "32",
            Style::Frame => "1;34",
            Style::Strong => "1",
        };
        match self {
            Self::Never => text.to_owned(),
            Self::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

impl Screen {
    /// A line whose first part has a style. Neither part can bring an escape sequence of its own.
    pub(super) fn styled(self, style: Style, head: &str, rest: &str) -> String {
        let head = self.colour.paint(style, &one_line(head));
        format!("{head}{}\n", one_line(rest))
    }

    /// The same, wrapped to the screen; the lines after the first are indented.
    pub fn wrapped(self, style: Option<Style>, head: &str, rest: &str, indent: usize) -> String {
        let head = one_line(head);
        let room = self.width.saturating_sub(indent);
        let over = breadth(&head).saturating_sub(indent);
        let lines = lines_of(&one_line(rest), room, over);
        let text = lines.join(&format!("\n{:indent$}", ""));
        match style {
            Some(style) => format!("{}{text}\n", self.colour.paint(style, &head)),
            None => format!("{head}{text}\n"),
        }
    }
}

/// A text in lines of at most this many columns, of which the first has less room; a longer word has a line of its own.
pub(super) fn lines_of(text: &str, width: usize, before: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut taken = before;
    for word in text.split(' ') {
        let columns = breadth(word);
        if !line.is_empty() && taken + 1 + columns > width {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if !line.is_empty() {
            line.push(' ');
            taken += 1;
        }
        line.push_str(word);
        taken += columns;
    }
    lines.push(line);
    lines
}

/// The columns that a text takes.
pub(super) fn breadth(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// A text that takes at most this many columns; what is cut off is an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if breadth(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let Some(rest) = left.checked_sub(columns(c)) else {
            break;
        };
        left = rest;
        short.push(c);
    }
    short.push('…');
    short
}

/// The number of columns of a character as [`drawn`] draws it.
pub(super) fn columns(c: char) -> usize {
    match c {
        '\t' => TAB.len(),
        // Combining marks and other characters without a width of their own.
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}' => 0,
        // East Asian wide characters and pictures.
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

const TAB: &str = "    ";

/// Adds a character as it may be printed: nothing that a terminal would obey.
pub(super) fn draw(text: &mut String, c: char) {
    match c {
        '\t' => text.push_str(TAB),
        // Control characters, and those that change the direction of writing or are invisible.
        c if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}') =>
        {
            text.push('\u{fffd}');
        }
        c => text.push(c),
    }
}

/// Text in printable form on one line.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        draw(&mut line, if c == '\n' { ' ' } else { c });
    }
    line
}

/// The text with a placeholder for every occurrence of a name as a whole word: two texts with the same result
/// are equal except for the name.
pub(super) fn nameless(text: &str, name: &str) -> String {
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut left = String::with_capacity(text.len());
    let mut end = 0;
    for (at, _) in text.match_indices(name) {
        let (before, rest) = text.split_at(at);
        let behind = rest.get(name.len()..).unwrap_or_default();
        if at < end || in_word(before.chars().next_back()) || in_word(behind.chars().next()) {
            continue;
        }
        left.push_str(text.get(end..at).unwrap_or_default());
        left.push('\0');
        end = at + name.len();
    }
    left.push_str(text.get(end..).unwrap_or_default());
    left
}

/// Appends one formatted line to a text.
macro_rules! put_line {
    ($text:ident, $($part:tt)*) => {{
        $text.push_str(&$crate::report::one_line(&format!($($part)*)));
        $text.push('\n');
    }};
}
pub(super) use put_line;
