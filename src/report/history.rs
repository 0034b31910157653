//! Intents: decisions and their outcomes.

use serde::Serialize;

use crate::evaluate::Post;
use crate::model::{Event, Name, Role, Utc, duration, local_time, utc};
use crate::store::{Intent, IntentId, Source, State};

use super::receipt::ReceiptView;
use super::text::{Screen, Style, breadth, cut, lines_of, one_line, put_line};

/// The output of `patroni_barman history --format json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistoryOutput<'a> {
    /// The requests that were decided on, newest first.
    pub requests: Vec<IntentView<'a>>,
    /// The changes of timeline, newest first; none with `--rule` or `--outcome`.
    pub receipts: Vec<ReceiptView<'a>>,
}

/// A request that was decided on.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Decided"))]
pub struct IntentView<'a> {
    /// Its number.
    id: IntentId,
    /// The time of the decision.
    decided: Utc,
    /// Patroni's scope.
    cluster: &'a str,
    /// The Patroni member's name, if it was known.
    node: Option<&'a str>,
    /// The source of the decision.
    source: Source,
    /// The event it was decided for.
    event: Event,
    /// The role it was decided for, in the words of the rules.
    role: Role,
    /// The rule that asked for it.
    rule: &'a str,
    /// The request.
    request: Post,
    /// Its state, or its outcome.
    outcome: State,
    /// The number of attempts.
    attempts: u32,
    /// pg-backup-api's operation, if it was accepted.
    operation_id: Option<&'a Name>,
    /// The time when it was settled.
    ended: Option<Utc>,
    /// The reason for its outcome, or why it is still pending.
    message: Option<&'a str>,
}

impl<'a> IntentView<'a> {
    /// An intent for programs.
    pub fn of(intent: &'a Intent) -> Self {
        Self {
            id: intent.id,
            decided: utc(intent.created),
            cluster: &intent.cluster,
            node: intent.node.as_deref(),
            source: intent.source,
            event: intent.event,
            role: intent.role,
            rule: &intent.step.rule,
            request: intent.step.post(),
            outcome: intent.state,
            attempts: intent.attempts,
            operation_id: intent.operation_id.as_ref(),
            ended: intent.ended.map(utc),
            message: intent.message.as_deref(),
        }
    }
}

/// Intents as a table that fits the screen; what is not done has its reason below.
pub fn history(intents: &[Intent], screen: Screen) -> String {
    let Screen { width, colour } = screen;
    if intents.is_empty() {
        return "no requests recorded\n".to_owned();
    }
    let rows: Vec<[String; 7]> = intents.iter().map(row).collect();
    let longest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let heading = HEADINGS.get(column).map_or(0, |heading| heading.len());
        let cells = cells.map(|cell| breadth(cell));
        cells.fold(heading, usize::max)
    };
    let mut widths: [usize; 7] = std::array::from_fn(longest);
    let fixed = widths.iter().sum::<usize>() - widths[RULE] - widths[REQUEST] + 2 * 6;
    let room = width.saturating_sub(fixed).max(2 * NARROWEST);
    // Width that one of the two does not need goes to the other.
    let half = room / 2;
    widths[RULE] = widths[RULE].min(half.max(room.saturating_sub(widths[REQUEST])));
    widths[REQUEST] = widths[REQUEST].min(room - widths[RULE]);
    let mut text = line(&HEADINGS.map(str::to_owned), &widths, |_, cell| {
        colour.paint(Style::Strong, cell)
    });
    for (intent, row) in intents.iter().zip(&rows) {
        text.push_str(&line(row, &widths, |column, cell| {
            match style(intent.state) {
                Some(style) if column == OUTCOME => colour.paint(style, cell),
                _ => cell.to_owned(),
            }
        }));
        if let Some(why) = reason(intent) {
            for part in lines_of(&one_line(&why), width.saturating_sub(4), 0) {
                put_line!(text, "    {part}");
            }
        }
    }
    text
}

const HEADINGS: [&str; 7] = ["#", "WHEN", "EVENT", "RULE", "REQUEST", "OUTCOME", "TOOK"];
const RULE: usize = 3;
const REQUEST: usize = 4;
const OUTCOME: usize = 5;

/// The minimum width of a name.
const NARROWEST: usize = 8;

fn row(intent: &Intent) -> [String; 7] {
    let event = match intent.source {
        Source::Callback => intent.event.as_str(),
        Source::SecondLook => "second look",
        source => source.as_str(),
    };
    let took = match (intent.state, intent.ended) {
        (State::Pending, _) | (_, None) => String::new(),
        (_, Some(ended)) => duration::rounded(ended.saturating_sub(intent.created)),
    };
    [
        intent.id.0.to_string(),
        local_time(intent.created)
            .get(5..)
            .unwrap_or_default()
            .to_owned(),
        event.to_owned(),
        intent.step.rule.clone(),
        intent.step.operation.short_words(),
        intent.state.as_str().to_owned(),
        took,
    ]
    .map(|cell| one_line(&cell))
}

/// The member a request was for, and the reason why it is not done.
fn reason(intent: &Intent) -> Option<String> {
    let why = match (&intent.message, intent.state) {
        (Some(why), _) => why.clone(),
        (None, State::Done) => return None,
        (None, _) => attempts(intent),
    };
    let node = intent.node.as_ref();
    let node = node.map_or_else(String::new, |node| format!(" on {node}"));
    let (cluster, role) = (&intent.cluster, intent.role);
    Some(format!("{cluster} {role}{node}: {why}"))
}

pub(super) const fn style(state: State) -> Option<Style> {
    match state {
        State::Failed | State::Refused | State::Unverified | State::Abandoned => Some(Style::Error),
        State::Pending => Some(Style::Warning),
        State::Done => Some(Style::Good),
        State::Fenced | State::Superseded | State::Forgotten => None,
    }
}

/// One line of the table; `paint` colours a padded cell.
fn line(cells: &[String; 7], widths: &[usize; 7], paint: impl Fn(usize, &str) -> String) -> String {
    let mut text = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = cut(cell, *width);
        let gap = width.saturating_sub(breadth(&cell));
        text.push_str(&paint(column, &cell));
        text.push_str(&" ".repeat(gap + 2));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The number of attempts, in words.
pub(super) fn attempts(intent: &Intent) -> String {
    match intent.attempts {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    }
}
