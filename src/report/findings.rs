//! Findings: for people in the style of a compiler, for programs as JSON.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diagnostic::{Finding, Place, Severity, Silenced};
use crate::load::masked;
use crate::source::{Characters, Source, lines};

use super::text::{Colour, Style, columns, draw};

/// The maximum number of columns of a line that are shown.
const COLUMNS: usize = 110;
/// The number of columns before the caret, if a line has to be cut.
const BEFORE: usize = 40;

/// The findings, with the lines they refer to.
pub fn human(findings: &[Finding], sources: &[Source], colour: Colour) -> String {
    let is_shown = |source: &&Source| findings.iter().any(|finding| concerns(finding, source));
    let shown: Vec<Source> = sources.iter().filter(is_shown).map(masked).collect();
    let shown = shown.iter();
    let lines = shown.map(|source| (&*source.name, lines(&source.text).collect()));
    let mut page = Page {
        lines: lines.collect(),
        colour,
        text: String::new(),
        long: HashMap::new(),
    };
    for finding in findings {
        page.finding(finding);
    }
    page.text
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckOutput<'a> {
    pub findings: &'a [Finding],
    pub silenced: &'a [Silenced],
    pub failures: &'a [Failure],
    pub truncated: bool,
}

/// A file that could not be read, or an API or Patroni that could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub file: Option<String>,
    pub message: String,
}

impl CheckOutput<'_> {
    /// The output of `check --format json`.
    pub fn json(&self) -> Value {
        let silenced = self.silenced.iter().map(|silenced| {
            let mut finding = finding_json(&silenced.finding);
            if let Value::Object(keys) = &mut finding {
                keys.insert("reason".to_owned(), silenced.reason.clone().into());
            }
            finding
        });
        let failures = self.failures.iter();
        json!({
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
            "silenced": silenced.collect::<Vec<_>>(),
            "failures": failures
                .map(|failure| json!({"file": failure.file, "message": failure.message}))
                .collect::<Vec<_>>(),
            "truncated": self.truncated,
        })
    }
}

fn finding_json(finding: &Finding) -> Value {
    let related = finding.related.iter().map(|related| {
        let place = &related.place;
        json!({
            "file": &*place.file,
            "line": place.position.line,
            "column": place.position.column,
            "end_column": place.end_column(),
            "message": related.message,
        })
    });
    let place = &finding.place;
    json!({
        "code": finding.code.as_str(),
        "severity": finding.severity().as_str(),
        "message": finding.message,
        "file": &*place.file,
        "line": place.position.line,
        "column": place.position.column,
        "end_column": place.end_column(),
        "help": finding.help,
        "page": finding.code.page(),
        "related": related.collect::<Vec<_>>(),
    })
}

