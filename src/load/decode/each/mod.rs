//! Rules with their own names: `for_each`, which expands one rule into several, and `vars` on a rule.
//!
//! Later stages only see plain rules. The values of `for_each` are substituted in the templates of the expanded rules; a
//! variable of a rule becomes one of the rule set, with a unique name.

mod cuts;
mod early;
mod shape;
mod values;

use serde_json::Value;

pub(super) use self::cuts::Cuts;
use self::shape::{Instance, Shape};
use self::values::Each;
use super::constant::refused;
use super::rule::{Defaults, Names, requests};
use super::template::Inspected;
use super::values::template_value;
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::{Part, Problem, Spot};
use crate::model::{Origin, Rule, Template, TemplateValue, Var};
use crate::template::{Syntax, is_template};

/// The maximum number of rules from one `for_each`.
const MOST_OF_ONE: usize = 1_000;
/// The maximum number of rules from all of them.
const MOST_RULES: usize = 10_000;
/// The maximum number of values in the expanded rules.
const MOST_VALUES: usize = 500_000;
/// The maximum number of variables in the expanded rules. Every evaluation visits each.
const MOST_VARS: usize = 1_000;
/// The maximum number of bytes of text in the expanded rules.
const MOST_BYTES: usize = 16 << 20;

/// The totals of expansion.
#[derive(Default)]
pub(super) struct Unrolled {
    rules: usize,
    values: usize,
    bytes: usize,
    vars: usize,
}

impl<'a> Decoder<'a> {
    /// Forgets the valid templates: in another file the same names may differ.
    pub(super) fn enter_file(&mut self) {
        if self.own_vars.iter().any(|own| !own.is_empty()) {
            self.inspected = Inspected::default();
        }
    }

    /// Returns true if a rule is read as it is.
    pub(super) fn is_plain(&self, rule: Here<'_, '_>) -> bool {
        rule.get("for_each").is_none() && rule.get("vars").is_none() && !self.renames(rule.file())
    }

    /// Expands a rule with its own names.
    pub(super) fn unroll(
        &mut self,
        rule: Here<'a, '_>,
        defaults: &Defaults,
        names: &mut Names<'a>,
        rules: &mut Vec<Rule>,
    ) {
        let before = self.problems.len();
        self.inspected = Inspected::default();
        let (lists, vars) = (rule.get("for_each"), rule.child("vars"));
        let each = lists.as_ref().map(|lists| self.for_each(lists));
        for (name, list, _) in each.iter().flat_map(|each| &each.names) {
            self.names.insert((*name).to_owned(), list.origin());
        }
        self.as_written(rule, vars, each.as_ref());
        let shape = Shape::of(self, rule, &vars);
        let is_readable = self.problems.len() == before;
        if let Some(each) = each.as_ref().filter(|_| is_readable) {
            self.uses_all(each, &shape);
        }
        let mut combinations: Vec<_> = match &each {
            Some(each) if !each.is_valid => Vec::new(),
            Some(each) => each.combinations().collect(),
            None => vec![Vec::new()],
        };
        if self.problems.len() > before {
            // Any other error shows in each of them.
            combinations.truncate(1);
        }
        if each.is_none() || self.has_room(&shape.base, rule, combinations.len()) {
            let known = before..self.problems.len();
            let mut vars = shape::Made::default();
            for values in combinations {
                let mut instance = Instance::new(values);
                self.instance_vars(&shape, &mut instance, &mut vars);
                let made = self.instance(&shape, &instance, defaults, &known);
                let Some(made) = made else { continue };
                if !self.has_room_for_text(rule)
                    || !self.has_room_for_vars(rule)
                    || !self.instance_name(&made, names)
                {
                    break;
                }
                rules.push(made);
            }
        }
        self.names.clear();
        self.section.clear();
        self.inspected = Inspected::default();
    }

