//! The names of a `for_each` and their values.

use std::collections::HashMap;

use serde_json::Value;

use super::{MOST_OF_ONE, MOST_RULES};
use crate::diagnostic::Code;
use crate::load::decode::{Decoder, Here};
use crate::load::problem::Problem;
use crate::template::is_template;

/// A `for_each`.
pub(super) struct Each<'a, 'p> {
    /// Its names with their lists and values.
    pub(super) names: Vec<(&'a str, Here<'a, 'p>, Vec<&'a Value>)>,
    /// True if rules can be created from it.
    pub(super) is_valid: bool,
}

impl<'a> Each<'a, '_> {
    /// Returns true if it has a name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|(known, ..)| *known == name)
    }

    /// The number of combinations; `None` if it overflows.
    fn count(&self) -> Option<usize> {
        let counts = self.names.iter().map(|(_, _, values)| values.len());
        counts.into_iter().try_fold(1_usize, usize::checked_mul)
    }

    /// Every combination of the values. The values of the last name change fastest.
    pub(super) fn combinations(&self) -> impl Iterator<Item = Vec<(&'a str, &'a Value)>> {
        (0..self.count().unwrap_or(0)).map(|number| {
            let mut rest = number;
            let mut values: Vec<_> = self
                .names
                .iter()
                .rev()
                .filter_map(|(name, _, values)| {
                    let value = values.get(rest % values.len().max(1))?;
                    rest /= values.len().max(1);
                    Some((*name, *value))
                })
                .collect();
            values.reverse();
            values
        })
    }
}

/// Returns true if a rule can be created for a value.
fn fits(value: &Value) -> bool {
    let is_simple =
        |value: &Value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
    match value {
        Value::Object(parts) => !parts.is_empty() && parts.values().all(is_simple),
        value => is_simple(value),
    }
}

/// A value in short: a mapping's `name`, or else its first value.
pub(super) fn label(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(parts) => {
            let first = parts.get("name").or_else(|| parts.values().next());
            first.map(label).unwrap_or_default()
        }
        other => other.to_string(),
    }
}

impl<'a> Decoder<'a> {
    /// Reads a `for_each`.
    pub(super) fn for_each<'p>(&mut self, here: &'p Here<'a, '_>) -> Each<'a, 'p> {
        let before = self.problems.len();
        let mut names = Vec::new();
        for (name, list) in here.entries() {
            let help = format!(
                "give this one another name, for example `each_{name}`: no name hides another"
            );
            self.own_name(name, list, help);
            names.push((name.as_str(), list, self.each_values(list)));
        }
        // The schema has reported unusable values.
        let fits =
            |(.., list): &(_, _, Vec<&Value>)| !list.is_empty() && list.iter().all(|v| fits(v));
        let mut each = Each {
            is_valid: !names.is_empty() && names.iter().all(fits) && self.problems.len() == before,
            names,
        };
        let count = each.count();
        if each.is_valid && count.is_none_or(|count| count > MOST_OF_ONE) {
            let many = count.map_or_else(|| "far too many".to_owned(), |count| count.to_string());
            let message =
                format!("this `for_each` makes {many} rules, and {MOST_OF_ONE} are allowed");
            let help = "split the lists over several rules";
            self.problem(Problem::new(Code::ForEach, here.key_spot(), message).help(help));
            each.is_valid = false;
        }
        self.unrolled.rules += count.filter(|_| each.is_valid).unwrap_or(0);
        if each.is_valid && self.unrolled.rules > MOST_RULES {
            let message = format!(
                "with this `for_each` there are {} rules made by `for_each`, and {MOST_RULES} are allowed",
                self.unrolled.rules
            );
            let help = "match several clusters by a glob, or make two rule sets of this one";
            self.problem(Problem::new(Code::ForEach, here.key_spot(), message).help(help));
            each.is_valid = false;
        }
        each
    }

    fn each_values(&mut self, list: Here<'a, '_>) -> Vec<&'a Value> {
        let mut values: Vec<&Value> = Vec::new();
        let mut labels = HashMap::new();
        for here in list.items() {
            let label = label(here.value);
            if here.value.as_str().is_some_and(is_template) {
                let message =
                    "no template is allowed here: the rules are expanded when the file is loaded";
                let help = "write the values themselves; an anchor, `&sites`, gives a list to several rules";
                self.problem(Problem::new(Code::ForEach, here.spot(), message).help(help));
            } else if let Some(first) = labels.insert(label.clone(), here) {
                let message = format!("`{label}` is there twice");
                let help = if here.value.is_object() {
                    "values are distinguished by their `name`, else by their first value"
                } else {
                    "delete one of them"
                };
                self.second(Code::ForEach, [here.spot(), first.spot()], message, help);
            }
            values.push(here.value);
        }
        values
    }
}
