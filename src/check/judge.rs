//! Evaluation of templates and conditions before an event.
//!
//! A condition that uses only the event, the role, the cluster and constants has a known
//! value. Any other condition may be true or false, unless its other parts decide: `env.X == "y" and
//! false` is false. So conditions are evaluated part by part, with every other fact unknown.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::evaluate::{CONNSTRING, DATADIR};
use crate::model::{Event, Role, Rule, RuleSet, Template, TemplateValue, Var};
use crate::space::{Known, events};
use crate::template::{Asked, RenderError, Residual, Scope, Syntax, inspect, is_template, partial};

use super::cells::Cells;

/// The facts that a template's value depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Depends {
    /// The event or the role, or a fact that only some events have.
    pub(super) cell: bool,
    pub(super) cluster: bool,
    /// The member: its name, host or environment.
    pub(super) member: bool,
}

impl Depends {
    pub(super) const fn or(self, other: Self) -> Self {
        Self {
            cell: self.cell || other.cell,
            cluster: self.cluster || other.cluster,
            member: self.member || other.member,
        }
    }
}

/// The cells in which a condition is true, and those in which it is false; in all others it may be either.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Truth {
    pub(super) yes: Cells,
    pub(super) no: Cells,
    /// The cells in which it may be either because of facts that say nothing about the event or the role: as far as they go, it may be true
    /// here as well as in any other cell.
    pub(super) open: Cells,
}

/// The result of evaluating a template in advance.
#[derive(Debug, Clone)]
pub(super) enum Look {
    Gives(Value),
    Fails(RenderError),
    Open,
}

/// The results for one cluster.
#[derive(Default)]
struct OfCluster<'r> {
    name: String,
    scopes: HashMap<usize, Scope>,
    residuals: HashMap<(Syntax, &'r str, usize), Residual>,
}

/// Evaluates templates in advance and caches the results.
pub(super) struct Judge<'r> {
    depends: HashMap<&'r str, Depends>,
    of_vars: HashMap<&'r str, Depends>,
    /// The variables; an empty one, to be given on the command line, is unknown.
    vars: Vec<Var>,
    /// The same variables, with placeholders for unknown ones.
    shown: Vec<Var>,
    /// The names of clusters that are a kind by themselves.
    named: Arc<Asked>,
    /// A scope for each cell, for conditions in no particular cluster.
    scopes: Vec<Option<Scope>>,
    /// The results of conditions, with the cells that were evaluated.
    truths: HashMap<&'r str, (Cells, Truth)>,
    /// The results that depend on the cluster, for this one.
    of_cluster: OfCluster<'r>,
    /// The results of conditions and templates, by text and cell; the first stands for all if there is no difference.
    residuals: HashMap<(Syntax, &'r str, usize), Residual>,
}

impl<'r> Judge<'r> {
    pub(super) fn new(rules: &'r RuleSet) -> Self {
        Self::with(rules, rules.vars.iter().map(unsettled).collect())
    }

    /// A judge for which empty variables really are empty, if there are any.
    pub(super) fn of_empty_texts(rules: &'r RuleSet) -> Option<Self> {
        let is_text = |var: &Var| matches!(var.value, TemplateValue::Text(_));
        let meant = |var: &Var| match var.value {
            TemplateValue::Text(_) => var.clone(),
            _ => unsettled(var),
        };
        let mut vars = rules.vars.iter();
        let found = vars.any(|var| is_text(var) && is_empty(&var.value));
        found.then(|| Self::with(rules, rules.vars.iter().map(meant).collect()))
    }

    fn with(rules: &'r RuleSet, vars: Vec<Var>) -> Self {
        let mut judge = Self {
            depends: HashMap::new(),
            of_vars: HashMap::new(),
            vars,
            named: Arc::new(Asked::NoneOf(Vec::new())),
            shown: rules.vars.iter().map(placeholder).collect(),
            scopes: vec![None; events().count()],
            truths: HashMap::new(),
            residuals: HashMap::new(),
            of_cluster: OfCluster::default(),
        };
        for var in &rules.vars {
            let depends = judge.value(&var.value);
            judge.of_vars.insert(&var.name, depends);
        }
        judge
    }

