//! The matrix for people.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::evaluate::as_written;
use crate::matrix::{Active, Matrix};
use crate::model::Role;
use crate::space::Cluster;

use super::folded::{Group, groups, list, meaning};
use super::text::{Screen, Style, put_line};

/// A table for each kind of cluster, followed by the meaning of its letters.
pub fn matrix(matrix: &Matrix<'_>, screen: Screen) -> String {
    let mut legend = Legend::default();
    let mut text = String::new();
    let groups = groups(matrix, false);
    for group in &groups.shown {
        text.push_str(&screen.styled(Style::Strong, &heading(group), ""));
        text.push('\n');
        let (events, nothing) = group.events();
        if !events.is_empty() {
            let _ = write!(text, "  {:<16}", "");
            for role in Role::ALL {
                let _ = write!(text, "{:<16}", role.as_str());
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        for event in events {
            let mut line = format!("  {:<16}", event.as_str());
            for role in Role::ALL {
                let mut cells = group.cells.iter();
                let cell = cells.find(|cell| cell.event == event && cell.role == role);
                let mark = cell.map(|cell| legend.mark(meaning(cell, matrix, true)));
                let _ = write!(line, "{:<16}", mark.unwrap_or_default());
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if !nothing.is_empty() {
            let _ = writeln!(text, "  {}: nothing", list(&nothing));
        }
        text.push('\n');
    }
    for (index, meaning) in legend.meanings.iter().enumerate() {
        let letter = format!("{:<2} ", letter(index));
        for (number, line) in meaning.lines().enumerate() {
            let own = line.len() - line.trim_start().len();
            let head = if number == 0 { letter.as_str() } else { "   " };
            let head = format!("{head}{}", " ".repeat(own));
            let style = (number == 0).then_some(Style::Strong);
            text.push_str(&screen.wrapped(style, &head, line.trim_start(), own + 5));
        }
    }
    text.push_str("-  nothing is sent\n");
    text.push_str("(no entry: Patroni does not pass this role with this event)\n");
    match groups.what_is_left() {
        Some(more) => put_line!(text, "\n{more}"),
        None => put_silent(&mut text, matrix, &groups.active),
    }
    text
}

/// The rules that no cell shows.
fn put_silent(text: &mut String, matrix: &Matrix<'_>, active: &Active) {
    let mut silent = matrix.silent(active).peekable();
    if silent.peek().is_some() {
        text.push_str("\nrules that fire in no cell shown:\n");
    }
    for (rule, note) in silent {
        let why = match &rule.when {
            _ if !rule.enabled => ": not enabled".to_owned(),
            Some(when) => {
                let when = as_written(when, &matrix.rules().vars);
                format!(": when {}", when.trim_end())
            }
            None => String::new(),
        };
        put_line!(text, "  {} ({}:{}){why}", rule.name, note.file, note.line);
    }
}

fn heading(group: &Group<'_>) -> String {
    let clusters = group.clusters.iter();
    let names: Vec<String> = clusters.map(|cluster| named(cluster)).collect();
    match names.as_slice() {
        [name] => format!("cluster {name}"),
        names => format!("clusters {}: the same but for the name", names.join(", ")),
    }
}

/// The example of a kind of cluster, and the kind it represents.
fn named(cluster: &Cluster) -> String {
    match cluster.matches.as_slice() {
        [] => format!("{} (any that no rule names)", cluster.name),
        [only] if *only == cluster.name => cluster.name.clone(),
        matches => format!("{} (as {})", cluster.name, matches.join(", ")),
    }
}

/// The meanings of the letters, in order.
#[derive(Default)]
struct Legend {
    meanings: Vec<String>,
    known: HashMap<String, usize>,
}

impl Legend {
    /// The letter for a cell's meaning; cells with the same meaning share a letter.
    fn mark(&mut self, meaning: String) -> String {
        if meaning.is_empty() {
            return "-".to_owned();
        }
        let next = self.meanings.len();
        let index = *self.known.entry(meaning.clone()).or_insert(next);
        if index == next {
            self.meanings.push(meaning);
        }
        letter(index)
    }
}

/// `A` to `Z`, then `AA` and so on.
fn letter(index: usize) -> String {
    let last = u8::try_from(index % 26).map_or('?', |offset| char::from(b'A' + offset));
    match index / 26 {
        0 => last.to_string(),
        before => format!("{}{last}", letter(before - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(
            [0, 25, 26, 51, 52, 702].map(letter),
            ["A", "Z", "AA", "AZ", "BA", "AAA"]
        );
    }
}
