//! The names visible to a template: the facts, and the file's variables above it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use minijinja::value::{Enumerator, Object};
use minijinja::{Error, ErrorKind, Value};

use crate::model::{TemplateValue, Var};

use super::asked::Asked;
use super::error::{Cause, RenderError, RenderErrorKind};
use super::kinds::Kinds;
use super::names::{UnknownKind, known_names};
use super::table::{Guards, Open, Placeholders, Table, not_yet};

/// The maximum length of a chain of variables. Each one is rendered inside the one that uses it, and the
/// stack is limited.
const MOST_DEPTH: usize = 100;

/// The maximum number of names in a message: thousands are no help, and take long to write for each template.
const MOST_NAMES: usize = 50;

/// Values by name; a variable of the file is rendered on first use.
///
/// A variable that can't be rendered for this event (for example, one that uses `datadir` in a callback)
/// only affects the rules that use it.
#[derive(Debug, Clone)]
pub struct Scope {
    known: Arc<BTreeMap<&'static str, Fact>>,
    vars: Arc<Vec<VarCell>>,
    /// The index of each variable in `vars`.
    places: Arc<HashMap<String, usize>>,
    /// The number of visible variables.
    visible: usize,
    /// The number of variables being rendered inside one another.
    depth: usize,
    /// The first unknown fact that was used.
    missing: Arc<OnceLock<&'static str>>,
    /// Set if a fact was used that is not known before the event.
    unsettled: Arc<OnceLock<()>>,
    /// True if variables without a value are still unknown.
    unsettled_vars: bool,
    render: Render,
}

/// Renders the value of a variable.
type Render = fn(&TemplateValue, &Scope) -> Result<Value, RenderError>;

/// A built-in variable.
#[derive(Debug, Clone)]
enum Fact {
    Text(String),
    Table(Arc<BTreeMap<String, String>>),
    /// A table that is only partly known: any other key may exist, except for those that certainly do not.
    OpenTable(Arc<BTreeMap<String, String>>, Arc<BTreeSet<String>>),
    /// A table with some texts restricted; a text restricted to a single value is known.
    TableAmong(Arc<BTreeMap<String, String>>, Arc<BTreeMap<String, Asked>>),
    /// Not known for this event, with the reason.
    Missing(&'static str),
    /// Not known before the event: the result of anything that uses it is unknown, even the question of its existence.
    Unsettled,
    /// The same for a text restricted to some values.
    UnsettledAmong(Arc<Asked>),
    /// A table with a text for every key: the key in upper case after this word.
    Placeholders(&'static str),
}

#[derive(Debug)]
struct VarCell {
    var: Var,
    found: OnceLock<Found>,
    kinds: OnceLock<Kinds>,
}

impl VarCell {
    fn new(var: &Var) -> Self {
        Self {
            var: var.clone(),
            found: OnceLock::new(),
            kinds: OnceLock::new(),
        }
    }
}

/// The result of a variable, and the facts used for it: whatever uses the variable uses them, too.
#[derive(Debug)]
struct Found {
    value: Result<Value, RenderError>,
    missing: Option<&'static str>,
    guessed: bool,
}

impl Scope {
    /// A scope with only the file's variables, rendered by this function.
    pub(super) fn rendered_by(render: Render, vars: &[Var]) -> Self {
        let cells = vars.iter().map(VarCell::new);
        let places = vars.iter().enumerate().rev();
        let places = places.map(|(index, var)| (var.name.clone(), index));
        Self {
            known: Arc::default(),
            vars: Arc::new(cells.collect()),
            places: Arc::new(places.collect()),
            visible: vars.len(),
            depth: 0,
            missing: Arc::default(),
            unsettled: Arc::default(),
            unsettled_vars: false,
            render,
        }
    }

    /// Adds a fact that is a text.
    #[must_use]
    pub fn text(self, name: &'static str, value: &str) -> Self {
        self.with(name, Fact::Text(value.to_owned()))
    }

    /// Adds a fact that is a text if known; otherwise, using it is this error.
    #[must_use]
    pub fn maybe(self, name: &'static str, value: Option<&str>, otherwise: &'static str) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.with(name, Fact::Missing(otherwise)),
        }
    }

    /// Adds a fact that is a table of texts.
    #[must_use]
    pub fn table(self, name: &'static str, value: &BTreeMap<String, String>) -> Self {
        self.with(name, Fact::Table(Arc::new(value.clone())))
    }

