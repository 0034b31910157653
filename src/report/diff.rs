//! A comparison of rules for people: on a terminal, and in a pull request.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::diff::{Change, ChangedCell, Class, Diff, Field, Loss, Lost, Setting, Told, Unseen};
use crate::model::Event;

use super::folded::{FAILS, conditional, sentence};
use super::text::{Screen, Style, nameless, one_line, put_line};

/// The comparison for a terminal.
pub fn diff(diff: &Diff, screen: Screen) -> String {
    let mut text = screen.styled(Style::Strong, &summary(diff), "");
    let lost = losses(diff);
    if !lost.is_empty() {
        text.push('\n');
        text.push_str(&screen.styled(Style::Error, LOST, ":"));
        for (line, clusters) in lost {
            put_line!(text, "  - in {}: {line}", clusters.join(", "));
        }
    }
    for group in groups(diff) {
        text.push('\n');
        text.push_str(&screen.styled(Style::Strong, &places(&group, str::to_owned), ""));
        for change in changes(&group) {
            let head = format!("  {} {}", sign(change), change.class().as_str());
            let rest = format!(": {}", title(change, diff));
            text.push_str(&screen.styled(style(change), &head, &rest));
            for line in details(change, diff) {
                put_line!(text, "      {line}");
            }
        }
    }
    if !diff.unseen.is_empty() {
        text.push('\n');
        text.push_str(&screen.styled(Style::Strong, UNSEEN, ":"));
        for unseen in &diff.unseen {
            put_line!(text, "  ? {}", unseen_line(unseen, str::to_owned));
        }
    }
    if !diff.settings.is_empty() {
        text.push('\n');
        text.push_str(&screen.styled(Style::Strong, SETTINGS, ":"));
        for setting in &diff.settings {
            let _ = writeln!(text, "  ~ {}", setting_line(setting));
        }
    }
    text
}

