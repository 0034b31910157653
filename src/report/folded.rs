//! Kinds of cluster with the same results, except for the cluster's name, folded into one.

use std::collections::HashMap;

use crate::evaluate::{Plan, Preview, Step, Trace, Unresolved};
use crate::matrix::{Active, Cell, Matrix};
use crate::model::{Event, duration};
use crate::space::Cluster;

use super::plan::{NOTHING, described};
use super::text::{nameless, put_line};

/// Clusters with the same results, with the cells of the first.
pub(super) struct Group<'m> {
    pub(super) clusters: Vec<&'m Cluster>,
    pub(super) cells: Vec<Cell>,
    /// The number of rules that are only for other clusters.
    pub(super) elsewhere: usize,
}

/// The most groups that are shown, and the most text of their cells in bytes: more than anyone reads.
const MOST: usize = 1_000;
const MOST_TEXT: usize = 4 << 20;

/// The groups, in the order of their first clusters.
pub(super) struct Groups<'m> {
    pub(super) shown: Vec<Group<'m>>,
    /// The rules with an effect in them.
    pub(super) active: Active,
    /// The number of kinds of cluster that are not shown.
    pub(super) more: usize,
}

impl Groups<'_> {
    /// The note that there are more, and how to see them.
    pub(super) fn what_is_left(&self) -> Option<String> {
        (self.more > 0).then(|| {
            format!(
                "{} more kinds of cluster are not shown: name one with `--cluster`, or take `--format json`",
                self.more
            )
        })
    }
}

/// Groups clusters with the same results.
pub(super) fn groups<'m>(matrix: &'m Matrix<'_>, with_trace: bool) -> Groups<'m> {
    let mut active = Active::default();
    let mut seen = 0;
    let mut groups: Vec<Group<'m>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut size = 0;
    for (cluster, mut cells) in matrix.blocks() {
        if groups.len() == MOST || size > MOST_TEXT {
            break;
        }
        seen += 1;
        active.add(&cells);
        let mut key = String::new();
        for cell in &cells {
            key.push_str(&meaning(cell, matrix, false));
            key.push('\u{1}');
        }
        let key = nameless(&key, &cluster.name);
        let next = groups.len();
        let length = key.len();
        let index = *known.entry(key).or_insert(next);
        if let Some(group) = groups.get_mut(index) {
            group.clusters.push(cluster);
            continue;
        }
        size += length;
        let elsewhere = matrix.elsewhere(&cells);
        if !with_trace {
            for cell in &mut cells {
                let says = |trace: &Trace| trace.does_nothing || trace.description.is_some();
                let trace = &mut cell.preview.plan.trace;
                trace.retain(|trace| trace.fired() && says(trace));
            }
        }
        groups.push(Group {
            clusters: vec![cluster],
            cells,
            elsewhere,
        });
    }
    Groups {
        shown: groups,
        active,
        more: matrix.clusters.len() - seen,
    }
}

impl Group<'_> {
    /// The events for which something is or may be sent, and all others.
    pub(super) fn events(&self) -> (Vec<Event>, Vec<Event>) {
        let does = |event: &Event| {
            let mut cells = self.cells.iter().filter(|cell| cell.event == *event);
            cells.any(|cell| !is_nothing(&cell.preview))
        };
        Event::ALL.into_iter().partition(does)
    }
}

/// Returns true if certainly nothing is sent, and nothing fails or is skipped on purpose.
pub(super) fn is_nothing(preview: &Preview) -> bool {
    let idle = preview.plan.idle().next().is_some();
    !idle
        && preview.plan.steps.is_empty()
        && preview.unresolved.is_empty()
        && preview.failures.is_empty()
}

pub(super) fn list(events: &[Event]) -> String {
    let names: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
    names.join(", ")
}

/// The text for a rule that fails.
pub(super) const FAILS: &str = "fails: nothing is sent";