    /// Adds an unknown fact; a template that uses it, even to ask whether it exists, can't be
    /// rendered.
    #[must_use]
    pub fn unsettled(self, name: &'static str) -> Self {
        self.with(name, Fact::Unsettled)
    }

    /// Adds a text that is unknown except for this restriction.
    #[must_use]
    pub fn unsettled_among(self, name: &'static str, possible: Arc<Asked>) -> Self {
        self.with(name, Fact::UnsettledAmong(possible))
    }

    /// Treats variables without a value as unknown.
    #[must_use]
    pub fn with_unsettled_vars(mut self) -> Self {
        self.unsettled_vars = true;
        self
    }

    /// Adds a table with unknown contents, except for restrictions of some keys.
    #[must_use]
    pub fn table_among(self, name: &'static str, possible: BTreeMap<String, Asked>) -> Self {
        let fixed = possible
            .iter()
            .filter_map(|(key, asked)| Some((key.clone(), asked.only()?.to_owned())));
        let fact = Fact::TableAmong(Arc::new(fixed.collect()), Arc::new(possible));
        self.with(name, fact)
    }

    /// The possible texts of a fact, or of one of its keys, if it is unknown but restricted.
    pub(super) fn possible(&self, name: &str, key: Option<&str>) -> Option<&Asked> {
        match (self.known.get(name)?, key) {
            (Fact::UnsettledAmong(possible), None) => Some(possible),
            (Fact::TableAmong(_, possible), Some(key)) => possible.get(key),
            _ => None,
        }
    }

    /// The possible kinds of a variable's value.
    pub(super) fn kinds_of_var(
        &self,
        name: &str,
        find: impl Fn(&TemplateValue, &Self) -> Kinds,
    ) -> Kinds {
        match self.visible_var(name) {
            Some((index, cell)) if self.depth < MOST_DEPTH => *cell
                .kinds
                .get_or_init(|| find(&cell.var.value, &self.above(index))),
            _ => Kinds::ANY,
        }
    }

    /// Adds a table with a placeholder for every key.
    #[must_use]
    pub fn placeholders(self, name: &'static str) -> Self {
        self.with(name, Fact::Placeholders(name))
    }

    /// Adds a table with unknown further contents; the `absent` keys do not exist.
    #[must_use]
    pub fn open_table(
        self,
        name: &'static str,
        value: BTreeMap<String, String>,
        absent: &BTreeSet<String>,
    ) -> Self {
        let fact = Fact::OpenTable(Arc::new(value), Arc::new(absent.clone()));
        self.with(name, fact)
    }

    fn with(mut self, name: &'static str, fact: Fact) -> Self {
        self.forget_vars();
        Arc::make_mut(&mut self.known).insert(name, fact);
        self
    }

    /// Variables that were rendered may have used an earlier fact of the same name.
    fn forget_vars(&mut self) {
        let is_used = |cell: &VarCell| cell.found.get().is_some() || cell.kinds.get().is_some();
        if self.vars.iter().any(is_used) {
            let cells = self.vars.iter().map(|cell| VarCell::new(&cell.var));
            self.vars = Arc::new(cells.collect());
        }
    }

