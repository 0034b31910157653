//! The common parts of the rules of one `for_each`.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Cuts, values};
use crate::load::decode::{Decoder, entries};
use crate::model::Origin;
use crate::template::{Put, Syntax};

/// The keys of a rule that may contain templates, except `when`.
const TEXTS: [&str; 5] = ["name", "description", "cluster", "request", "requests"];

/// Variable names in the rule set, by their names in rules and their values.
pub(super) type Made = BTreeMap<(String, String), String>;

/// A rule, cut where it uses its own names.
pub(super) struct Shape<'a> {
    pub(super) origin: Origin,
    pub(super) name: &'a str,
    /// The rule without the keys that only define names.
    pub(super) base: Value,
    pub(super) cuts: Cuts,
    /// Its variables with their names, places and values.
    pub(super) vars: Vec<(&'a str, Origin, &'a Value, Cuts)>,
}

impl<'a> Shape<'a> {
    pub(super) fn of(decoder: &Decoder<'_>, rule: &'a Value, origin: &Origin) -> Self {
        let wanted = |name: &str| {
            decoder.names.contains_key(name) || decoder.renamed(name, origin).is_some()
        };
        let mut base = rule.clone();
        if let Some(entries) = base.as_object_mut() {
            entries.remove("for_each");
            entries.remove("vars");
        }
        let mut cuts = Cuts::default();
        for key in TEXTS {
            if let Some(part) = rule.get(key) {
                cuts.add(part, format!("/{key}"), Syntax::Text, &wanted);
            }
        }
        if let Some(when) = rule.get("when") {
            cuts.add(when, "/when".to_owned(), Syntax::Expression, &wanted);
        }
        let section = origin.child("vars");
        let vars = rule.get("vars").into_iter();
        let vars = vars.flat_map(|vars| entries(vars, &section));
        let vars = vars.map(|(name, origin, value)| {
            let cuts = Cuts::of(value, Syntax::Text, wanted);
            (name.as_str(), origin, value, cuts)
        });
        Self {
            origin: origin.clone(),
            name: rule.get("name").and_then(Value::as_str).unwrap_or_default(),
            base,
            cuts,
            vars: vars.collect(),
        }
    }

    /// The names that it uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let of_vars = self.vars.iter().flat_map(|(.., cuts)| cuts.names());
        self.cuts.names().chain(of_vars)
    }

    /// The attributes that a name must have, and where.
    pub(super) fn attributes(&self, name: &str) -> Vec<(Origin, &str)> {
        let below = |origin: &Origin, pointer: &str| Origin {
            file: origin.file,
            pointer: format!("{}{pointer}", origin.pointer),
        };
        let asked = |(_, used, key): &(&str, &str, Option<&str>)| *used == name && key.is_some();
        let of_rule = self.cuts.uses().filter(asked);
        let of_rule = of_rule.filter_map(|(at, _, key)| Some((below(&self.origin, at), key?)));
        let of_vars = self.vars.iter().flat_map(|(_, origin, _, cuts)| {
            let uses = cuts.uses().filter(asked);
            uses.filter_map(|(at, _, key)| Some((below(origin, at), key?)))
                .collect::<Vec<_>>()
        });
        of_rule.chain(of_vars).collect()
    }

    /// Returns true if the value at this place differs from the file's.
    pub(super) fn changes(&self, at: &Origin) -> bool {
        let within = at.pointer.strip_prefix(self.origin.pointer.as_str());
        at.file == self.origin.file && within.is_some_and(|pointer| self.cuts.has(pointer))
    }
}

/// One of the rules: the values of `for_each`, and the names of its variables in the rule set.
pub(super) struct Instance<'v> {
    values: Vec<(&'v str, &'v Value)>,
    pub(super) vars: HashMap<&'v str, String>,
}

impl<'v> Instance<'v> {
    pub(super) fn new(values: Vec<(&'v str, &'v Value)>) -> Self {
        let vars = HashMap::new();
        Self { values, vars }
    }

    /// Returns true if it has values of `for_each`.
    pub(super) fn is_one_of_several(&self) -> bool {
        !self.values.is_empty()
    }

    /// The replacement of a name.
    pub(super) fn put<'p>(
        &'p self,
        decoder: &'p Decoder<'_>,
        name: &str,
        within: &Origin,
    ) -> Option<Put<'p>> {
        if let Some((_, value)) = self.values.iter().find(|(known, _)| *known == name) {
            return Some(Put::Value(value));
        }
        let own = self.vars.get(name).map(String::as_str);
        own.or_else(|| decoder.renamed(name, within)).map(Put::Name)
    }

    /// The names of `for_each` with short forms of their values.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let values = self.values.iter();
        let labels = values.map(|(name, value)| ((*name).to_owned(), values::label(value)));
        labels.collect()
    }

    /// The suffix of a message that only concerns this rule.
    pub(super) fn words(&self) -> String {
        let labels = self.labels().into_iter();
        let words: Vec<_> = labels
            .map(|(name, value)| format!("`{name}` = `{value}`"))
            .collect();
        if words.is_empty() {
            return String::new();
        }
        format!(", for {}", words.join(" and "))
    }

    /// The rule's name if the file has no template for it.
    pub(super) fn named(&self, name: &str) -> String {
        if self.values.is_empty() {
            return name.to_owned();
        }
        let labels: Vec<_> = self.labels().into_iter().map(|(_, label)| label).collect();
        format!("{name}[{}]", labels.join(","))
    }

    /// A part of a variable's name that distinguishes this rule's from others.
    pub(super) fn identifier(&self, name: &str) -> String {
        const LONGEST: usize = 60;
        let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let whole = self.named(name);
        whole
            .trim_end_matches(']')
            .chars()
            .take(LONGEST)
            .map(fits)
            .collect()
    }
}