/// The number of findings of each severity, in words; `None` if there are none.
pub fn summary(findings: &[Finding]) -> Option<String> {
    let count = |severity: Severity| {
        let found = findings.iter();
        match found
            .filter(|finding| finding.severity() == severity)
            .count()
        {
            0 => None,
            1 => Some(format!("1 {severity}")),
            many => Some(format!("{many} {severity}s")),
        }
    };
    let counts: Vec<_> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(count)
        .collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

fn concerns(finding: &Finding, source: &Source) -> bool {
    let related = finding.related.iter().map(|related| &related.place);
    std::iter::once(&finding.place)
        .chain(related)
        .any(|place| place.file == source.name)
}

/// The text so far.
struct Page<'a> {
    /// The lines of each file.
    lines: HashMap<&'a str, Vec<&'a str>>,
    colour: Colour,
    text: String,
    /// The characters of long lines, by the file and the line.
    long: HashMap<(&'a str, usize), Characters>,
}

impl Page<'_> {
    fn finding(&mut self, finding: &Finding) {
        let severity = finding.severity();
        let style = Style::of(severity);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let colour = self.colour;
        let head = colour.paint(style, &format!("{severity}[{}]", finding.code));
        let message = visible(&format!(": {}", finding.message));
        let message = colour.paint(Style::Strong, &message);
        let _ = writeln!(self.text, "{head}{message}");
        let places = finding.related.iter().map(|related| &related.place);
        let last_line = places
            .map(|place| place.position.line)
            .fold(finding.place.position.line, usize::max);
        let gutter = last_line.to_string().len();
        self.place("-->", &finding.place, gutter, style, "");
        for related in &finding.related {
            self.place(":::", &related.place, gutter, Style::Note, &related.message);
        }
        if let Some(help) = &finding.help {
            let bar = colour.paint(Style::Frame, "=");
            let word = colour.paint(Style::Strong, "help");
            let _ = writeln!(self.text, "{:gutter$} {bar} {word}: {}", "", visible(help));
        }
    }

    /// Adds one place with its line and an explanation.
    fn place(&mut self, arrow: &str, place: &Place, gutter: usize, style: Style, message: &str) {
        let (line, column) = (place.position.line, place.position.column);
        let arrow = self.colour.paint(Style::Frame, arrow);
        let bar = self.colour.paint(Style::Frame, "|");
        let file = visible(&place.file);
        let _ = writeln!(self.text, "{:gutter$}{arrow} {file}:{line}:{column}", "");
        let lines = self.lines.get_key_value(&*place.file);
        let text = lines.and_then(|(name, lines)| Some((*name, *lines.get(line.checked_sub(1)?)?)));
        let Some((name, text)) = text else {
            return;
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let start = column.saturating_sub(1);
        // Of a line of megabytes, the part nearby is enough.
        let far = start.saturating_sub(COLUMNS * 4);
        let near = match far {
            0 => text,
            far => {
                let characters = self.long.entry((name, line));
                let characters = characters.or_insert_with(|| Characters::of(text));
                text.get(characters.byte(text, far)..).unwrap_or_default()
            }
        };
        let cut = Cut::new(near, far > 0, start - far, place.length);
        let number = self.colour.paint(Style::Frame, &format!("{line:gutter$}"));
        let mark = if arrow.contains("-->") { "^" } else { "-" };
        let caret = self.colour.paint(style, &mark.repeat(cut.carets));
        let message = match message {
            "" => String::new(),
            message => format!(" {}", self.colour.paint(style, &visible(message))),
        };
        let _ = writeln!(self.text, "{:gutter$} {bar}", "");
        let _ = writeln!(self.text, "{number} {bar} {}", cut.text);
        let _ = writeln!(
            self.text,
            "{:gutter$} {bar} {:indent$}{caret}{message}",
            "",
            "",
            indent = cut.indent
        );
    }
}

/// The visible part of a line, and the position of the carets.
struct Cut {
    text: String,
    /// The columns before the first caret.
    indent: usize,
    carets: usize,
}

impl Cut {
    /// `start` and `length` count characters, the results columns. `is_rest`: some text precedes it.
    fn new(line: &str, is_rest: bool, start: usize, length: usize) -> Self {
        let chars: Vec<char> = line.trim_end().chars().take(COLUMNS * 8).collect();
        let width = |skip, take| -> usize {
            let part = chars.iter().skip(skip).take(take);
            part.map(|c| columns(*c)).sum()
        };
        let total = width(0, chars.len());
        let before = width(0, start);
        let marked = width(start, length).max(1);
        let first = if total <= COLUMNS || before + marked.min(COLUMNS / 2) < COLUMNS {
            0
        } else {
            before - BEFORE
        };
        let mut cut = Self {
            text: String::new(),
            indent: 0,
            carets: 0,
        };
        let mut at = 0;
        let mut shown = 0;
        if first > 0 || is_rest {
            cut.text.push('…');
            shown = 1;
        }
        for (index, c) in chars.iter().enumerate() {
            let wide = columns(*c);
            if at >= first {
                if shown + wide > COLUMNS {
                    cut.text.push('…');
                    break;
                }
                if index < start {
                    cut.indent = shown + wide;
                } else if index < start + length {
                    cut.carets += wide;
                }
                draw(&mut cut.text, *c);
                shown += wide;
            }
            at += wide;
        }
        cut.carets = cut.carets.max(1);
        cut
    }
}

/// A text on one line, without anything that a terminal would interpret.
fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        draw(&mut line, c);
    }
    line
}
