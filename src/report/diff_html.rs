//! A comparison of rules as a page.

use std::fmt::Write as _;

use crate::diff::{Change, Class, Diff};

use super::diff::{
    UNSEEN, changes, details, groups, losses, places, setting_line, shown, summary, title,
    unseen_line,
};
use super::html::{escape, page, words};
use super::matrix_html::facts;

/// The page; `old` and `new` are the user's names for the two rule sets.
pub fn diff_html(diff: &Diff, old: &str, new: &str) -> String {
    let mut body = format!(
        "<header><h1>What the next failover does differently</h1>\n<p><code>{}</code> → <code>{}</code></p>\n\
         <p>{}</p>\n<p class=\"note\">{}</p></header>\n",
        escape(old),
        escape(new),
        escape(&summary(diff)),
        facts(&diff.known)
    );
    let lost = losses(diff);
    if !lost.is_empty() {
        body.push_str("<section><h2>No longer done</h2>\n<ul>\n");
        for (line, clusters) in lost {
            let clusters = escape(&clusters.join(", "));
            let _ = writeln!(body, "<li>in {clusters}: {}</li>", words(&line));
        }
        body.push_str("</ul></section>\n");
    }
    for group in groups(diff) {
        let _ = writeln!(
            body,
            "<article><h2>{}</h2>",
            escape(&places(&group, str::to_owned))
        );
        for change in changes(&group) {
            body.push_str(&entry(change, diff));
        }
        body.push_str("</article>\n");
    }
    if !diff.unseen.is_empty() {
        let _ = write!(
            body,
            "<section><h2>Not shown by any cell</h2>\n<p>{}</p>\n<ul>\n",
            words(UNSEEN)
        );
        for unseen in &diff.unseen {
            let _ = writeln!(
                body,
                "<li>{}</li>",
                escape(&unseen_line(unseen, str::to_owned))
            );
        }
        body.push_str("</ul></section>\n");
    }
    if !diff.settings.is_empty() {
        body.push_str("<section><h2>Other edits</h2>\n<ul>\n");
        for setting in &diff.settings {
            let _ = writeln!(body, "<li>{}</li>", escape(&setting_line(setting)));
        }
        body.push_str("</ul></section>\n");
    }
    page(&format!("{old} → {new}"), &body)
}

fn entry(change: &Change, diff: &Diff) -> String {
    let class = change.class();
    let mut html = format!(
        "<div class=\"change {}\"><p><span class=\"class\">{}</span> {}</p>\n",
        style(class),
        class.as_str(),
        words(&title(change, diff))
    );
    if let Change::Changed { fields, .. } = change {
        html.push_str("<ul>\n");
        for field in fields {
            let _ = writeln!(
                html,
                "<li><code>{}</code>: <del>{}</del> → <ins>{}</ins></li>",
                escape(&field.field),
                escape(&shown(&field.old)),
                escape(&shown(&field.new))
            );
        }
        html.push_str("</ul>\n");
    } else {
        for line in details(change, diff) {
            let _ = writeln!(html, "<p class=\"note\">{}</p>", detail(&line));
        }
    }
    html.push_str("</div>\n");
    html
}

/// A request as code, anything else as text.
fn detail(line: &str) -> String {
    if line.trim_start().starts_with("POST ") {
        format!("<code>{}</code>", escape(line))
    } else {
        words(line)
    }
}

fn style(class: Class) -> &'static str {
    match class {
        Class::Breaks => "breaks",
        Class::Mended => "mended",
        Class::Added => "added",
        Class::Removed => "removed",
        Class::Retargeted => "retargeted",
        Class::Changed => "changed",
        Class::Renamed => "renamed",
        Class::TimingOnly => "timing",
        Class::Undecided => "undecided",
    }
}
