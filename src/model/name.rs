//! Names and IDs that become part of a URL or of Barman's command line.

use std::fmt;

use serde::Serialize;

/// A server, backup or operation: letters, digits, `.`, `_`, `:` and `-`.
///
/// pg-backup-api splits its command line at spaces, so Barman would read a name with a space as two
/// words; a name with any other character is refused before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub struct Name(String);

/// A text that is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: letters, digits, `.`, `_`, `:` and `-` are allowed, at most {longest} of them, and it can't be empty or start with `-`",
    longest = Name::LONGEST
)]
pub struct NameError(pub String);

impl Name {
    /// The maximum length of a file name, which Barman creates from a name.
    pub const LONGEST: usize = 255;

    /// Accepts a text that is a name.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, starts with `-` (it would be read as an option) or has any
    /// other character.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
        // `.` and `..` are path segments that a URL would remove.
        let is_name = !text.is_empty()
            && text.len() <= Self::LONGEST
            && !text.starts_with('-')
            && text.chars().all(fits)
            && text.chars().any(|c| c != '.');
        if is_name {
            Ok(Self(text))
        } else {
            Err(NameError(text))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model of Barman: words on one line with single spaces between them.
///
/// It only occurs in the body of a request, and pg-backup-api passes it to Barman as one argument: any valid
/// section name in Barman's configuration is a valid model name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub struct ModelName(String);

/// A text that is not a [`ModelName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of a model: it is one line of words with one space between them, without `[`, `]` and `/`, at most {longest} characters long, and does not start with `-`",
    longest = Name::LONGEST
)]
pub struct ModelNameError(pub String);

impl ModelName {
    /// Accepts a text that is a model's name.
    ///
    /// # Errors
    /// [`ModelNameError`] if Barman could not have a section of this name.
    pub fn new(text: impl Into<String>) -> Result<Self, ModelNameError> {
        let text = text.into();
        // JavaScript treats a byte order mark as white space, and so does the schema.
        let fits = |c: char| {
            !c.is_whitespace() && !c.is_control() && !matches!(c, '[' | ']' | '/' | '\u{feff}')
        };
        let is_word = |word: &str| !word.is_empty() && word.chars().all(fits);
        let is_name = text.split(' ').all(is_word)
            && !text.starts_with('-')
            && text.chars().count() <= Name::LONGEST;
        if is_name {
            Ok(Self(text))
        } else {
            Err(ModelNameError(text))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
