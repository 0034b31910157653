//! The matrix as a page.

use std::fmt::Write as _;

use crate::evaluate::as_written;
use crate::matrix::{Active, Cell, Matrix};
use crate::model::{Event, Role};
use crate::space::{Cluster, Known};

use super::folded::{FAILS, Group, conditional, groups, is_nothing, list};
use super::html::{description, escape, page, reasons, silent, step, words};
use super::plan::NOTHING;

/// The page; `rules` is the user's name for the rules.
pub fn matrix_html(matrix: &Matrix<'_>, rules: &str) -> String {
    let title = format!("What {rules} does");
    let mut body = format!(
        "<header><h1>What <code>{}</code> does</h1>\n<p>Every event that Patroni can fire, with every role \
         that it passes, and what is then asked of pg-backup-api.</p>\n",
        escape(rules)
    );
    let groups = groups(matrix, true);
    let _ = writeln!(body, "<p class=\"note\">{}</p>", facts(&matrix.known));
    if matrix.clusters.len() > 1 {
        body.push_str("<nav>Clusters: ");
        for (index, group) in groups.shown.iter().enumerate() {
            for cluster in &group.clusters {
                let name = escape(&cluster.name);
                let _ = write!(body, "<a href=\"#cluster-{index}\">{name}</a> ");
            }
        }
        body.push_str("</nav>\n");
    }
    body.push_str("</header>\n");
    for (index, group) in groups.shown.iter().enumerate() {
        let _ = writeln!(body, "<section id=\"cluster-{index}\">");
        body.push_str(&heading(group));
        body.push_str(&table(group, matrix));
        body.push_str("</section>\n");
    }
    match groups.what_is_left() {
        Some(more) => {
            let _ = writeln!(body, "<p class=\"note\">{}</p>", escape(&more));
        }
        None => body.push_str(&unseen(matrix, &groups.active)),
    }
    page(&title, &body)
}

/// The given facts, and the meaning of the placeholders.
pub(super) fn facts(known: &Known) -> String {
    let (node, host) = (escape(&known.node), escape(&known.host));
    let mut text = format!("The node is called <code>{node}</code>, its host <code>{host}</code>");
    for (what, values) in [("environment", &known.env), ("argument", &known.args)] {
        for (name, value) in values {
            let (name, value) = (escape(name), escape(value));
            let _ = write!(text, ", {what} <code>{name}={value}</code>");
        }
    }
    for name in &known.unset {
        let _ = write!(text, ", <code>{}</code> is not set", escape(name));
    }
    text.push('.');
    if known.given.is_empty() {
        text.push_str(" Names in capitals are placeholders.");
    }
    text
}

fn heading(group: &Group<'_>) -> String {
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    let clusters = group.clusters.iter();
    let names: Vec<String> = clusters.map(|cluster| code(&cluster.name)).collect();
    let others = match group.elsewhere {
        0 => String::new(),
        1 => "; one rule is for other clusters and left out here".to_owned(),
        count => format!("; {count} rules are for other clusters and left out here"),
    };
    match (names.as_slice(), group.clusters.as_slice()) {
        ([name], [cluster]) => format!(
            "<h2>Cluster {name}</h2>\n<p class=\"note\">{}{others}</p>\n",
            kind(cluster)
        ),
        (names, clusters) => {
            let mut kinds: Vec<String> = clusters.iter().map(|cluster| kind(cluster)).collect();
            kinds.dedup();
            let kinds = match kinds.as_slice() {
                [kind] => kind.clone(),
                _ => "the same but for the name".to_owned(),
            };
            format!(
                "<h2>Clusters {}</h2>\n<p class=\"note\">The same but for the name, here <code>{}</code>: {kinds}{others}</p>\n",
                names.join(", "),
                escape(clusters.first().map_or("", |cluster| &cluster.name))
            )
        }
    }
}

fn kind(cluster: &Cluster) -> String {
    match cluster.matches.as_slice() {
        [] => "any cluster that no rule names".to_owned(),
        [only] if *only == cluster.name => "a cluster that the rules name".to_owned(),
        matches => {
            let code = |pattern: &String| format!("<code>{}</code>", escape(pattern));
            let matches: Vec<_> = matches.iter().map(code).collect();
            format!("a cluster that the rules name as {}", matches.join(" and "))
        }
    }
}

fn table(group: &Group<'_>, matrix: &Matrix<'_>) -> String {
    let (events, nothing) = group.events();
    let mut html = String::from("<table><thead><tr><th scope=\"col\">event</th>");
    // A role that Patroni passes with no event gets no column.
    let passed = |role: &Role| group.cells.iter().any(|cell| cell.role == *role);
    let roles: Vec<Role> = Role::ALL.into_iter().filter(passed).collect();
    for role in &roles {
        let _ = write!(html, "<th scope=\"col\">{role}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for event in events {
        let _ = write!(html, "<tr><th scope=\"row\">{event}</th>");
        for role in &roles {
            let mut cells = group.cells.iter();
            match cells.find(|cell| cell.event == event && cell.role == *role) {
                None => html.push_str(
                    "<td class=\"never\" aria-label=\"Patroni never passes this role\"></td>",
                ),
                Some(cell) => html.push_str(&entry(cell, matrix)),
            }
        }
        html.push_str("</tr>\n");
    }
    if !nothing.is_empty() {
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"nothing\" colspan=\"{}\" data-role=\"any role\">\n<p class=\"note\">nothing</p>\n{}</td></tr>",
            list(&nothing),
            roles.len(),
            why_nothing(group, &nothing)
        );
    }
    html.push_str("</tbody></table>\n");
    html
}

