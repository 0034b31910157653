//! The kinds of finding, each with a stable code.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Can't work, or can never do what it says.
    Error,
    /// Works, and is probably not meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// A kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not YAML.
    YamlSyntax,
}