/// A cell in lines, with or without the rules' notes; empty if nothing is sent.
pub(super) fn meaning(cell: &Cell, matrix: &Matrix<'_>, with_notes: bool) -> String {
    let mut text = String::new();
    let put_notes = |text: &mut String, rule: &str| {
        if with_notes {
            put_notes(text, rule, matrix);
        }
    };
    let preview = &cell.preview;
    let several = matrix.rules().apis.len() > 1;
    if !preview.failures.is_empty() {
        put_line!(text, "{FAILS}");
        for error in &preview.failures {
            put_line!(text, "  {}: {}", error.rule, error.source.message);
            put_notes(&mut text, &error.rule);
        }
        return text;
    }
    for (index, step) in preview.plan.steps.iter().enumerate() {
        put_line!(text, "{}: {}", step.rule, sentence(step, several));
        put_line!(text, "  POST {} {}", step.url, step.operation.body());
        put_line!(text, "  {}", carried_out(step));
        // The requests of a rule are adjacent.
        let next = preview.plan.steps.get(index + 1);
        if next.is_none_or(|next| next.rule != step.rule) {
            put_description(&mut text, &preview.plan, &step.rule);
            put_notes(&mut text, &step.rule);
        }
    }
    for trace in preview.plan.idle() {
        put_line!(text, "{}: {NOTHING}", trace.rule);
        put_description(&mut text, &preview.plan, &trace.rule);
        put_notes(&mut text, &trace.rule);
    }
    for one in &preview.unresolved {
        put_line!(text, "{}: unknown: {}", one.rule, one.message());
        for line in conditional(one, several) {
            put_line!(text, "  {line}");
        }
        put_notes(&mut text, &one.rule);
    }
    text
}

fn put_description(text: &mut String, plan: &Plan, rule: &str) {
    for line in described(plan, rule) {
        put_line!(text, "  {line}");
    }
}

fn put_notes(text: &mut String, rule: &str, matrix: &Matrix<'_>) {
    let Some(note) = matrix.note(rule) else {
        return;
    };
    put_line!(text, "  {}:{}", note.file, note.line);
    for found in &note.findings {
        put_line!(
            text,
            "  {}: {}: {}",
            found.code,
            found.severity,
            found.message
        );
    }
}

/// The effect of a rule if it fires, in lines.
pub(super) fn conditional(unresolved: &Unresolved, several_apis: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(when) = &unresolved.when {
        lines.push(format!("when {when}"));
    }
    for step in &unresolved.steps {
        lines.push(format!("if it fires: {}", sentence(step, several_apis)));
        lines.push(format!("  POST {} {}", step.url, step.operation.body()));
        lines.push(format!("  {}", carried_out(step)));
    }
    if let Some(message) = &unresolved.fails {
        lines.push(format!("if it fires: nothing is sent: {message}"));
    }
    lines
}

/// A request in a few words, with its endpoint if there are several.
pub(super) fn sentence(step: &Step, several_apis: bool) -> String {
    let words = step.operation.words();
    if several_apis {
        format!("{words} at `{}`", step.api)
    } else {
        words
    }
}

/// The options of a step, in words.
pub(super) fn carried_out(step: &Step) -> String {
    let attempts = step
        .retry
        .attempts
        .map_or_else(String::new, |attempts| format!(" and {attempts} times"));
    let operation = step.poll.timeout.map_or_else(
        || "waited for until it ends".to_owned(),
        |time| format!("waited for at most {}", duration::format(time)),
    );
    let older = if step.allow_older_timeline {
        ", older timelines allowed"
    } else {
        ""
    };
    format!(
        "verify {}, fence {}, on failure {}, tried for at most {}{attempts}, {operation}{older}",
        word(&step.verify),
        word(&step.fence),
        word(&step.on_failure),
        duration::format(step.retry.deadline),
    )
}

/// A word in the notation of the rules file.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => format!("{other:?}"),
    }
}
