//! The common parts of the rules of one `for_each`.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Cuts, values};
use crate::load::decode::{Decoder, Here};
use crate::model::Origin;
use crate::template::{Put, Syntax};

/// The keys of a rule that may contain templates, except `when`.
const TEXTS: [&str; 5] = ["name", "description", "cluster", "request", "requests"];

/// Variable names in the rule set, by their names in rules and their values.
pub(super) type Made = BTreeMap<(String, String), String>;

/// A rule, cut where it uses its own names.
pub(super) struct Shape<'a, 'p> {
    pub(super) here: Here<'a, 'p>,
    origin: Origin,
    pub(super) name: &'a str,
    /// The rule without the keys that only define names.
    pub(super) base: Value,
    pub(super) cuts: Cuts,
    /// Its variables with their names.
    pub(super) vars: Vec<(&'a str, Here<'a, 'p>, Cuts)>,
}

impl<'a, 'p> Shape<'a, 'p> {
    /// Cuts a rule; `section` has its variables.
    pub(super) fn of(decoder: &Decoder<'_>, here: Here<'a, 'p>, section: &'p Here<'a, '_>) -> Self {
        let file = here.file();
        let wanted =
            |name: &str| decoder.names.contains_key(name) || decoder.renamed(name, file).is_some();
        let mut base = here.value.clone();
        if let Some(entries) = base.as_object_mut() {
            entries.remove("for_each");
            entries.remove("vars");
        }
        let mut cuts = Cuts::default();
        for key in TEXTS {
            if let Some(part) = here.value.get(key) {
                cuts.add(part, format!("/{key}"), Syntax::Text, &wanted);
            }
        }
        if let Some(when) = here.value.get("when") {
            cuts.add(when, "/when".to_owned(), Syntax::Expression, &wanted);
        }
        let vars = section.entries().map(|(name, here)| {
            let cuts = Cuts::of(here.value, Syntax::Text, wanted);
            (name.as_str(), here, cuts)
        });
        Self {
            here,
            origin: here.origin(),
            name: here.text("name").unwrap_or_default(),
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
        let of_rule = std::iter::once((&self.cuts, self.origin.clone()));
        let of_vars = self.vars.iter();
        let of_vars = of_vars.map(|(_, here, cuts)| (cuts, here.origin()));
        let mut found = Vec::new();
        for (cuts, within) in of_rule.chain(of_vars) {
            for (at, used, key) in cuts.uses() {
                if let Some(key) = key.filter(|_| used == name) {
                    let (file, pointer) = (within.file, format!("{}{at}", within.pointer));
                    found.push((Origin { file, pointer }, key));
                }
            }
        }
        found
    }

    /// Returns true if the value at this place differs from the file's.
    pub(super) fn changes(&self, at: &Origin) -> bool {
        self.within(at)
            .is_some_and(|pointer| self.cuts.has(pointer))
    }

    /// The pointer within the rule to this place.
    pub(super) fn within<'o>(&self, at: &'o Origin) -> Option<&'o str> {
        let within = at.pointer.strip_prefix(self.origin.pointer.as_str());
        within.filter(|_| at.file == self.origin.file)
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
        file: usize,
    ) -> Option<Put<'p>> {
        if let Some((_, value)) = self.values.iter().find(|(known, _)| *known == name) {
            return Some(Put::Value(value));
        }
        let own = self.vars.get(name).map(String::as_str);
        own.or_else(|| decoder.renamed(name, file)).map(Put::Name)
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
