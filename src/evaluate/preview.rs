//! A plan before the event, when some facts are placeholders: the value of a placeholder never decides whether
//! a rule fires.

use std::cell::{LazyCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use crate::model::{Fence, Match, Rule, RuleSet, Template, TemplateValue, Var};
use crate::template::{
    Premises, Reference, RenderError, Residual, Scope, Syntax, Unknown as Undecided, choices,
    condition, inspect, is_template, partial, premises,
};

use super::{Because, EvaluateError, Facts, Plan, Step, Trace, matching, request};

/// The unknown facts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unknown {
    /// The facts with placeholders, by their names in templates.
    pub facts: BTreeSet<&'static str>,
    /// Environment variables and arguments that are certainly missing; any other may exist.
    pub absent: BTreeSet<String>,
}

/// The outcome of an event, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The plan of the rules whose result is known. It has no steps if one of them fails.
    pub plan: Plan,
    /// The rules whose result is unknown.
    pub unresolved: Vec<Unresolved>,
    /// The rules that fail whatever the unknown facts are. `run` sends nothing then.
    pub failures: Vec<EvaluateError>,
}

/// A rule whose result is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Unresolved {
    /// The rule.
    pub rule: String,
    /// The reason.
    pub why: Why,
    /// The rule's condition, if that is unknown.
    pub when: Option<String>,
    /// The steps it has if it fires.
    pub steps: Vec<Step>,
    /// The reason why its request can't be rendered if it fires: nothing at all is sent then.
    pub fails: Option<String>,
}

/// The reason why a rule's result is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It depends on these facts.
    Asks(Vec<String>),
    /// Only the first matching rule fires, and this earlier one may match.
    After(String),
    /// Its request can't be rendered from the known facts.
    Request(String),
}

impl Unresolved {
    /// The reason, in words.
    pub fn message(&self) -> String {
        match &self.why {
            Why::Asks(facts) => {
                let facts: Vec<_> = facts.iter().map(|fact| format!("`{fact}`")).collect();
                format!("depends on {}", facts.join(", "))
            }
            Why::After(rule) => format!("fires only if `{rule}` does not"),
            Why::Request(message) => message.clone(),
        }
    }

    /// The rule for programs.
    pub fn view(&self) -> UnresolvedView<'_> {
        UnresolvedView {
            rule: &self.rule,
            message: self.message(),
            asks: match &self.why {
                Why::Asks(facts) => facts,
                _ => &[],
            },
            when: self.when.as_deref(),
            steps: &self.steps,
            fails: self.fails.as_deref(),
        }
    }

    fn because(&self) -> Because {
        let (field, wanted) = match (&self.when, &self.why) {
            (_, Why::After(_)) => ("match", "no earlier rule that fires"),
            (Some(when), _) => ("when", when.as_str()),
            (None, _) => ("request", "a request that can be sent"),
        };
        Because {
            field,
            wanted: wanted.to_owned(),
            got: self.message(),
        }
    }
}

/// A rule whose result is unknown.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Unresolved"))]
pub struct UnresolvedView<'a> {
    /// The rule.
    rule: &'a str,
    /// The reason, in words.
    message: String,
    /// The facts that it depends on, for example `node` or `env.SITE`.
    asks: &'a [String],
    /// The rule's condition, if that is unknown; else null.
    when: Option<&'a str>,
    /// The steps it has if it fires.
    steps: &'a [Step],
    /// The reason why its request can't be rendered if it fires: nothing at all is sent then. Null if it can be rendered.
    fails: Option<&'a str>,
}

/// Previews the rules of one set, and caches the facts that its variables depend on.
#[derive(Debug)]
pub struct Previewer<'r> {
    rules: &'r RuleSet,
    of_vars: BTreeMap<&'r str, Uses>,
    any_chooses: bool,
    /// The results of conditions that use no fact, by the names of their rules; `None` for conditions that use one.
    constant: RefCell<HashMap<&'r str, Option<Fires>>>,
}

/// The uses of facts in a template.
#[derive(Debug, Default)]
struct Uses {
    all: Vec<Use>,
    /// The uses whose values select among the possible results.
    choosing: Vec<Use>,
}

/// One use of a fact.
#[derive(Debug, Clone)]
struct Use {
    name: String,
    attribute: Option<String>,
    guarded: bool,
}

/// The result of a rule's condition.
#[derive(Debug, Clone)]
enum Fires {
    Yes,
    No,
    Fails(RenderError),
    Open(Vec<String>),
}

