//! Globs for cluster names.

use std::fmt;

/// A cluster name in which `*` stands for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern as the rules file writes it; any text is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `name` fits. Linear in the product of both lengths at worst: a `*`
    /// that must be tried again only moves forward.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), name.chars());
        let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
        loop {
            let (here, before) = (pattern.clone().next(), rest.clone());
            match (here, rest.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    pattern.next();
                    rest = before;
                    retry = Some((pattern.clone(), rest.clone()));
                    continue;
                }
                (Some('?'), Some(_)) => {
                    pattern.next();
                    continue;
                }
                (Some(wanted), Some(got)) if wanted == got => {
                    pattern.next();
                    continue;
                }
                _ => {}
            }
            let Some((after_star, start)) = &mut retry else {
                return false;
            };
            if start.next().is_none() {
                return false;
            }
            pattern = after_star.clone();
            rest = start.clone();
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_and_question_marks_cover_the_whole_name() {
        for (pattern, name, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("main-*", "main-", true),
            ("main-*", "main-7", true),
            ("main-*", "main", false),
            ("*", "", true),
            ("?", "", false),
            ("?ain", "main", true),
            ("*-*-z", "a-b-c-z", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbxc", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} on {name}"
            );
        }
    }
}