    /// Sets the names of clusters that are a kind by themselves. An unknown cluster has none of these names.
    pub(super) fn with_clusters_named(mut self, names: Vec<String>) -> Self {
        self.named = Arc::new(Asked::NoneOf(names));
        self
    }

    /// The facts that a value depends on.
    pub(super) fn value(&mut self, value: &'r TemplateValue) -> Depends {
        let mut all = Depends::default();
        for template in value.texts() {
            if is_template(&template.text) {
                all = all.or(self.depends(template, Syntax::Text));
            }
        }
        all
    }

    /// The facts that a template depends on.
    pub(super) fn depends(&mut self, template: &'r Template, syntax: Syntax) -> Depends {
        if let Some(known) = self.depends.get(template.text.as_str()) {
            return *known;
        }
        let usage = inspect(&template.text, syntax).unwrap_or_default();
        let used = usage.variables.iter().map(|used| self.of(&used.name));
        let depends = used.fold(Depends::default(), Depends::or);
        self.depends.insert(&template.text, depends);
        depends
    }

    /// The facts that a variable depends on.
    fn of(&self, name: &str) -> Depends {
        let mut depends = self.of_vars.get(name).copied().unwrap_or_default();
        match name {
            "event" | "role" | "raw_role" | "datadir" | "connstring" | "args" => {
                depends.cell = true;
            }
            "cluster" => depends.cluster = true,
            "node" | "host" | "env" => depends.member = true,
            _ => {}
        }
        depends
    }

    /// The value of a rule's condition in these cells. `cluster` is the cluster's name if the rule names each of its
    /// clusters; otherwise there may be further clusters.
    pub(super) fn truth(&mut self, rule: &'r Rule, cells: Cells, cluster: Option<&str>) -> Truth {
        let Some(when) = &rule.when else {
            return Truth {
                yes: cells,
                ..Truth::default()
            };
        };
        let depends = self.depends(when, Syntax::Expression);
        let cluster = cluster.filter(|_| depends.cluster);
        let known = self.truths.get(when.text.as_str());
        let known = known.filter(|_| cluster.is_none());
        let (seen, mut truth) = known.copied().unwrap_or_default();
        for index in cells.without(seen).indices() {
            let cell = Cells::one(index);
            match self.residual(when, Syntax::Expression, index, cluster) {
                Residual::Value(Value::Bool(true)) => truth.yes = truth.yes.or(cell),
                Residual::Value(_) => truth.no = truth.no.or(cell),
                Residual::Unknown(unknown)
                    if !unknown.names.iter().any(|name| self.of(name).cell) =>
                {
                    truth.open = truth.open.or(cell);
                }
                Residual::Unknown(_) | Residual::Error(_) => {}
            }
        }
        if cluster.is_none() {
            self.truths.insert(&when.text, (seen.or(cells), truth));
        }
        truth
    }

    /// The result of a template in a cell.
    pub(super) fn residual(
        &mut self,
        template: &'r Template,
        syntax: Syntax,
        index: usize,
        cluster: Option<&str>,
    ) -> Residual {
        let depends = self.depends(template, syntax);
        let text = template.text.as_str();
        let key = (syntax, text, if depends.cell { index } else { 0 });
        let Some(name) = cluster.filter(|_| depends.cluster) else {
            if let Some(known) = self.residuals.get(&key) {
                return known.clone();
            }
            let residual = partial(template, syntax, &self.scope(index));
            self.residuals.insert(key, residual.clone());
            return residual;
        };
        self.enter(name);
        if let Some(known) = self.of_cluster.residuals.get(&key) {
            return known.clone();
        }
        let known = self.of_cluster.scopes.get(&index).cloned();
        let scope = known.unwrap_or_else(|| self.scope(index).text("cluster", name));
        let residual = partial(template, syntax, &scope);
        self.of_cluster.scopes.insert(index, scope);
        self.of_cluster.residuals.insert(key, residual.clone());
        residual
    }

