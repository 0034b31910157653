//! A fleet: its pages, its metrics and its status for programs.

mod html;
mod json;
mod metrics;

use std::time::Duration;

use crate::agent::{Answer, Board, Condition};

#[cfg(test)]
pub(crate) use json::FleetOutput;

use super::text::{Screen, Style};

const HTML: &str = "text/html; charset=utf-8";

/// The maximum time since the loop's last run for it to count as alive.
const ALIVE: Duration = Duration::from_secs(30);

pub fn page(path: &str, board: &Board, now: Duration) -> Option<Answer> {
    let answer = |content_type, body| {
        Some(Answer {
            status: 200,
            content_type,
            body,
        })
    };
    match path {
        "/" => answer(HTML, html::overview(board, now)),
        "/metrics" => answer(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            metrics::text(board, now),
        ),
        "/api/status" => answer("application/json", json(board, now)),
        "/healthz" => {
            let alive = now.saturating_sub(board.alive()) < ALIVE;
            let (status, body) = if alive {
                (200, "ok\n")
            } else {
                (503, "the loop does not run\n")
            };
            Some(Answer {
                status,
                content_type: "text/plain; charset=utf-8",
                body: body.to_owned(),
            })
        }
        _ => {
            let name = path.strip_prefix("/cluster/")?;
            let name = percent_encoding::percent_decode_str(name)
                .decode_utf8()
                .ok()?;
            answer(HTML, html::cluster(&*board.row(&name)?, board, now))
        }
    }
}

/// The answer of `/api/status`.
pub fn json(board: &Board, now: Duration) -> String {
    json::status(board, now)
}

/// One line for Nagios, and the exit code of its plugins.
pub fn nagios(board: &Board) -> (u8, String) {
    let rows = board.rows();
    let count = |worst: &[Condition]| {
        let of = rows.iter().filter(|row| worst.contains(&row.condition));
        of.count()
    };
    let bad = count(&[
        Condition::Wrong,
        Condition::Disputed,
        Condition::Unreachable,
    ]);
    let fine = count(&[Condition::Fine, Condition::NoRule]);
    let doubt = rows.len() - bad - fine;
    let (code, word) = match (bad, doubt, rows.len()) {
        (0, 0, 1..) => (0, "OK"),
        (1.., ..) => (2, "CRITICAL"),
        (_, 1.., _) => (1, "WARNING"),
        _ => (3, "UNKNOWN"),
    };
    let worst = rows.first().filter(|_| code > 0).map(|row| {
        let trouble = row.trouble.as_deref().unwrap_or_default();
        let text = format!(": {}: {trouble}", row.here.cluster);
        super::one_line(&text).replace('|', "/")
    });
    let all = rows.len();
    let line = format!(
        "PATRONI_BARMAN {word} - {fine} of {all} clusters{} | bad={bad} doubt={doubt} ok={fine}\n",
        worst.unwrap_or_default()
    );
    (code, line)
}

/// One line for each cluster, the worst first.
pub fn once(board: &Board, screen: Screen) -> String {
    let mut text = String::new();
    for row in board.rows() {
        let trouble = row.trouble.as_deref().unwrap_or_default();
        let trouble = match (row.condition, trouble) {
            (Condition::Fine, _) | (_, "") => String::new(),
            (_, trouble) => format!(": {trouble}"),
        };
        let style = match row.condition {
            Condition::Fine => Style::Good,
            Condition::NoRule => Style::Strong,
            Condition::Wrong | Condition::Disputed | Condition::Unreachable => Style::Error,
            _ => Style::Warning,
        };
        let head = format!("{}: {}", row.here.cluster, row.condition.as_str());
        text.push_str(&screen.wrapped(Some(style), &head, &trouble, 2));
    }
    if text.is_empty() {
        text.push_str("there is no cluster\n");
    }
    text
}
