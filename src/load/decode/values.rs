//! Simple values: words, durations, and values with templates.

use std::time::Duration;

use serde_json::Value;

use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::Problem;
use crate::model::duration::{self, DurationError};
use crate::model::{Template, TemplateValue};

/// The minimum of a duration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Least {
    /// It may be `0s`.
    Zero,
    /// `0s` would leave no time at all.
    MoreThanZero,
}

impl Decoder<'_> {
    /// The duration under a key, or its default.
    pub(super) fn duration(
        &mut self,
        map: Here<'_, '_>,
        key: &str,
        least: Least,
        default: Duration,
    ) -> Duration {
        self.optional_duration(map, key, least, Some(default))
            .unwrap_or(default)
    }

    /// The duration under a key, or its default if there is one.
    pub(super) fn optional_duration(
        &mut self,
        map: Here<'_, '_>,
        key: &str,
        least: Least,
        default: Option<Duration>,
    ) -> Option<Duration> {
        let Some(text) = map.text(key) else {
            return default;
        };
        let problem =
            |message: String| Problem::new(Code::BadValue, map.child(key).spot(), message);
        match duration::read(text) {
            Ok(Duration::ZERO) if least == Least::MoreThanZero => {
                let help = match default {
                    Some(default) => format!("the default is `{}`", duration::format(default)),
                    None => format!("for the default, leave `{key}` out"),
                };
                self.problem(problem(format!("`{key}` can't be zero")).help(help));
            }
            Ok(duration) => return Some(duration),
            Err(DurationError::TooLong) => self.problem(
                problem(format!("`{text}` is too long")).help("the longest is a hundred years"),
            ),
            // The schema has reported that.
            Err(DurationError::Shape) => {}
        }
        default
    }
}

/// The word under a key as one of a type's values, or the default.
pub(super) fn word<T: Copy>(map: Here<'_, '_>, key: &str, words: &[(&str, T)], default: T) -> T {
    let known = |word| words.iter().find(|(known, _)| *known == word);
    let found = map.text(key).and_then(known);
    found.map_or(default, |(_, value)| *value)
}

/// The values under a key that holds one word or a list of words, without duplicates.
pub(super) fn words<T: PartialEq>(
    map: Here<'_, '_>,
    key: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for here in map.child(key).one_or_items() {
        if let Some(item) = here.value.as_str().and_then(&parse)
            && !found.contains(&item)
        {
            found.push(item);
        }
    }
    found
}

/// A value whose strings may be templates.
pub(crate) fn template_value(here: Here<'_, '_>) -> TemplateValue {
    match here.value {
        Value::Null => TemplateValue::Null,
        Value::Bool(value) => TemplateValue::Bool(*value),
        Value::Number(value) => TemplateValue::Number(value.clone()),
        Value::String(text) => TemplateValue::Text(Template {
            text: text.clone(),
            origin: here.origin(),
        }),
        Value::Array(_) => TemplateValue::List(here.items().map(template_value).collect()),
        Value::Object(_) => {
            let entries = here.entries();
            let entries = entries.map(|(key, value)| (key.clone(), template_value(value)));
            TemplateValue::Map(entries.collect())
        }
    }
}
