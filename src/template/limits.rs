//! The limits on values, and the filters that are put around the expressions of a template to enforce them.

use minijinja::tests::is_in;
use minijinja::value::{DynObject, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::error::{Cause, RenderErrorKind};
use super::table::{Placeholders, Table};

/// The maximum number of values in a value.
const MOST_VALUES: usize = 20_000;

const TOO_MANY: &str = "more than 20,000 values in it";

/// The maximum amount of text in a value, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// The maximum nesting of a value.
const MOST_NESTED: usize = 100;

/// The number of values that are looked at for one step of a template's budget.
const VALUES_PER_STEP: usize = 2;

/// The filter that refuses missing and oversized values. No template can spell its name.
pub(super) const THERE: &str = "?there";

/// The filter that refuses oversized values.
pub(super) const MEASURED: &str = "?measured";

/// The filter that replaces a table by its names.
pub(super) const NAMES: &str = "?names";

/// The filter that converts a value to text.
pub(super) const WRITTEN: &str = "?written";

/// The filter that does the same for the items of a list.
pub(super) const WRITTEN_ITEMS: &str = "?written_items";

/// Adds the filters to an engine.
pub(super) fn add_to(engine: &mut Environment<'static>) {
    engine.add_filter(THERE, there);
    engine.add_filter(MEASURED, measured);
    engine.add_filter(NAMES, names);
    engine.add_filter(WRITTEN, written);
    engine.add_filter(WRITTEN_ITEMS, written_items);
    // A lookup in `env` returns an error in place of a missing value.
    engine.add_test("defined", exists);
    engine.add_test("undefined", |value: &Value| !exists(value));
    engine.add_test(
        "in",
        |state: &State<'_, '_>, value: &Value, other: &Value| is_in(state, value, &names(other)?),
    );
}

fn there(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    measured(state, value)
}

fn measured(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if !value.is_undefined() {
        let steps = state.fuel_levels().map_or(u64::MAX, |(_, left)| left);
        let affordable = usize::try_from(steps).map_or(usize::MAX, |steps| {
            steps.saturating_add(1).saturating_mul(VALUES_PER_STEP)
        });
        let values = affordable.min(MOST_VALUES);
        let mut budget = Budget {
            values,
            ..Budget::default()
        };
        let measured = budget.take(value);
        state.consume_fuel(((values - budget.values) / VALUES_PER_STEP) as u64)?;
        measured?;
    }
    Ok(value.clone())
}

/// `true` and `false` in the notation of YAML and JSON, and never the word `none`.
pub(super) fn written(value: &Value) -> Result<Value, Error> {
    match bool::try_from(value.clone()) {
        _ if value.is_none() => Err(Error::new(
            ErrorKind::InvalidOperation,
            "`none` can't be a part of a text",
        )),
        Ok(truth) if value.kind() == ValueKind::Bool => {
            Ok(Value::from(if truth { "true" } else { "false" }))
        }
        _ => Ok(value.clone()),
    }
}

fn written_items(value: &Value) -> Result<Value, Error> {
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(value.clone());
    }
    let items = value.try_iter()?.checked();
    let items: Vec<Value> = items
        .map(|item| written(&item?))
        .collect::<Result<_, _>>()?;
    Ok(Value::from(items))
}

fn exists(value: &Value) -> bool {
    !matches!(value.kind(), ValueKind::Undefined | ValueKind::Invalid)
}

fn names(value: &Value) -> Result<Value, Error> {
    if let Some(table) = value.downcast_object_ref::<Table>() {
        return table.names();
    }
    match value.downcast_object_ref::<Placeholders>() {
        Some(placeholders) => Err(placeholders.no_names()),
        None => Ok(value.clone()),
    }
}

/// The rest of a value's limits. A part that it contains twice counts twice, because it is written twice.
#[derive(Debug)]
pub(super) struct Budget {
    values: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            values: MOST_VALUES,
            bytes: MOST_BYTES,
        }
    }
}

impl Budget {
    /// Subtracts a value, which must not exceed the rest or contain something that does not exist.
    pub(super) fn take(&mut self, value: &Value) -> Result<(), Error> {
        self.within(value, 0)
    }

    fn within(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let one_less = self.values.checked_sub(1);
        self.values = one_less.ok_or_else(|| refuse(TOO_MANY))?;
        match value.kind() {
            ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
            ValueKind::Invalid => Err(error_of(value)),
            ValueKind::String => self.text(value.as_str().unwrap_or_default()),
            ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => self.inside(value, depth + 1),
            _ => Ok(()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let less = self.bytes.checked_sub(text.len());
        self.bytes = less.ok_or_else(|| refuse("more than 256 KiB of text in it"))?;
        Ok(())
    }

    fn inside(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MOST_NESTED {
            return Err(refuse("more than 100 values nested in it"));
        }
        // The facts are not copied.
        if value.downcast_object_ref::<Table>().is_some()
            || value.downcast_object_ref::<Placeholders>().is_some()
        {
            return Ok(());
        }
        // Too long to be walked through.
        if value.len().is_some_and(|length| length > self.values) {
            self.values = 0;
            return Err(refuse(TOO_MANY));
        }
        if value.kind() == ValueKind::Map {
            let pairs = value.as_object().and_then(DynObject::try_iter_pairs);
            for (key, value) in pairs.into_iter().flatten() {
                self.within(&key, depth)?;
                self.within(&value, depth)?;
            }
            return Ok(());
        }
        // A value without items is not written out either.
        let Ok(items) = value.try_iter() else {
            return Ok(());
        };
        for item in items.checked() {
            self.within(&item?, depth)?;
        }
        Ok(())
    }
}

fn refuse(what: &str) -> Error {
    let detail = format!("the template makes a value with {what}");
    Error::new(ErrorKind::InvalidOperation, detail).with_source(Cause(RenderErrorKind::TooLarge))
}

/// The error that a lookup returned in place of a value.
fn error_of(value: &Value) -> Error {
    let list = Value::from(vec![value.clone()]);
    let first = list
        .try_iter()
        .ok()
        .and_then(|items| items.checked().next());
    match first {
        Some(Err(error)) => error,
        _ => Error::from(ErrorKind::UndefinedError),
    }
}
