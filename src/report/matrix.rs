//! The matrix for people.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::matrix::{Cell, Matrix};
use crate::model::{Event, Role};

use super::describe;
use super::plan::{NOTHING, described};
use super::text::put_line;

/// A table for each kind of cluster, and below what the letters in them mean.
#[must_use]
pub fn matrix(matrix: &Matrix) -> String {
    let mut legend = Legend::default();
    let mut text = String::new();
    for (cluster, cells) in matrix.blocks() {
        let kind = match cluster.matches.as_slice() {
            [] => "any that no rule names".to_owned(),
            matches => format!("as {}", matches.join(", ")),
        };
        put_line!(text, "cluster {} ({kind})", cluster.name);
        text.push('\n');
        let _ = write!(text, "  {:<16}", "");
        for role in Role::ALL {
            let _ = write!(text, "{:<16}", role.as_str());
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        for event in Event::ALL {
            let mut line = format!("  {:<16}", event.as_str());
            for role in Role::ALL {
                let cell = cells.iter().find(|c| c.event == event && c.role == role);
                let mark = cell.map_or_else(String::new, |cell| mark(cell, &mut legend));
                let _ = write!(line, "{mark:<16}");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push('\n');
    }
    for (index, meaning) in legend.meanings.iter().enumerate() {
        let letter = letter(index);
        let _ = writeln!(
            text,
            "{letter}  {}",
            meaning.trim_end().replace('\n', "\n   ")
        );
    }
    let _ = writeln!(text, "-  nothing is sent");
    let _ = writeln!(
        text,
        "(no entry: Patroni does not pass this role with this event)"
    );
    text
}

/// What the letters mean, in order.
#[derive(Default)]
struct Legend {
    meanings: Vec<String>,
    known: HashMap<String, usize>,
}

/// The letter of what a cell does; cells that do the same have the same.
fn mark(cell: &Cell, legend: &mut Legend) -> String {
    let meaning = meaning(cell);
    if meaning.is_empty() {
        return "-".to_owned();
    }
    let next = legend.meanings.len();
    let index = *legend.known.entry(meaning.clone()).or_insert(next);
    if index == next {
        legend.meanings.push(meaning);
    }
    letter(index)
}

fn meaning(cell: &Cell) -> String {
    let mut text = String::new();
    for step in &cell.survey.plan.steps {
        put_line!(text, "{}: {}", step.rule, describe(&step.operation));
        for line in described(&cell.survey.plan, &step.rule) {
            put_line!(text, "  {line}");
        }
        put_line!(text, "  POST {} {}", step.url, step.operation.body());
    }
    for trace in cell.survey.plan.idle() {
        put_line!(text, "{}: {NOTHING}", trace.rule);
        for line in described(&cell.survey.plan, &trace.rule) {
            put_line!(text, "  {line}");
        }
    }
    for error in &cell.survey.unresolved {
        put_line!(
            text,
            "{}: can't be told: {}",
            error.rule,
            error.source.message
        );
    }
    text
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
