//! Values with templates in them.

use serde_json::Number;

/// The place of a value in the rules: enough to find its line when needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// The index of the file in the rule set, from 0.
    pub file: usize,
    /// The JSON pointer of the value in that file, for example `/rules/3/when`.
    pub pointer: String,
}

impl Origin {
    /// The place of a part of this value.
    #[must_use]
    pub fn child(&self, key: impl std::fmt::Display) -> Self {
        Self {
            file: self.file,
            pointer: format!("{}/{key}", self.pointer),
        }
    }

    /// Returns true if the other value is this one or a part of it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let rest = other.pointer.strip_prefix(&self.pointer);
        self.file == other.file && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The text of a template or an expression, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The text as written, with its braces.
    pub text: String,
    /// Its place.
    pub origin: Origin,
}

/// A value of the rules file whose strings may be templates.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; never NaN or infinite.
    Number(Number),
    /// A string, with or without `{{ … }}`.
    Text(Template),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in the file's order.
    Map(Vec<(String, Self)>),
}

impl TemplateValue {
    /// Visits the texts in it, in order.
    pub fn texts<'v>(&'v self, visit: &mut dyn FnMut(&'v Template)) {
        match self {
            Self::Text(template) => visit(template),
            Self::List(items) => items.iter().for_each(|item| item.texts(visit)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.texts(visit)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}