/// The comparison as Markdown, for a comment in a pull request. Names and conditions are formatted as code, so that nothing
/// in them is interpreted as Markdown.
pub fn diff_markdown(diff: &Diff, old: &str, new: &str) -> String {
    let mut text = format!(
        "### What the next failover does differently\n\n{} → {}: {}\n",
        code(old),
        code(new),
        summary(diff)
    );
    let lost = losses(diff);
    if !lost.is_empty() {
        let _ = writeln!(text, "\n**{LOST}**\n");
        for (line, clusters) in lost {
            let clusters: Vec<_> = clusters.into_iter().map(code).collect();
            let _ = writeln!(text, "- in {}: {}", clusters.join(", "), ticked(&line));
        }
    }
    for group in groups(diff) {
        let _ = write!(text, "\n**{}**\n\n```diff\n", places(&group, code));
        for change in changes(&group) {
            markdown_change(&mut text, change, diff);
        }
        text.push_str("```\n");
    }
    if !diff.unseen.is_empty() {
        let _ = writeln!(text, "\n{UNSEEN}:\n");
        for unseen in &diff.unseen {
            let _ = writeln!(text, "- {}", unseen_line(unseen, code));
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

/// The lines of a change in a code block.
fn markdown_change(text: &mut String, change: &Change, diff: &Diff) {
    match change {
        Change::Added(_) => put_line!(text, "+ {}", title(change, diff)),
        Change::Removed(_) => put_line!(text, "- {}", title(change, diff)),
        _ => put_line!(
            text,
            "! {}: {}",
            change.class().as_str(),
            title(change, diff)
        ),
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
    for line in details(change, diff) {
        put_line!(text, "{mark}     {line}");
    }
}

/// A text as inline code in Markdown, enclosed in more backticks than there are in
/// the text.
fn code(text: &str) -> String {
    let text = one_line(text);
    let runs = text.split(|c| c != '`').map(str::len);
    let ticks = "`".repeat(runs.max().unwrap_or_default() + 1);
    // Markdown removes one space from both sides if there is one on each.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// The heading of the rules that no cell shows.
pub(super) const UNSEEN: &str = "edited, and the same in every cell; give `--node`, `--env`, `--arg` or `--cluster` for the facts that they depend on";

/// The heading of the settings.
const SETTINGS: &str = "other edits";

/// Groups of cells with the same changes; changes that only differ in the cluster's own name count as
/// the same.
pub(super) fn groups(diff: &Diff) -> Vec<Vec<&ChangedCell>> {
    let mut groups: Vec<(String, Vec<&ChangedCell>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for cell in &diff.cells {
        let exact = format!("{:?}", cell.changes);
        let key = nameless(&exact, &cell.cluster);
        let index = *known.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, group)) => group.push(cell),
            None => groups.push((key, vec![cell])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

pub(super) fn changes<'a>(group: &[&'a ChangedCell]) -> &'a [Change] {
    group.first().map_or(&[], |cell| &cell.changes)
}

type Roles<'a> = (Event, Vec<&'a str>);

/// The cells of a group: events with their roles, and the clusters, whose names are written with `name`.
pub(super) fn places(group: &[&ChangedCell], name: impl Fn(&str) -> String) -> String {
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
        let events = events.iter();
        let events = events.map(|(event, roles)| format!("{event} ({})", roles.join(", ")));
        let events = events.collect::<Vec<_>>().join(", ");
        match texts.iter_mut().find(|(known, _)| *known == events) {
            Some((_, clusters)) => clusters.push(cluster),
            None => texts.push((events, vec![cluster])),
        }
    }
    let text = |(events, clusters): (String, Vec<&str>)| {
        let clusters: Vec<_> = clusters.into_iter().map(&name).collect();
        format!("{events} in {}", clusters.join(", "))
    };
    let texts: Vec<_> = texts.into_iter().map(text).collect();
    texts.join("; ")
}

/// The totals, in one line.
pub(super) fn summary(diff: &Diff) -> String {
    if diff.is_empty() {
        let besides = match (diff.unseen.len(), diff.settings.len()) {
            (0, 0) => "",
            _ => "; what was edited and shows in none is named below",
        };
        return format!("no difference in any of {} cells{besides}", diff.compared);
    }
    let counts = Class::ALL
        .into_iter()
        .filter_map(|class| match diff.count(class) {
            0 => None,
            count => Some(format!("{count} {}", class.as_str())),
        });
    let counts: Vec<_> = counts.collect();
    let (differ, all) = (diff.cells.len(), diff.compared);
    format!("{differ} of {all} cells differ: {}", counts.join(", "))
}

/// The rule and the request, in its current form if it still exists.
pub(super) fn title(change: &Change, diff: &Diff) -> String {
    match change {
        Change::Added(step) | Change::Removed(step) | Change::Changed { new: step, .. } => {
            format!("{}: {}", step.rule, sentence(step, diff.several_apis))
        }
        Change::Undecided { rule, .. } => rule.clone(),
        Change::Fails { new: None, .. } => format!("{} no longer fails", change.rule()),
        Change::Fails { .. } => format!("{} {FAILS}", change.rule()),
    }
}

/// The text below the title.
pub(super) fn details(change: &Change, diff: &Diff) -> Vec<String> {
    match change {
        Change::Added(step) | Change::Removed(step) => {
            vec![format!("POST {} {}", step.url, step.operation.body())]
        }
        Change::Changed { fields, .. } => fields.iter().map(field).collect(),
        Change::Undecided { old, new, .. } => {
            let mut lines = told("before", old, diff.several_apis);
            lines.extend(told("now", new, diff.several_apis));
            lines
        }
        Change::Fails { old, new } => {
            let reason = |word: &str, fails: &Option<(String, String)>| {
                let (rule, message) = fails.as_ref()?;
                Some(format!("{word}: {rule}: {message}"))
            };
            let reasons = [reason("before", old), reason("now", new)];
            reasons.into_iter().flatten().collect()
        }
    }
}

/// The known result of a rule, in lines.
fn told(word: &str, told: &Told, several_apis: bool) -> Vec<String> {
    let Some(unresolved) = &told.unresolved else {
        let line = |step| format!("{word}: {}", sentence(step, several_apis));
        let mut sent: Vec<_> = told.steps.iter().map(line).collect();
        if sent.is_empty() {
            sent.push(format!("{word}: nothing"));
        }
        return sent;
    };
    let mut lines = vec![format!("{word}: unknown: {}", unresolved.message())];
    let more = conditional(unresolved, several_apis).into_iter();
    lines.extend(more.map(|line| format!("  {line}")));
    lines
}

/// The heading of the losses.
pub(super) const LOST: &str = "no longer done";

/// The losses, one line for all clusters with the same loss except for their names.
pub(super) fn losses(diff: &Diff) -> Vec<(String, Vec<&str>)> {
    type Key = (String, bool);
    let mut of_cluster: Vec<(Key, &Lost, Vec<&str>)> = Vec::new();
    let mut known: HashMap<(Key, &str), usize> = HashMap::new();
    for lost in &diff.lost {
        let key = (loss(lost, diff.several_apis), lost.maybe);
        let next = of_cluster.len();
        let index = *known
            .entry((key.clone(), lost.cluster.as_str()))
            .or_insert(next);
        match of_cluster.get_mut(index) {
            Some((_, _, events)) if !events.contains(&lost.event.as_str()) => {
                events.push(lost.event.as_str());
            }
            Some(_) => {}
            None => of_cluster.push((key, lost, vec![lost.event.as_str()])),
        }
    }
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for ((words, maybe), lost, events) in of_cluster {
        let perhaps = if maybe { "perhaps " } else { "" };
        let line = format!("{perhaps}{words} ({})", events.join(", "));
        let next = lines.len();
        let index = *known.entry(nameless(&line, &lost.cluster)).or_insert(next);
        match lines.get_mut(index) {
            Some((_, clusters)) => clusters.push(&lost.cluster),
            None => lines.push((line, vec![&lost.cluster])),
        }
    }
    lines
}

fn loss(lost: &Lost, several_apis: bool) -> String {
    let at = if several_apis {
        format!(" at `{}`", lost.api)
    } else {
        String::new()
    };
    match &lost.loss {
        Loss::Followed(server) => format!(
            "the server `{server}`{at} no longer follows the {}",
            lost.role.as_str().replace('_', " ")
        ),
        Loss::Restored(server) => {
            format!("nodes are no longer made from backups of `{server}`{at}")
        }
        Loss::Set(option) => format!("{option}{at} is no longer set"),
    }
}

/// A message in Markdown: text in backticks is code, and the rest has no markup.
fn ticked(line: &str) -> String {
    let parts = line.split('`').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        0 => escape_markdown(part),
        _ => code(part),
    });
    parts.collect()
}