    /// Checks the rule's templates in the words of the file.
    fn as_written(&mut self, rule: Here<'a, '_>, vars: Here<'a, '_>, each: Option<&Each<'a, '_>>) {
        let vars: Vec<_> = vars.entries().collect();
        self.list(&vars);
        for (name, here) in vars {
            let help =
                format!("no variable hides another: name it differently, for example `my_{name}`");
            self.own_name(name, here, help);
            self.templates(&template_value(here));
            self.pass(name);
            self.names.insert(name.clone(), here.origin());
        }
        if let Some(text) = rule.text("when").filter(|when| !when.is_empty()) {
            let (text, origin) = (text.to_owned(), rule.child("when").origin());
            self.template(&Template { text, origin }, Syntax::Expression);
        }
        requests(rule, |request| {
            for (key, here) in request.entries() {
                if key != "type" && key != "api" {
                    self.templates(&template_value(here));
                }
            }
        });
        self.early_templates(rule, each);
    }

    /// Reports a name that a rule can't give to a value of its own. `help` is for one that a variable has.
    fn own_name(&mut self, name: &str, here: Here<'_, '_>, help: String) {
        if self.bad_name(name, here) {
            return;
        }
        let before = self.names.get(name);
        if let Some(before) = before
            .or_else(|| self.var_origin(name, here.file()))
            .cloned()
        {
            let message = format!("there is a variable `{name}` already");
            self.problem(
                Problem::new(Code::BadVariable, here.key_spot(), message)
                    .help(help)
                    .related(Spot::key(&before), "it is made here"),
            );
        }
    }

    /// Reports names of a `for_each` that no part of the rule uses: all its rules would be the same.
    fn uses_all(&mut self, each: &Each<'_, '_>, shape: &Shape<'_, '_>) {
        for (name, list, values) in &each.names {
            if shape.names().any(|used| used == *name) {
                for (within, key) in shape.attributes(name) {
                    self.attribute(name, values, (&within, key));
                }
                continue;
            }
            let message = format!("nothing in this rule uses `{name}`");
            let help =
                format!("write `{{{{ {name} }}}}` where the rules differ, or delete the name");
            self.problem(Problem::new(Code::ForEach, list.key_spot(), message).help(help));
        }
    }

    /// Reports an attribute that some of the values lack.
    fn attribute(&mut self, name: &str, values: &[&Value], (within, key): (&Origin, &str)) {
        let Some(without) = values.iter().find(|value| value.get(key).is_none()) else {
            return;
        };
        let label = values::label(without);
        let message = format!("`{name}` has no `{key}` where it is `{label}`");
        let help = match without {
            Value::Object(parts) => {
                let parts = parts.keys().map(String::as_str);
                crate::load::suggest::did_you_mean(key, parts)
            }
            _ => Some(format!("it is a plain value: write `{name}`")),
        };
        self.problem(Problem::new(Code::ForEach, Spot::value(within), message).maybe_help(help));
    }

