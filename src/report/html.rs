//! One self-contained page: no script, nothing fetched from anywhere.

use std::fmt::Write as _;

use crate::evaluate::{Plan, Preview, Step};

use super::folded::{carried_out, is_nothing, sentence};

/// Readable on a phone, on a desktop, in the dark and on paper.
const STYLE: &str = include_str!("page.css");

/// A whole page.
pub(super) fn page(title: &str, body: &str) -> String {
    document(title, "", STYLE, body)
}

/// A page with further lines in its head, and this style.
pub(super) fn document(title: &str, head: &str, style: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n{head}\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title)
    )
}

/// Text in XML or HTML, also inside an attribute in double quotes.
pub(super) fn escape_markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Text in HTML, also inside an attribute.
pub(super) fn escape(text: &str) -> String {
    escape_markup(text).replace('\'', "&#39;")
}

/// A message with its words in backticks as code.
pub(super) fn words(message: &str) -> String {
    let mut html = String::new();
    for (index, part) in message.split('`').enumerate() {
        let part = escape(part);
        let _ = match index % 2 {
            0 => write!(html, "{part}"),
            _ => write!(html, "<code>{part}</code>"),
        };
    }
    html
}

/// A step: a summary that opens to show everything.
pub(super) fn step(step: &Step, several_apis: bool) -> String {
    format!(
        "<div class=\"step\"><p><b>{}</b> {}</p>\n<details class=\"request\"><summary>request</summary>\
         <pre>POST {}\n{}</pre><p class=\"note\">{}</p></details></div>\n",
        escape(&step.rule),
        words(&sentence(step, several_apis)),
        escape(&step.url),
        escape(&format!("{:#}", step.operation.body())),
        escape(&carried_out(step))
    )
}

/// The author's description of a rule.
pub(super) fn description(plan: &Plan, rule: &str) -> String {
    let text = plan.description(rule).map(escape);
    text.map_or_else(String::new, |text| {
        format!("<p class=\"note\">{}</p>\n", text.replace('\n', "<br>\n"))
    })
}

/// The reasons why rules did not fire, except for those already mentioned.
pub(super) fn silent(preview: &Preview) -> String {
    let items = reasons(preview, true).concat();
    if items.is_empty() {
        return items;
    }
    let summary = if is_nothing(preview) {
        "why"
    } else {
        "why not the others"
    };
    format!("<details class=\"why\"><summary>{summary}</summary><ul>\n{items}</ul></details>\n")
}

/// The same, one item each, with or without the actual values.
pub(super) fn reasons(preview: &Preview, with_got: bool) -> Vec<String> {
    let spoken_of = |rule: &str| {
        let unresolved = preview.unresolved.iter().map(|one| &one.rule);
        let mut all = unresolved.chain(preview.failures.iter().map(|one| &one.rule));
        all.any(|one| one == rule)
    };
    let mut items = Vec::new();
    for trace in &preview.plan.trace {
        let Some(because) = &trace.because else {
            continue;
        };
        if spoken_of(&trace.rule) {
            continue;
        }
        let got = if with_got {
            format!(", got <i>{}</i>", words(&because.got))
        } else {
            String::new()
        };
        items.push(format!(
            "<li><b>{}</b> <code>{}</code> wants <i>{}</i>{got}</li>\n",
            escape(&trace.rule),
            because.field,
            escape(&because.wanted),
        ));
    }
    items
}