    /// The first unknown fact that a template used.
    pub fn missing(&self) -> Option<&'static str> {
        self.missing.get().copied()
    }

    /// Returns true if a template used a fact that is not known before the event. If none did, the result
    /// is the same in every such event.
    pub fn guessed(&self) -> bool {
        self.unsettled.get().is_some()
    }

    /// The same scope, with no recorded uses.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self {
            missing: Arc::default(),
            unsettled: Arc::default(),
            ..self.clone()
        }
    }

    /// The value of a name, or `None` if there is no such name. A missing name that the template guards with `is
    /// defined` or `default` is undefined; any other is an error.
    fn look_up(&self, name: &str, guards: &Guards) -> Option<Value> {
        match self.known.get_key_value(name) {
            Some((known, fact)) => self.fact(known, fact, guards),
            None => self.var(name, guards),
        }
    }

    fn fact(&self, name: &'static str, fact: &Fact, guards: &Guards) -> Option<Value> {
        let table = |values: &Arc<BTreeMap<String, String>>, absent: Option<&Arc<_>>| {
            let open = absent.map(|absent| Open {
                absent: Arc::clone(absent),
                seen: self.unsettled.clone(),
            });
            Some(Value::from_object(Table {
                name,
                values: values.clone(),
                guards: guards.clone(),
                open,
            }))
        };
        match fact {
            Fact::Text(text) => Some(Value::from(text.as_str())),
            Fact::Table(values) => table(values, None),
            Fact::OpenTable(values, absent) => table(values, Some(absent)),
            Fact::TableAmong(values, _) => table(values, Some(&Arc::default())),
            Fact::Placeholders(word) => Some(Value::from_object(Placeholders(word))),
            Fact::Unsettled | Fact::UnsettledAmong(_) => Some(self.unknown(name)),
            Fact::Missing(_) if guards.has(name, None) => None,
            Fact::Missing(why) => {
                self.missing.get_or_init(|| name);
                Some(undefined(format!("`{name}` is not known: {why}")))
            }
        }
    }

    /// Records the use of a value that is not known before the event.
    fn unknown(&self, name: &str) -> Value {
        let () = self.unsettled.get_or_init(|| ());
        Value::from(not_yet(name))
    }

    fn var(&self, name: &str, guards: &Guards) -> Option<Value> {
        let (index, cell) = self.visible_var(name)?;
        let label = &cell.var.label;
        if matches!(cell.var.value, TemplateValue::Null) {
            if self.unsettled_vars {
                return Some(self.unknown(name));
            }
            if guards.has(name, None) {
                return None;
            }
            let detail = format!("`{label}` has no value: give `--set {label}=…`");
            return Some(undefined(detail));
        }
        if self.depth >= MOST_DEPTH {
            let detail = format!("more than {MOST_DEPTH} variables use one another");
            return Some(undefined(detail));
        }
        let found = cell
            .found
            .get_or_init(|| self.above(index).find(&cell.var.value));
        if let Some(missing) = found.missing {
            self.missing.get_or_init(|| missing);
        }
        if found.guessed {
            let () = self.unsettled.get_or_init(|| ());
        }
        Some(found.value.clone().unwrap_or_else(|error| {
            // In a chain of variables, the one that fails is reported.
            let detail = match error.kind {
                RenderErrorKind::OfVariable => error.message,
                _ => format!("in var `{label}`: {}", error.message),
            };
            let error = Error::new(ErrorKind::UndefinedError, detail);
            Value::from(error.with_source(Cause(RenderErrorKind::OfVariable)))
        }))
    }

    /// The variable with this name, if it is visible, and its index.
    fn visible_var(&self, name: &str) -> Option<(usize, &VarCell)> {
        let index = *self.places.get(name)?;
        let cell = self.vars.get(..self.visible)?.get(index)?;
        Some((index, cell))
    }

    /// The scope of a variable.
    fn above(&self, index: usize) -> Self {
        Self {
            visible: index,
            depth: self.depth + 1,
            ..self.afresh()
        }
    }

    fn find(&self, value: &TemplateValue) -> Found {
        Found {
            value: (self.render)(value, self),
            missing: self.missing(),
            guessed: self.guessed(),
        }
    }

    /// The visible names, for a message.
    fn names(&self) -> Vec<String> {
        let vars = self
            .vars
            .iter()
            .take(self.visible)
            .map(|cell| cell.var.name.clone());
        self.known
            .keys()
            .map(|name| (*name).to_owned())
            .chain(vars)
            .collect()
    }
}

/// The root of a template's names.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) scope: Scope,
    pub(super) guards: Guards,
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        self.scope.look_up(name, &self.guards).or_else(|| {
            if self.guards.has(name, None) || self.scope.known.contains_key(name) {
                return None;
            }
            // The engine's own functions are looked up here first; names in calls are not ours.
            if known_names(UnknownKind::Function).any(|known| known == name) {
                return None;
            }
            let mut detail = format!("there is no variable `{name}`");
            if self.scope.known.len() + self.scope.visible <= MOST_NAMES {
                let mut names = self.scope.names();
                names.sort();
                detail = format!("{detail}; there are {}", names.join(", "));
            }
            Some(undefined(detail))
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// A value that is this error wherever it is used.
fn undefined(detail: String) -> Value {
    Value::from(Error::new(ErrorKind::UndefinedError, detail))
}
