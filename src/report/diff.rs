//! A comparison of rules for people: on a terminal, and in a pull request.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::diff::{Change, ChangedCell, Class, Diff, Field, Setting, Unseen};
use crate::model::Event;

use super::describe;
use super::text::{one_line, put_line};

/// The comparison for a terminal.
#[must_use]
pub fn diff(diff: &Diff) -> String {
    let mut text = format!("{}\n", summary(diff));
    for group in groups(diff) {
        text.push('\n');
        put_line!(text, "{}", places(&group));
        for change in changes(&group) {
            put_line!(
                text,
                "  {} {}: {}",
                sign(change),
                words(change),
                title(change)
            );
            for line in details(change) {
                put_line!(text, "      {line}");
            }
        }
    }
    if !diff.unseen.is_empty() {
        text.push('\n');
        put_line!(text, "{UNSEEN}:");
        for unseen in &diff.unseen {
            put_line!(text, "  ? {}", unseen_line(unseen));
        }
    }
    if !diff.settings.is_empty() {
        let _ = writeln!(text, "\n{SETTINGS}:");
        for setting in &diff.settings {
            let _ = writeln!(text, "  ~ {}", setting_line(setting));
        }
    }
    text
}

/// The comparison as Markdown, for a comment in a pull request. Names and conditions are code, so that nothing in
/// them is read as Markdown.
#[must_use]
pub fn diff_markdown(diff: &Diff, old: &str, new: &str) -> String {
    let mut text = format!(
        "### What the next failover does differently\n\n{} → {}: {}\n",
        code(old),
        code(new),
        summary(diff)
    );
    for group in groups(diff) {
        let _ = write!(text, "\n**{}**\n\n```diff\n", places_with(&group, code));
        for change in changes(&group) {
            markdown_change(&mut text, change);
        }
        text.push_str("```\n");
    }
    if !diff.unseen.is_empty() {
        let _ = writeln!(text, "\n{UNSEEN}:\n");
        for unseen in &diff.unseen {
            let _ = writeln!(text, "- {}", unseen_with(unseen, code));
        }
    }
    if !diff.settings.is_empty() {
        let _ = writeln!(text, "\n{SETTINGS}:\n");
        for setting in &diff.settings {
            let _ = writeln!(text, "- `{}`", setting_line(setting));
        }
    }
    text
}

/// The lines of a change in a block of code.
fn markdown_change(text: &mut String, change: &Change) {
    match change {
        Change::Added(_) => put_line!(text, "+ {}", title(change)),
        Change::Removed(_) => put_line!(text, "- {}", title(change)),
        _ => put_line!(text, "! {}: {}", words(change), title(change)),
    }
    if let Change::Changed { fields, .. } = change {
        for field in fields {
            put_line!(text, "-     {}: {}", field.field, shown(&field.old));
            put_line!(text, "+     {}: {}", field.field, shown(&field.new));
        }
        return;
    }
    let mark = match sign(change) {
        "?" => " ",
        mark => mark,
    };
    for line in details(change) {
        put_line!(text, "{mark}     {line}");
    }
}

/// A text as code in a line of Markdown: it ends at as many backticks as it begins with, so there are more than in
/// the text.
fn code(text: &str) -> String {
    let text = one_line(text);
    let runs = text.split(|c| c != '`').map(str::len);
    let ticks = "`".repeat(runs.max().unwrap_or_default() + 1);
    // A space inside is taken off again if there is one on both sides.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// What is said before the rules that no cell shows.
pub(super) const UNSEEN: &str = "edited, and the same in every cell; give `--node`, `--env`, `--arg` or `--cluster` for what they ask for";

/// What is said before the settings.
const SETTINGS: &str = "edited besides the rules";

/// Cells in which the same changed, together; where only the cluster's own name is another, that is
/// the same.
pub(super) fn groups(diff: &Diff) -> Vec<Vec<&ChangedCell>> {
    let mut groups: Vec<(String, Vec<&ChangedCell>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for cell in &diff.cells {
        let exact = format!("{:?}", cell.changes);
        let key = exact.replace(&cell.cluster, "\0");
        let index = *known.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, group)) => group.push(cell),
            None => groups.push((key, vec![cell])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The changes of a group.
pub(super) fn changes<'a>(group: &[&'a ChangedCell]) -> &'a [Change] {
    group.first().map_or(&[], |cell| &cell.changes)
}

/// An event with roles.
type Roles<'a> = (Event, Vec<&'a str>);

