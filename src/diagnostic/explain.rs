//! What each code means, with an example of what is wrong and of what is right.

use super::Code;

/// A code's explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What it means and what to do; paragraphs of Markdown.
    pub about: &'static str,
    /// Files that show it, by name.
    pub wrong: Vec<(&'static str, &'static str)>,
    /// The same files put right.
    pub right: Vec<(&'static str, &'static str)>,
}

impl Code {
    /// The page about it, from the top of the documentation.
    pub fn page(self) -> String {
        let heading = format!("{self} {}", self.title()).to_lowercase();
        let kept = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        format!("docs/findings.md#{}", kept.collect::<String>())
    }

    /// What it means.
    #[must_use]
    pub fn explanation(self) -> Explanation {
        let text = self.explanation_text();
        let (about, examples) = text.split_once("\n### Wrong\n").unwrap_or((text, ""));
        let (wrong, right) = examples
            .split_once("\n### Right\n")
            .unwrap_or((examples, ""));
        Explanation {
            about: about.trim(),
            wrong: files(wrong),
            right: files(right),
        }
    }
}

/// The YAML blocks of a text; the name of a file stands in backticks before its block.
fn files(text: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once("```yaml\n") {
        let Some((block, after)) = block.split_once("```\n") else {
            break;
        };
        let name = before.split('`').nth(1).unwrap_or("rules.yml");
        found.push((name, block));
        rest = after;
    }
    found
}
