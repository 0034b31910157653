//! `env` and `args`: tables of texts, as the engine sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use minijinja::value::{Enumerator, Object};
use minijinja::{Error, ErrorKind, Value};

/// The names that a template guards with `is defined` or `default`.
#[derive(Debug, Clone, Default)]
pub(super) struct Guards(pub(super) Arc<Vec<(String, Option<String>)>>);

impl Guards {
    /// `env[name]` counts for every attribute: the text does not show which one it is.
    pub(super) fn has(&self, name: &str, attribute: Option<&str>) -> bool {
        self.0.iter().any(|(known, guarded)| {
            known == name && (guarded.is_none() || guarded.as_deref() == attribute)
        })
    }
}

/// `env` or `args`: a missing key is an error.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) values: Arc<BTreeMap<String, String>>,
    pub(super) guards: Guards,
    /// Set if it may contain more.
    pub(super) open: Option<Open>,
}

/// The unknown part of a table.
pub(super) struct Open {
    /// The keys that certainly do not exist.
    pub(super) absent: Arc<BTreeSet<String>>,
    /// Set when a template uses it.
    pub(super) seen: Arc<OnceLock<()>>,
}

impl Open {
    fn note(&self, name: &str) -> Error {
        let () = self.seen.get_or_init(|| ());
        not_yet(name)
    }
}

impl fmt::Debug for Table {
    /// Only names: the environment may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} with {} names>", self.name, self.values.len())
    }
}

impl Table {
    /// The existing names.
    pub(super) fn names(&self) -> Result<Value, Error> {
        match &self.open {
            Some(open) => Err(open.note(self.name)),
            None => Ok(self.values.keys().map(String::as_str).collect()),
        }
    }
}

impl Object for Table {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let value = self.values.get(key);
        if let (None, Some(open)) = (value, &self.open)
            && !open.absent.contains(key)
        {
            return Some(Value::from(open.note(&format!("{}.{key}", self.name))));
        }
        match value {
            Some(value) => Some(Value::from(value.as_str())),
            None if self.guards.has(self.name, Some(key)) => None,
            None => {
                let detail = if self.name == "env" {
                    format!("the environment variable `{key}` is not set")
                } else {
                    format!("there was no argument `--{key}=…`")
                };
                Some(Value::from(Error::new(ErrorKind::UndefinedError, detail)))
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        if let Some(open) = &self.open {
            open.note(self.name);
            return Enumerator::NonEnumerable;
        }
        Enumerator::Values(
            self.values
                .keys()
                .map(|key| Value::from(key.as_str()))
                .collect(),
        )
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A table with a text for every key.
#[derive(Debug)]
pub(super) struct Placeholders(pub(super) &'static str);

impl Placeholders {
    /// The error of asking for its names, which are unknown.
    pub(super) fn no_names(&self) -> Error {
        not_yet(self.0)
    }
}

impl Object for Placeholders {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        Some(Value::from(format!("{}.{key}", self.0).to_uppercase()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// The error of using what is not known before the event.
pub(super) fn not_yet(name: &str) -> Error {
    let detail = format!("`{name}` is not known before the event");
    Error::new(ErrorKind::UndefinedError, detail)
}
