//! The matrix as a page.

use std::fmt::Write as _;

use crate::matrix::{Cell, Matrix};
use crate::model::{Event, Role};
use crate::space::{Cluster, Known};

use super::html::{description, escape, page, silent, step, words};
use super::plan::NOTHING;

/// The page; `rules` is how the user calls the rules.
#[must_use]
pub fn matrix_html(matrix: &Matrix, rules: &str) -> String {
    let title = format!("What {rules} does");
    let mut body = format!(
        "<header><h1>What <code>{}</code> does</h1>\n<p>Every event that Patroni can fire, with every role \
         that it passes, and what is then asked of pg-backup-api.</p>\n",
        escape(rules)
    );
    let _ = writeln!(body, "<p class=\"note\">{}</p>", facts(&matrix.known));
    if matrix.clusters.len() > 1 {
        body.push_str("<nav>Clusters: ");
        for (index, cluster) in matrix.clusters.iter().enumerate() {
            let name = escape(&cluster.name);
            let _ = write!(body, "<a href=\"#cluster-{index}\">{name}</a> ");
        }
        body.push_str("</nav>\n");
    }
    body.push_str("</header>\n");
    for (index, (cluster, cells)) in matrix.blocks().enumerate() {
        let _ = writeln!(body, "<section id=\"cluster-{index}\">");
        body.push_str(&heading(cluster, matrix.elsewhere(cells)));
        body.push_str(&table(cells));
        body.push_str("</section>\n");
    }
    page(&title, &body)
}

/// What the placeholders stand for.
pub(super) fn facts(known: &Known) -> String {
    let mut text = format!(
        "The node is called <code>{}</code>, its host <code>{}</code>",
        escape(&known.node),
        escape(&known.host)
    );
    for (what, values) in [("environment", &known.env), ("argument", &known.args)] {
        for (name, value) in values {
            let _ = write!(
                text,
                ", {what} <code>{}={}</code>",
                escape(name),
                escape(value)
            );
        }
    }
    text.push('.');
    text
}

fn heading(cluster: &Cluster, elsewhere: usize) -> String {
    let kind = match cluster.matches.as_slice() {
        [] => "any cluster that no rule names".to_owned(),
        matches => {
            let matches: Vec<_> = matches
                .iter()
                .map(|pattern| format!("<code>{}</code>", escape(pattern)))
                .collect();
            format!("a cluster that the rules name as {}", matches.join(" and "))
        }
    };
    let others = match elsewhere {
        0 => String::new(),
        1 => "; one rule is for other clusters and left out here".to_owned(),
        count => format!("; {count} rules are for other clusters and left out here"),
    };
    format!(
        "<h2>Cluster <code>{}</code></h2>\n<p class=\"note\">{kind}{others}</p>\n",
        escape(&cluster.name)
    )
}

fn table(cells: &[Cell]) -> String {
    let mut html = String::from("<table><thead><tr><th scope=\"col\">event</th>");
    // A role that Patroni passes with no event takes no column.
    let passed = |role: &Role| cells.iter().any(|cell| cell.role == *role);
    let roles: Vec<Role> = Role::ALL.into_iter().filter(passed).collect();
    for role in &roles {
        let _ = write!(html, "<th scope=\"col\">{role}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for event in Event::ALL {
        let _ = write!(html, "<tr><th scope=\"row\">{event}</th>");
        for role in &roles {
            let found = cells.iter().find(|c| c.event == event && c.role == *role);
            match found {
                None => html.push_str(
                    "<td class=\"never\" aria-label=\"Patroni never passes this role\"></td>",
                ),
                Some(cell) => html.push_str(&entry(cell)),
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table>\n");
    html
}

fn entry(cell: &Cell) -> String {
    let survey = &cell.survey;
    let class = match (survey.unresolved.is_empty(), survey.plan.steps.is_empty()) {
        (false, _) => "unknown",
        (true, false) => "sends",
        (true, true) => "nothing",
    };
    let mut html = format!("<td class=\"{class}\" data-role=\"{}\">\n", cell.role);
    for each in &survey.plan.steps {
        html.push_str(&step(each));
        html.push_str(&description(&survey.plan, &each.rule));
    }
    for trace in survey.plan.idle() {
        let _ = writeln!(html, "<p><b>{}</b> {NOTHING}</p>", escape(&trace.rule));
        html.push_str(&description(&survey.plan, &trace.rule));
    }
    for error in &survey.unresolved {
        let _ = writeln!(
            html,
            "<p><b>{}</b> can’t be told: {}</p>",
            escape(&error.rule),
            words(&error.source.message)
        );
    }
    if class == "nothing" {
        html.push_str("<p class=\"note\">nothing</p>\n");
    }
    html.push_str(&silent(survey));
    html.push_str("</td>");
    html
}