/// The reasons in all cells of these events, without duplicates.
fn why_nothing(group: &Group<'_>, events: &[Event]) -> String {
    let mut all: Vec<String> = Vec::new();
    let cells = group.cells.iter();
    for cell in cells.filter(|cell| events.contains(&cell.event)) {
        for reason in reasons(&cell.preview, false) {
            if !all.contains(&reason) {
                all.push(reason);
            }
        }
    }
    if all.is_empty() {
        return String::new();
    }
    format!(
        "<details class=\"why\"><summary>why</summary><ul>\n{}</ul></details>\n",
        all.concat()
    )
}

fn entry(cell: &Cell, matrix: &Matrix<'_>) -> String {
    let preview = &cell.preview;
    let several = matrix.rules().apis.len() > 1;
    let class = if !preview.failures.is_empty() {
        "fails"
    } else if !preview.unresolved.is_empty() {
        "unknown"
    } else if is_nothing(preview) {
        "nothing"
    } else {
        "sends"
    };
    let mut html = format!("<td class=\"{class}\" data-role=\"{}\">\n", cell.role);
    if !preview.failures.is_empty() {
        let _ = writeln!(html, "<p><b>{FAILS}</b></p>");
    }
    for error in &preview.failures {
        let (rule, message) = (escape(&error.rule), words(&error.source.message));
        let _ = writeln!(html, "<p><b>{rule}</b> {message}</p>");
        html.push_str(&notes(&error.rule, matrix));
    }
    for (index, each) in preview.plan.steps.iter().enumerate() {
        html.push_str(&step(each, several));
        let next = preview.plan.steps.get(index + 1);
        if next.is_none_or(|next| next.rule != each.rule) {
            html.push_str(&description(&preview.plan, &each.rule));
            html.push_str(&notes(&each.rule, matrix));
        }
    }
    for trace in preview.plan.idle() {
        let _ = writeln!(html, "<p><b>{}</b> {NOTHING}</p>", escape(&trace.rule));
        html.push_str(&description(&preview.plan, &trace.rule));
        html.push_str(&notes(&trace.rule, matrix));
    }
    let sends_nothing = !preview.failures.is_empty();
    for one in preview.unresolved.iter().filter(|_| !sends_nothing) {
        let (rule, message) = (escape(&one.rule), words(&one.message()));
        let _ = writeln!(html, "<p><b>{rule}</b> unknown: {message}</p>");
        for line in conditional(one, several) {
            let line = match line.trim_start() {
                code if code.starts_with("POST ") => format!("<code>{}</code>", escape(code)),
                code if code.starts_with("when ") => {
                    let condition = code.get(5..).unwrap_or_default();
                    format!("when <code>{}</code>", escape(condition))
                }
                other => words(other),
            };
            let _ = writeln!(html, "<p class=\"note\">{line}</p>");
        }
        html.push_str(&notes(&one.rule, matrix));
    }
    if class == "nothing" {
        html.push_str("<p class=\"note\">nothing</p>\n");
    }
    html.push_str(&silent(preview));
    html.push_str("</td>");
    html
}

/// The place of a rule, and the findings about it.
fn notes(rule: &str, matrix: &Matrix<'_>) -> String {
    let Some(note) = matrix.note(rule) else {
        return String::new();
    };
    let (file, line) = (escape(&note.file), note.line);
    let mut html = format!("<p class=\"note\">{file}:{line}</p>\n");
    for found in &note.findings {
        let (code, message) = (found.code, words(&found.message));
        let _ = writeln!(html, "<p class=\"finding\"><b>{code}</b> {message}</p>");
    }
    html
}

/// The rules that no cell shows.
fn unseen(matrix: &Matrix<'_>, active: &Active) -> String {
    let mut items = String::new();
    for (rule, note) in matrix.silent(active) {
        let why = match &rule.when {
            _ if !rule.enabled => ": not enabled".to_owned(),
            Some(when) => {
                let when = as_written(when, &matrix.rules().vars);
                format!(": when <code>{}</code>", escape(when.trim_end()))
            }
            None => String::new(),
        };
        let (name, file, line) = (escape(&rule.name), escape(&note.file), note.line);
        let _ = writeln!(items, "<li><b>{name}</b> ({file}:{line}){why}</li>");
    }
    if items.is_empty() {
        return items;
    }
    format!("<section><h2>Rules that fire in no cell shown</h2>\n<ul>\n{items}</ul></section>\n")
}
