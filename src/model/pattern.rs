//! Globs for cluster names.

use std::fmt;

/// A cluster name in which `*` matches any characters and `?` matches one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern in the notation of the rules file; any text is valid.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if it has wildcards.
    pub fn is_glob(&self) -> bool {
        self.0.contains(['*', '?'])
    }

    /// Returns true if the whole `name` matches. At worst, the time is the product of both lengths: a `*`
    /// that must be retried only moves forward.
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

impl Pattern {
    /// Returns true if some name matches both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let other: Vec<char> = other.0.chars().collect();
        let starts = |row: &mut Vec<bool>| {
            for at in 0..other.len() {
                // A `*` also matches nothing.
                let reached = row.get(at) == Some(&true) && other.get(at) == Some(&'*');
                if let Some(next) = row.get_mut(at + 1).filter(|_| reached) {
                    *next = true;
                }
            }
        };
        // The positions in `other` that a name can reach that leads this far in `self`.
        let mut row = vec![false; other.len() + 1];
        if let Some(first) = row.first_mut() {
            *first = true;
        }
        starts(&mut row);
        for own in self.0.chars() {
            let reached = |row: &[bool], at: usize| row.get(at) == Some(&true);
            let mut next = vec![false; other.len() + 1];
            for (at, their) in other.iter().enumerate() {
                let both = *their == own || *their == '?' || own == '?';
                if reached(&row, at) && own != '*' && *their != '*' && both {
                    next.get_mut(at + 1).into_iter().for_each(|to| *to = true);
                }
                // Their `*` matches the character.
                if reached(&row, at) && *their == '*' {
                    next.get_mut(at).into_iter().for_each(|to| *to = true);
                }
            }
            if own == '*' {
                // It matches nothing, or whatever they have next.
                let mut any = false;
                for (at, to) in next.iter_mut().enumerate() {
                    any |= reached(&row, at);
                    *to |= any;
                }
            }
            starts(&mut next);
            row = next;
        }
        row.last() == Some(&true)
    }

    /// Returns true only if this matches every name that the other one matches.
    pub fn covers(&self, other: &Self) -> bool {
        // A wildcard in one can only be covered by the same wildcard in the other.
        let text = other.0.replace('?', "\u{1}").replace('*', "\u{0}\u{0}");
        self.0
            .split('*')
            .all(|part| !part.contains('?') || !other.0.contains('*'))
            && self.matches(&text)
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
    fn patterns_are_compared() {
        for (one, other, overlaps, covers) in [
            ("*", "main", true, true),
            ("main", "main", true, true),
            ("main", "mail", false, false),
            ("lab-*", "*-1", true, false),
            ("lab-*", "lab-1", true, true),
            ("lab-*", "lab-*-x", true, true),
            ("lab-*", "*", true, false),
            ("lab-*", "main-*", false, false),
            ("a?c", "?b?", true, false),
            ("a?c", "a?c", true, true),
            ("a?", "a*", true, false),
            ("*a", "b*", true, false),
            ("*a*", "bb", false, false),
            ("ab*", "a", false, false),
            ("?", "**", true, false),
            ("*", "*", true, true),
        ] {
            let (left, right) = (Pattern::new(one), Pattern::new(other));
            assert_eq!(left.overlaps(&right), overlaps, "{one} and {other}");
            assert_eq!(right.overlaps(&left), overlaps, "{other} and {one}");
            assert_eq!(left.covers(&right), covers, "{one} over {other}");
        }
    }

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
