//! `vars`: in order; each may use those before it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::each::Cuts;
use super::values::template_value;
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::model::{Origin, Template, TemplateValue, Var};
use crate::template::{FACTS, Put, Syntax};

/// Words with another meaning in expressions.
const RESERVED: &str =
    "true True false False none None and or not in is if else loop self range dict namespace";

/// A variable of one file.
pub(super) struct Own {
    /// Its name in the rule set: different from that in the file if another file has its own variable of that name.
    pub(super) name: String,
    /// The place of its value.
    pub(super) origin: Origin,
}

/// The variables of one file or rule.
pub(super) type Section<'a, 'p> = Vec<(&'a String, Here<'a, 'p>)>;

/// A variable of the current section.
pub(super) struct Listed<'a> {
    pub(super) origin: Origin,
    value: &'a Value,
    /// True if it is above the current position.
    passed: bool,
}

impl<'a> Decoder<'a> {
    /// The variables for all files, then those of each file.
    pub(super) fn vars(&mut self, files: &[Here<'a, '_>]) -> Vec<Var> {
        let is_only = self.own_vars.len() == 1;
        let sections = files
            .iter()
            .filter_map(|file| Some((file.get("vars")?, file)));
        let sections: Vec<_> = sections.collect();
        let (mut shared, mut own) = (Section::new(), Vec::new());
        for (section, file) in &sections {
            if is_only || file.value.get("export") == Some(&Value::Bool(true)) {
                shared.extend(section.entries());
            } else {
                own.push(section.entries().collect::<Section<'_, '_>>());
            }
        }
        let (mut seen, mut several) = (HashSet::new(), HashSet::new());
        for (name, _) in shared.iter().chain(own.iter().flatten()) {
            self.taken.insert((*name).clone());
        }
        for (name, here) in own.iter().flatten() {
            let place = self.elsewhere.entry(name.as_str());
            place.or_insert_with(|| here.origin());
            if !seen.insert(*name) {
                several.insert(*name);
            }
        }
        let mut vars = Vec::new();
        self.section(shared, &mut vars, None);
        for section in own {
            self.enter_file();
            self.section(section, &mut vars, Some(&several));
        }
        vars
    }

    /// Reads variables. `several`: names that several files define for themselves, if these are for their file only.
    fn section(
        &mut self,
        all: Section<'a, '_>,
        vars: &mut Vec<Var>,
        several: Option<&HashSet<&String>>,
    ) {
        self.list(&all);
        for (label, here) in all {
            self.var_name(label, here);
            let name = match several {
                Some(several) if several.contains(label) => {
                    self.free_name(label, &format!("file_{}", here.file() + 1))
                }
                _ => label.clone(),
            };
            let value = self.file_value(here);
            self.constants.set(&name, &value);
            self.pass(label);
            let origin = here.origin();
            if several.is_none() {
                let known = self.vars.entry(name.clone());
                known.or_insert_with(|| origin.clone());
            } else if let Some(own) = self.own_vars.get_mut(here.file()) {
                let name = name.clone();
                let origin = origin.clone();
                own.insert(label.clone(), Own { name, origin });
            }
            vars.push(Var {
                name,
                label: label.clone(),
                value,
                origin,
            });
        }
    }

    /// A variable's value with the names of the rule set.
    fn file_value(&mut self, here: Here<'_, '_>) -> TemplateValue {
        let written = template_value(here);
        let before = self.problems.len();
        self.templates(&written);
        let file = here.file();
        let cuts = Cuts::of(here.value, Syntax::Text, |name| {
            self.renamed(name, file).is_some()
        });
        if cuts.is_empty() || self.problems.len() > before {
            return written;
        }
        let value = cuts.put_into(here.value, |name| self.renamed(name, file).map(Put::Name));
        let value = template_value(here.with(&value));
        self.templates(&value);
        value
    }

    /// The name of this file's variable in the rule set, if it differs.
    pub(super) fn renamed(&self, label: &str, file: usize) -> Option<&str> {
        let own = self.own_vars.get(file)?.get(label)?;
        (own.name != label).then_some(&own.name)
    }

    /// Returns true if a file has variables with a different name in the rule set.
    pub(super) fn renames(&self, file: usize) -> bool {
        let own = self.own_vars.get(file).into_iter().flatten();
        own.into_iter().any(|(label, own)| *label != own.name)
    }