    /// Discards the results for the previous cluster.
    fn enter(&mut self, cluster: &str) {
        if self.of_cluster.name != cluster {
            self.of_cluster = OfCluster {
                name: cluster.to_owned(),
                ..OfCluster::default()
            };
        }
    }

    /// The result of a condition in a cell for a member.
    pub(super) fn residual_for(
        &mut self,
        when: &Template,
        index: usize,
        member: impl FnOnce(Scope) -> Scope,
    ) -> Residual {
        partial(when, Syntax::Expression, &member(self.scope(index)))
    }

    /// The facts for conditions in a cell, in an unknown cluster.
    fn scope(&mut self, index: usize) -> Scope {
        let make =
            || conditions_scope(&self.vars, index).unsettled_among("cluster", self.named.clone());
        match self.scopes.get_mut(index) {
            Some(slot) => slot.get_or_insert_with(make).clone(),
            None => make(),
        }
    }

    /// Returns the result of a template in a cell that holds for all facts of the event. `cluster` is the name of the
    /// cluster, if it is known.
    pub(super) fn look(
        &mut self,
        template: &'r Template,
        syntax: Syntax,
        index: usize,
        cluster: Option<&str>,
    ) -> Look {
        match self.residual(template, syntax, index, cluster) {
            Residual::Value(value) => Look::Gives(value),
            Residual::Error(error) => Look::Fails(error),
            Residual::Unknown(unknown) => unknown.never_truth.map_or(Look::Open, Look::Fails),
        }
    }

    /// The scope of requests in a cell: unknown facts have placeholders.
    pub(super) fn request_scope(&self, index: usize, cluster: &str) -> Scope {
        let (event, role) = cell(index);
        let known = Known::default();
        Scope::new(&self.shown)
            .text("event", event.as_str())
            .text("role", role.as_str())
            .text("raw_role", role.as_str())
            .text("cluster", cluster)
            .text("node", &known.node)
            .text("host", &known.host)
            .text("datadir", &known.datadir)
            .text("connstring", &known.connstring)
            .placeholders("args")
            .placeholders("env")
    }
}

fn conditions_scope(vars: &[Var], index: usize) -> Scope {
    let (event, role) = cell(index);
    let scope = Scope::new(vars)
        .with_unsettled_vars()
        .text("event", event.as_str())
        .text("role", role.as_str());
    // Patroni has used several words for it.
    let scope = if role == Role::Primary {
        let words = role.words().iter().map(|word| (*word).to_owned());
        scope.unsettled_among("raw_role", Arc::new(Asked::OneOf(words.collect())))
    } else {
        scope.text("raw_role", role.as_str())
    };
    let passed = Known::default().facts(event, role, "");
    let facts = [
        ("datadir", passed.datadir, DATADIR),
        ("connstring", passed.connstring, CONNSTRING),
    ];
    let scope = facts
        .into_iter()
        .fold(scope, |scope, (name, value, why)| match value {
            Some(_) => scope.unsettled(name),
            None => scope.maybe(name, None, why),
        });
    ["node", "host", "args", "env"]
        .into_iter()
        .fold(scope, Scope::unsettled)
}

fn cell(index: usize) -> (Event, Role) {
    events()
        .nth(index)
        .unwrap_or((Event::OnStart, Role::Primary))
}

fn is_empty(value: &TemplateValue) -> bool {
    match value {
        TemplateValue::Null => true,
        TemplateValue::Text(template) => template.text.is_empty(),
        _ => false,
    }
}

/// The variable; without a value if it is empty and to be given on the command line.
fn unsettled(var: &Var) -> Var {
    let mut var = var.clone();
    if is_empty(&var.value) {
        var.value = TemplateValue::Null;
    }
    var
}

/// The variable, with its name in capitals if it is empty.
fn placeholder(var: &Var) -> Var {
    let mut var = var.clone();
    if is_empty(&var.value) {
        var.value = TemplateValue::Text(Template {
            text: var.name.to_uppercase(),
            origin: var.origin.clone(),
        });
    }
    var
}
