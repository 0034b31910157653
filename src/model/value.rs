//! Values with templates in them.

use serde_json::{Number, Value};

/// The place of a value in the rules: enough to find its line when needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// The index of the file in the rule set, from 0.
    pub file: usize,
    /// The JSON pointer of the value in that file, for example `/rules/3/when`.
    pub pointer: String,
}

impl Origin {
    /// The whole of a file.
    pub const fn top(file: usize) -> Self {
        let pointer = String::new();
        Self { file, pointer }
    }

    /// The place of a part of this value.
    #[must_use]
    pub fn child(&self, key: impl std::fmt::Display) -> Self {
        Self {
            file: self.file,
            pointer: format!("{}/{key}", self.pointer),
        }
    }

    /// Returns true if the other value is this one or a part of it.
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
    /// Its strings, in the order of the file.
    pub fn texts(&self) -> Vec<&Template> {
        let mut found = Vec::new();
        self.add_texts(&mut found);
        found
    }

    fn add_texts<'v>(&'v self, found: &mut Vec<&'v Template>) {
        match self {
            Self::Text(template) => found.push(template),
            Self::List(items) => items.iter().for_each(|item| item.add_texts(found)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.add_texts(found)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    /// The value as JSON, with this function's result in the place of each string.
    pub fn try_json<E>(
        &self,
        text: &mut impl FnMut(&Template) -> Result<Value, E>,
    ) -> Result<Value, E> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => Value::Number(value.clone()),
            Self::Text(template) => text(template)?,
            Self::List(items) => {
                let items = items.iter().map(|item| item.try_json(text));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| Ok((key.clone(), value.try_json(text)?)));
                Value::Object(entries.collect::<Result<_, _>>()?)
            }
        })
    }
}