    /// Creates the variables for one of the rules.
    fn instance_vars<'s>(
        &mut self,
        shape: &'s Shape<'a, '_>,
        instance: &mut Instance<'s>,
        made: &mut shape::Made,
    ) {
        for (label, here, cuts) in &shape.vars {
            let file = here.file();
            let value = cuts.put_into(here.value, |name| instance.put(self, name, file));
            // A variable that is the same in every rule is created once.
            let key = (label.to_string(), value.to_string());
            if let Some(name) = made.get(&key) {
                instance.vars.insert(label, name.clone());
                continue;
            }
            let name = self.free_name(label, &instance.identifier(shape.name));
            let value = template_value(here.with(&value));
            let origin = here.origin();
            self.names.insert(name.clone(), origin.clone());
            self.templates(&value);
            self.constants.set(&name, &value);
            made.insert(key, name.clone());
            instance.vars.insert(label, name.clone());
            self.unrolled.vars += usize::from(instance.is_one_of_several());
            self.rule_vars.push(Var {
                name,
                label: (*label).to_owned(),
                value,
                origin,
            });
        }
    }

    /// Creates one of the rules. `known`: the problems that were found in the words of the file.
    fn instance(
        &mut self,
        shape: &Shape<'a, '_>,
        instance: &Instance<'_>,
        defaults: &Defaults,
        known: &std::ops::Range<usize>,
    ) -> Option<Rule> {
        let (from, file) = (self.problems.len(), shape.here.file());
        let put = |name: &str| instance.put(self, name, file);
        let mut value = shape.cuts.put_into(&shape.base, put);
        self.unrolled.bytes += shape.cuts.bytes(&value);
        self.early_values(&mut value, shape, instance);
        let rule = self.rule(shape.here.with(&value), defaults);
        for request in rule.iter().flat_map(|rule| &rule.requests) {
            // The schema has seen templates here.
            self.problems.extend(refused(request, plain));
        }
        for mut problem in self.problems.split_off(from) {
            let at = problem.spot.origin.clone();
            if shape.changes(&at) {
                // The byte range is of the substituted text.
                if matches!(problem.spot.part, Part::Bytes(_)) {
                    problem.spot.part = Part::Value;
                }
                problem.message.push_str(&instance.words());
            }
            let in_file = self.problems.get(known.clone()).unwrap_or_default();
            let found = self.problems.get(known.end..).unwrap_or_default();
            let covered = in_file.iter().any(|known| known.spot.origin == at)
                || found
                    .iter()
                    .any(|known| known.spot.origin == at && known.code == problem.code);
            if !covered {
                self.problem(problem);
            }
        }
        let mut rule = rule?;
        rule.each = instance.labels();
        Some(rule)
    }

    /// Records the name of an expanded rule; returns false if another of the same `for_each` has it.
    fn instance_name(&mut self, rule: &Rule, names: &mut Names<'a>) -> bool {
        if names.get(rule.name.as_str()) == Some(&rule.origin) {
            let spot = Spot::value(&rule.origin.child("name"));
            let message = format!("`name` gives `{}` for several values", rule.name);
            let help = "use every name of `for_each` in it, or none";
            self.problem(Problem::new(Code::ForEach, spot, message).help(help));
            return false;
        }
        self.rule_name(rule.name.clone().into(), rule.origin.clone(), names);
        true
    }

    /// Returns true if this many rules of this size may be created.
    fn has_room(&mut self, base: &Value, rule: Here<'_, '_>, count: usize) -> bool {
        let (values, bytes) = size(base);
        let values = self.unrolled.values.saturating_add(values * count);
        if values > MOST_VALUES {
            self.too_much(rule, &format!("{values} values"));
            return false;
        }
        self.unrolled.values = values;
        self.unrolled.bytes = self.unrolled.bytes.saturating_add(bytes * count);
        self.has_room_for_text(rule)
    }

    fn has_room_for_text(&mut self, rule: Here<'_, '_>) -> bool {
        let room = self.unrolled.bytes <= MOST_BYTES;
        if !room {
            self.too_much(rule, &format!("{} bytes of text", self.unrolled.bytes));
        }
        room
    }

    fn has_room_for_vars(&mut self, rule: Here<'_, '_>) -> bool {
        let room = self.unrolled.vars <= MOST_VARS;
        if !room {
            let spot = rule.child("vars").key_spot();
            let message = format!(
                "these variables are different in every rule of a `for_each`, and {MOST_VARS} such variables are allowed in all"
            );
            let help = "write what they hold where it is used, or leave the names of `for_each` out of them";
            self.problem(Problem::new(Code::ForEach, spot, message).help(help));
        }
        room
    }

    fn too_much(&mut self, rule: Here<'_, '_>, what: &str) {
        let spot = rule.child("for_each").key_spot();
        let message = format!(
            "with this `for_each` the rules have {what}, and {MOST_VALUES} values with {MOST_BYTES} bytes are allowed"
        );
        let help = "write what is long into a variable of the file, which is made once";
        self.problem(Problem::new(Code::ForEach, spot, message).help(help));
    }
}

/// A value without remaining templates.
fn plain(value: &TemplateValue) -> Option<Value> {
    let text = |template: &Template| match template.text.as_str() {
        text if is_template(text) => Err(()),
        text => Ok(text.into()),
    };
    value.try_json(&mut { text }).ok()
}

/// The number of values and bytes of text in a value.
fn size(value: &Value) -> (usize, usize) {
    let add = |(values, bytes): (usize, usize), (more, text): (usize, usize)| {
        (values + more, bytes + text)
    };
    match value {
        Value::String(text) => (1, text.len()),
        Value::Array(items) => items.iter().map(size).fold((1, 0), add),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| add(size(value), (1, key.len())))
            .fold((1, 0), add),
        _ => (1, 0),
    }
}
