//! A code's explanation, for `explain` and for the documentation.

use std::fmt::Write as _;

use crate::diagnostic::Code;

use super::text::{Screen, Style};

/// The page that `explain` prints.
pub fn explanation(code: Code, screen: Screen) -> String {
    let explanation = code.explanation();
    let title = format!(": {} ({})", code.title(), code.severity());
    let mut page = screen.styled(Style::of(code.severity()), &code.to_string(), &title);
    let _ = writeln!(page, "\n{}", explanation.about);
    for (head, files) in [("wrong", explanation.wrong), ("right", explanation.right)] {
        page.push('\n');
        page.push_str(&screen.styled(Style::Strong, head, ":"));
        let several = files.len() > 1;
        for (name, text) in files {
            if several {
                let _ = write!(page, "\n  {name}\n");
            }
            page.push('\n');
            for line in text.lines() {
                let _ = writeln!(page, "    {line}");
            }
        }
    }
    page
}

/// Every code with its title, one per line.
pub fn codes(screen: Screen) -> String {
    let mut list = String::new();
    for code in Code::ALL {
        let rest = format!("  {:7}  {}", code.severity(), code.title());
        list.push_str(&screen.styled(Style::of(code.severity()), &code.to_string(), &rest));
    }
    list
}

/// The reference of all codes in Markdown.
pub fn reference() -> String {
    let mut page = "# Findings\n\n\
        What `patroni_barman check` finds. A code keeps its meaning in later versions. The same text is printed by\n\
        `patroni_barman explain CODE`. This page is made from it; a test keeps them alike.\n\n\
        An *error* can't work, or can never do what it says: `check` exits with 1. A *warning* works and is probably not\n\
        meant: `check` exits with 0, with `--strict` with 1.\n"
        .to_owned();
    for code in Code::ALL {
        let (title, severity) = (code.title(), code.severity());
        let text = code.explanation_text().trim_end();
        let _ = write!(page, "\n## {code}: {title}\n\n*{severity}*\n\n{text}\n");
    }
    page
}