/// The reason why a rule has no steps.
enum Trouble {
    Fails(RenderError),
    Open(Why),
}

impl<'r> Previewer<'r> {
    /// Analyses the variables.
    pub fn new(rules: &'r RuleSet) -> Self {
        let mut previewer = Self {
            rules,
            of_vars: BTreeMap::new(),
            any_chooses: false,
            constant: RefCell::default(),
        };
        for var in &rules.vars {
            let uses = previewer.of_value(&var.value);
            previewer.any_chooses |= !uses.choosing.is_empty();
            previewer.of_vars.insert(&var.name, uses);
        }
        previewer
    }

    /// Evaluates these of the rules, in their order.
    pub fn preview(&self, rules: &[&'r Rule], facts: &Facts, unknown: &Unknown) -> Preview {
        let shown = LazyCell::new(|| facts.scope(&self.rules.vars));
        let open = LazyCell::new(|| unknown.scope(facts, self.rules));
        let mut found = Preview {
            plan: Plan::empty(facts),
            unresolved: Vec::new(),
            failures: Vec::new(),
        };
        let mut taken: Option<&str> = None;
        // The earlier rules that may fire.
        let mut doubts = Doubts::default();
        let first = self.rules.matching == Match::First;
        for rule in rules {
            let mut because = matching::mismatch(rule, facts, taken.filter(|_| first));
            if because.is_none() {
                let fires = match &rule.when {
                    Some(when) => self.fires(rule, when, &open, facts, unknown),
                    None => Fires::Yes,
                };
                let when = rule.when.as_ref();
                let steps = match &fires {
                    Fires::Yes | Fires::Open(_) => self.steps(rule, &shown, &open, facts, unknown),
                    Fires::No | Fires::Fails(_) => Ok(Vec::new()),
                };
                let asked = when.filter(|_| matches!(fires, Fires::Open(_)));
                let asks = first.then(|| asks(rule, &self.rules.vars)).flatten();
                let before = doubts.first_beside(asks.as_ref()).filter(|_| first);
                let after = before.map(|other| Why::After(other.name.clone()));
                let (why, fails) = match fires {
                    Fires::No => {
                        because = when.map(|when| Because {
                            wanted: as_written(when, &self.rules.vars),
                            ..matching::not_true(when)
                        });
                        (None, None)
                    }
                    Fires::Open(asks) => (after.or(Some(Why::Asks(asks))), None),
                    Fires::Fails(error) => (after, Some(error)),
                    Fires::Yes => match &steps {
                        Err(Trouble::Fails(error)) => (after, Some(error.clone())),
                        Err(Trouble::Open(why)) => (after.or(Some(why.clone())), None),
                        Ok(_) => (after, None),
                    },
                };
                match (why, fails) {
                    (Some(why), fails) => {
                        doubts.add(rule, asks);
                        let fails = match &steps {
                            Err(Trouble::Fails(error)) => Some(error.message.clone()),
                            _ => fails.map(|error| error.message),
                        };
                        let unresolved = Unresolved {
                            rule: rule.name.clone(),
                            when: asked.map(|when| {
                                let text = as_written(when, &self.rules.vars);
                                text.trim_end().to_owned()
                            }),
                            why,
                            steps: steps.unwrap_or_default(),
                            fails,
                        };
                        because = Some(unresolved.because());
                        found.unresolved.push(unresolved);
                    }
                    (None, Some(source)) => {
                        found.plan.trace.push(Trace::undecided(rule, &source));
                        found.failures.push(EvaluateError {
                            rule: rule.name.clone(),
                            source,
                            missing: None,
                        });
                        continue;
                    }
                    (None, None) if because.is_none() => {
                        taken = taken.or(Some(&rule.name));
                        found.plan.steps.extend(steps.unwrap_or_default());
                    }
                    (None, None) => {}
                }
            }
            found.plan.trace.push(Trace::of(rule, because));
        }
        if !found.failures.is_empty() {
            found.plan.steps.clear();
        }
        found
    }

    fn fires(
        &self,
        rule: &'r Rule,
        when: &Template,
        open: &Scope,
        facts: &Facts,
        unknown: &Unknown,
    ) -> Fires {
        let known = self.constant.borrow().get(rule.name.as_str()).cloned();
        if let Some(Some(fires)) = known {
            return fires;
        }
        let scope = open.afresh();
        let fires = match condition(when, &scope) {
            _ if scope.guessed() => return self.partly(when, open, facts, unknown),
            Ok(true) => Fires::Yes,
            Ok(false) => Fires::No,
            Err(error) => Fires::Fails(error),
        };
        if known.is_none() {
            let uses = self.of_text(&when.text, Syntax::Expression).all;
            let constant = uses.is_empty().then(|| fires.clone());
            self.constant.borrow_mut().insert(&rule.name, constant);
        }
        fires
    }

    /// The result of a condition that uses unknown facts.
    fn partly(&self, when: &Template, open: &Scope, facts: &Facts, unknown: &Unknown) -> Fires {
        let residual = partial(when, Syntax::Expression, open);
        if let Residual::Unknown(Undecided {
            never_truth: Some(error),
            may_be_false: false,
            ..
        }) = residual
        {
            return Fires::Fails(error);
        }
        let uses = self.of_text(&when.text, Syntax::Expression).all;
        // A missing fact makes the condition fail, unless an earlier part decides it.
        let may_fail = uses.iter().any(|one| {
            let same = |other: &Use| other.name == one.name && other.attribute == one.attribute;
            let guarded = uses.iter().any(|other| same(other) && other.guarded);
            !guarded && unknown.is_entry(one, facts)
        });
        match residual {
            Residual::Value(Value::Bool(true)) if !may_fail => Fires::Yes,
            Residual::Value(_) if !may_fail => Fires::No,
            _ => Fires::Open(unknown.among(&uses, facts)),
        }
    }

    fn steps(
        &self,
        rule: &Rule,
        shown: &Scope,
        open: &Scope,
        facts: &Facts,
        unknown: &Unknown,
    ) -> Result<Vec<Step>, Trouble> {
        let mut steps = Vec::with_capacity(rule.requests.len());
        for template in &rule.requests {
            let in_doubt = || {
                let scope = open.afresh();
                let _ = request::step(self.rules, rule, template, &scope);
                scope.guessed()
            };
            let mut step = match request::step(self.rules, rule, template, shown) {
                Ok(step) => step,
                Err(error) if in_doubt() => return Err(Trouble::Open(Why::Request(error.message))),
                Err(error) => return Err(Trouble::Fails(error)),
            };
            let values = template
                .server
                .iter()
                .chain(template.body.iter().map(|(_, value)| value));
            let choosing = values.flat_map(|value| self.choosing(value));
            let asks = unknown.among(&choosing.collect::<Vec<_>>(), facts);
            if !asks.is_empty() && in_doubt() {
                return Err(Trouble::Open(Why::Asks(asks)));
            }
            if !self.rules.has_patroni() {
                step.fence = Fence::None;
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn choosing(&self, value: &TemplateValue) -> Vec<Use> {
        const SIGNS: [&str; 9] = ["==", "!=", "<", ">", "[", " if", " in ", " is ", "{%"];
        let chooses = |text: &str| SIGNS.iter().any(|sign| text.contains(sign));
        match value {
            TemplateValue::Text(template) if is_template(&template.text) => {
                if self.any_chooses || chooses(&template.text) {
                    self.of_text(&template.text, Syntax::Text).choosing
                } else {
                    Vec::new()
                }
            }
            TemplateValue::List(items) => {
                items.iter().flat_map(|item| self.choosing(item)).collect()
            }
            TemplateValue::Map(entries) => {
                let values = entries.iter().map(|(_, value)| value);
                values.flat_map(|value| self.choosing(value)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of_value(&self, value: &TemplateValue) -> Uses {
        let mut uses = Uses::default();
        let mut add = |more: Uses| {
            uses.all.extend(more.all);
            uses.choosing.extend(more.choosing);
        };
        match value {
            TemplateValue::Text(template) if is_template(&template.text) => {
                add(self.of_text(&template.text, Syntax::Text));
            }
            TemplateValue::List(items) => items.iter().for_each(|item| add(self.of_value(item))),
            TemplateValue::Map(entries) => {
                for (_, value) in entries {
                    add(self.of_value(value));
                }
            }
            _ => {}
        }
        uses
    }

    fn of_text(&self, text: &str, syntax: Syntax) -> Uses {
        let as_uses = |all: Vec<Reference>| all.into_iter().map(Use::from).collect::<Vec<_>>();
        let named = as_uses(inspect(text, syntax).unwrap_or_default().variables);
        let choosing = as_uses(choices(text, syntax));
        let mut found = Uses {
            all: self.through_vars(&named),
            choosing: self.through_vars(&choosing),
        };
        let vars = named.iter();
        let vars = vars.filter_map(|one| self.of_vars.get(one.name.as_str()));
        let choosing = vars.flat_map(|of_var| of_var.choosing.iter().cloned());
        found.choosing.extend(choosing);
        found
    }

    /// The uses, with variables replaced by the facts that they use.
    fn through_vars(&self, used: &[Use]) -> Vec<Use> {
        let mut all = Vec::new();
        for one in used {
            match self.of_vars.get(one.name.as_str()) {
                Some(of_var) => all.extend(of_var.all.iter().cloned()),
                None => all.push(one.clone()),
            }
        }
        all
    }
}

/// A condition as written in the file: a variable of a rule or file has its own unique name in the rule set.
pub fn as_written(when: &Template, vars: &[Var]) -> String {
    let mut text = when.text.clone();
    if vars.iter().all(|var| var.name == var.label) {
        return text;
    }
    let used = inspect(&text, Syntax::Expression).unwrap_or_default();
    let mut names: Vec<String> = used.variables.into_iter().map(|one| one.name).collect();
    // One name may be a prefix of another.
    names.sort_unstable_by_key(|name| Reverse(name.len()));
    names.dedup();
    for name in names {
        if let Some(var) = vars.iter().find(|var| var.name == name) {
            text = text.replace(&var.name, &var.label);
        }
    }
    text
}

/// The minimum requirements of a rule's condition.
fn asks(rule: &Rule, vars: &[Var]) -> Option<Premises> {
    let when = rule.when.as_ref()?;
    Some(premises(&when.text, vars))
}

/// The maximum number of pairs of conditions to compare in one cell; real rules have far fewer.
const MOST_LOOKS: usize = 100_000;

/// Rules that may fire, in their order.
#[derive(Default)]
struct Doubts<'r> {
    rules: Vec<(&'r Rule, Option<Premises>)>,
    looks: usize,
}

impl<'r> Doubts<'r> {
    fn add(&mut self, rule: &'r Rule, asks: Option<Premises>) {
        self.rules.push((rule, asks));
    }

    /// The first one that may fire together with a rule that has these requirements. After too many comparisons, any may.
    fn first_beside(&mut self, asks: Option<&Premises>) -> Option<&'r Rule> {
        for (rule, others) in &self.rules {
            self.looks += 1;
            let apart = match (others, asks) {
                (Some(one), Some(other)) if self.looks <= MOST_LOOKS => one.exclude(other),
                _ => false,
            };
            if !apart {
                return Some(rule);
            }
        }
        None
    }
}

impl From<Reference> for Use {
    fn from(reference: Reference) -> Self {
        Self {
            name: reference.name,
            attribute: reference.attribute,
            guarded: reference.guarded,
        }
    }
}

impl Unknown {
    /// The facts without the placeholders.
    fn scope(&self, facts: &Facts, rules: &RuleSet) -> Scope {
        let mut args = facts.args.clone();
        args.retain(|name, _| !self.facts.contains(name.as_str()));
        let scope = facts
            .scope(&rules.vars)
            .open_table("env", facts.env.clone(), &self.absent)
            .open_table("args", args, &self.absent);
        self.facts.iter().copied().fold(scope, Scope::unsettled)
    }

    /// Returns true for an environment variable or argument that may or may not exist.
    fn is_entry(&self, one: &Use, facts: &Facts) -> bool {
        let table = match one.name.as_str() {
            "env" => &facts.env,
            "args" => &facts.args,
            _ => return false,
        };
        one.attribute
            .as_ref()
            .is_none_or(|key| !table.contains_key(key) && !self.absent.contains(key))
    }

    /// The names of the unknown facts.
    fn among(&self, uses: &[Use], facts: &Facts) -> Vec<String> {
        let mut names = Vec::new();
        for one in uses {
            let known_table = matches!(one.name.as_str(), "env" | "args");
            let passed = one.attribute.as_deref().filter(|_| one.name == "args");
            let placeholder = passed.is_some_and(|key| self.facts.contains(key));
            let name = match &one.attribute {
                Some(key) if known_table && (placeholder || self.is_entry(one, facts)) => {
                    format!("{}.{key}", one.name)
                }
                None if known_table => one.name.clone(),
                _ if self.facts.contains(one.name.as_str()) => one.name.clone(),
                _ => continue,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
