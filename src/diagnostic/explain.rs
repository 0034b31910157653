//! The meaning of each code, with a wrong and a right example.

use super::Code;

/// A code's explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The meaning and the remedy; paragraphs of Markdown.
    pub about: &'static str,
    /// Example files with the mistake, by name.
    pub wrong: Vec<(&'static str, &'static str)>,
    /// The same files, corrected.
    pub right: Vec<(&'static str, &'static str)>,
}

impl Code {
    /// The page about it, relative to the documentation's root.
    pub fn page(self) -> String {
        let heading = format!("{self} {}", self.title()).to_lowercase();
        let kept = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        format!("docs/findings.md#{}", kept.collect::<String>())
    }

    /// The code's explanation.
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

/// The YAML blocks of a text; the name of a file is in backticks before its block.
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