/// A text with all Markdown characters escaped.
fn escape_markdown(text: &str) -> String {
    let mut escaped = String::new();
    for character in one_line(text).chars() {
        if character.is_ascii_punctuation() && !".,:()-".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// An edited rule that no cell shows; free texts are written with `free`.
pub(super) fn unseen_line(unseen: &Unseen, free: impl Fn(&str) -> String) -> String {
    let when = unseen.when.as_ref();
    let when = when.map_or_else(String::new, |when| {
        format!(", when {}", free(when.trim_end()))
    });
    let was = unseen.was.as_ref();
    let was = was.map_or_else(String::new, |was| format!(" from {}", free(was)));
    let (rule, what) = (free(&unseen.rule), unseen.what.as_str());
    format!("{rule}: {what}{was}{when}")
}

/// A setting that was edited.
pub(super) fn setting_line(setting: &Setting) -> String {
    format!("{}: {}", setting.setting, setting.what.as_str())
}

/// A value as in a request.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn field(Field { field, old, new }: &Field) -> String {
    format!("{field}: {} -> {}", shown(old), shown(new))
}

fn style(change: &Change) -> Style {
    match change.class() {
        Class::Added | Class::Mended => Style::Good,
        Class::Removed | Class::Breaks => Style::Error,
        Class::Retargeted | Class::Changed => Style::Warning,
        Class::Renamed | Class::TimingOnly | Class::Undecided => Style::Note,
    }
}

fn sign(change: &Change) -> &'static str {
    match change.class() {
        Class::Added | Class::Mended => "+",
        Class::Removed | Class::Breaks => "-",
        Class::Retargeted | Class::Changed => "!",
        Class::Renamed | Class::TimingOnly => "~",
        Class::Undecided => "?",
    }
}