    /// A unique name for a variable that shares its own with others.
    pub(super) fn free_name(&mut self, label: &str, whose: &str) -> String {
        let mut name = format!("{label}__{whose}");
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// The place of the variable that a name in this file refers to.
    pub(super) fn var_origin(&self, name: &str, file: usize) -> Option<&Origin> {
        let own = self.own_vars.get(file);
        let own = own.and_then(|own| own.get(name)).map(|own| &own.origin);
        own.or_else(|| self.vars.get(name))
    }

    /// The place of a variable that only another file may use.
    pub(super) fn var_elsewhere(&self, name: &str) -> Option<&Origin> {
        self.elsewhere.get(name)
    }

    fn var_name(&mut self, name: &str, here: Here<'_, '_>) {
        if self.bad_name(name, here) {
            return;
        }
        if let Some(before) = self.var_origin(name, here.file()).cloned() {
            let message = format!("there are two variables with the name `{name}`");
            let help = "give one of them another name, or delete it";
            let spots = [here.key_spot(), Spot::key(&before)];
            self.second(Code::BadVariable, spots, message, help);
        }
    }

    /// Reports a name that no variable can have.
    pub(super) fn bad_name(&mut self, name: &str, here: Here<'_, '_>) -> bool {
        let message = if FACTS.contains(&name) {
            format!("every template has a variable `{name}` already")
        } else if RESERVED.split(' ').any(|word| word == name) {
            format!("`{name}` means something else in an expression")
        } else {
            return false;
        };
        let help = format!("give it another name, for example `my_{name}`");
        self.problem(Problem::new(Code::BadVariable, here.key_spot(), message).help(help));
        true
    }

    /// The names that only this file or the current rule has.
    pub(super) fn own_names(&self, file: usize) -> impl Iterator<Item = &str> {
        let own = self.own_vars.get(file).into_iter().flatten();
        let own = own.map(|(name, _)| name.as_str());
        own.chain(self.names.keys().map(String::as_str))
    }

    /// Returns true if this is the name in the rule set of a variable of this file.
    pub(super) fn is_renamed(&self, name: &str, file: usize) -> bool {
        let mut own = self.own_vars.get(file).into_iter().flatten();
        own.any(|(_, own)| own.name == name)
    }

    /// Records the variables of a section before they are read.
    pub(super) fn list(&mut self, all: &Section<'a, '_>) {
        let listed = all.iter().map(|(name, here)| {
            let listed = Listed {
                origin: here.origin(),
                value: here.value,
                passed: false,
            };
            (name.as_str(), listed)
        });
        self.section = listed.collect();
    }

    /// Records that a variable can be used from here on.
    pub(super) fn pass(&mut self, name: &str) {
        if let Some(listed) = self.section.get_mut(name) {
            listed.passed = true;
        }
    }

    /// The place of a variable that is defined further down.
    pub(super) fn later(&self, name: &str) -> Option<&Origin> {
        let listed = self.section.get(name)?;
        (!listed.passed).then_some(&listed.origin)
    }

    /// The cycle of variables from the one that a template belongs to and back to it, if it uses this one.
    pub(super) fn circle(&self, used: &str, template: &Template) -> Option<Vec<&'a str>> {
        let mut listed = self.section.iter();
        let (start, _) = listed.find(|(_, listed)| listed.origin.contains(&template.origin))?;
        let (used, _) = self.section.get_key_value(used)?;
        let mut before: HashMap<&'a str, &'a str> = HashMap::from([(*used, *start)]);
        let mut next = vec![*used];
        while let Some(name) = next.pop() {
            let value = self.section.get(name)?.value;
            let cuts = Cuts::of(value, Syntax::Text, |used| self.section.contains_key(used));
            for used in cuts.names() {
                let (used, _) = self.section.get_key_value(used)?;
                if used == start {
                    let mut way = vec![*start, name];
                    while let Some(earlier) = way.last().and_then(|last| before.get(last)) {
                        way.push(earlier);
                        if earlier == start {
                            break;
                        }
                    }
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(used) {
                    before.insert(used, name);
                    next.push(used);
                }
            }
        }
        None
    }

    /// Returns true if a variable is defined above.
    pub(super) fn is_passed(&self, name: &str) -> bool {
        self.section.get(name).is_some_and(|listed| listed.passed)
    }
}