/// The cells of a group: events with their roles, and the clusters.
pub(super) fn places(group: &[&ChangedCell]) -> String {
    places_with(group, str::to_owned)
}

fn places_with(group: &[&ChangedCell], name: impl Fn(&str) -> String) -> String {
    let mut clusters: Vec<(&str, Vec<Roles<'_>>)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for cell in group {
        let next = clusters.len();
        let index = *known.entry(cell.cluster.as_str()).or_insert(next);
        if index == next {
            clusters.push((&cell.cluster, Vec::new()));
        }
        let Some((_, events)) = clusters.get_mut(index) else {
            continue;
        };
        match events.iter_mut().find(|(event, _)| *event == cell.event) {
            Some((_, roles)) => roles.push(cell.role.as_str()),
            None => events.push((cell.event, vec![cell.role.as_str()])),
        }
    }
    let mut texts: Vec<(String, Vec<&str>)> = Vec::new();
    for (cluster, events) in clusters {
        let events: Vec<_> = events
            .iter()
            .map(|(event, roles)| format!("{event} ({})", roles.join(", ")))
            .collect();
        let events = events.join(", ");
        match texts.iter_mut().find(|(known, _)| *known == events) {
            Some((_, clusters)) => clusters.push(cluster),
            None => texts.push((events, vec![cluster])),
        }
    }
    let texts: Vec<_> = texts
        .into_iter()
        .map(|(events, clusters)| {
            let clusters: Vec<_> = clusters.into_iter().map(&name).collect();
            format!("{events} in {}", clusters.join(", "))
        })
        .collect();
    texts.join("; ")
}

/// How much there is, in one line.
pub(super) fn summary(diff: &Diff) -> String {
    if diff.is_empty() {
        let besides = match (diff.unseen.len(), diff.settings.len()) {
            (0, 0) => "",
            _ => "; what was edited and shows in none is named below",
        };
        return format!("no difference in any of {} cells{besides}", diff.compared);
    }
    let counts: Vec<_> = Class::ALL
        .into_iter()
        .map(|class| (class, diff.count(class)))
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| format!("{count} {}", class.as_str()))
        .collect();
    format!(
        "{} of {} cells differ: {}",
        diff.cells.len(),
        diff.compared,
        counts.join(", ")
    )
}

/// The rule and the request, as it is now if it still is.
pub(super) fn title(change: &Change) -> String {
    match change {
        Change::Added(step) | Change::Removed(step) | Change::Changed { new: step, .. } => {
            format!("{}: {}", step.rule, describe(&step.operation))
        }
        Change::Undecided { rule, .. } => rule.clone(),
    }
}

/// What stands below the title.
pub(super) fn details(change: &Change) -> Vec<String> {
    match change {
        Change::Added(step) | Change::Removed(step) => {
            vec![format!("POST {} {}", step.url, step.operation.body())]
        }
        Change::Changed { fields, .. } => fields.iter().map(field).collect(),
        Change::Undecided { old, new, .. } => {
            let told = |message: &Option<String>| {
                message.as_ref().map_or_else(
                    || "it can be told".to_owned(),
                    |m| format!("can't be told: {m}"),
                )
            };
            vec![
                format!("before: {}", told(old)),
                format!("now: {}", told(new)),
            ]
        }
    }
}

/// The kind of change in a word.
pub(super) fn words(change: &Change) -> &'static str {
    change.class().as_str()
}

/// An edited rule that no cell shows.
pub(super) fn unseen_line(unseen: &Unseen) -> String {
    unseen_with(unseen, str::to_owned)
}

fn unseen_with(unseen: &Unseen, free: impl Fn(&str) -> String) -> String {
    let when = unseen.when.as_ref();
    let when = when.map_or_else(String::new, |when| {
        format!(", when {}", free(when.trim_end()))
    });
    format!("{}: {}{when}", free(&unseen.rule), unseen.what.as_str())
}

/// A setting that was edited.
pub(super) fn setting_line(setting: &Setting) -> String {
    format!("{}: {}", setting.setting, setting.what.as_str())
}

/// A value as it stands in a request.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn field(field: &Field) -> String {
    format!(
        "{}: {} -> {}",
        field.field,
        shown(&field.old),
        shown(&field.new)
    )
}

fn sign(change: &Change) -> &'static str {
    match change.class() {
        Class::Added => "+",
        Class::Removed => "-",
        Class::Retargeted | Class::Changed => "!",
        Class::TimingOnly => "~",
        Class::Undecided => "?",
    }
}
