//! Templates: the one module that knows minijinja.
//!
//! Strict where a template engine is usually lenient: an unknown name is an error and never an
//! empty string, and a render has a budget, so that no rules file can hang a callback. Templates only see
//! the facts and the file's own variables; there is no clock, no network and no
//! file system in here.

mod asked;
mod cut;
mod error;
mod inspect;
mod kinds;
mod limits;
mod matches;
mod names;
mod page;
mod partial;
mod premise;
mod render;
mod scope;
mod strict;
mod subject;
mod table;
mod usage;
mod walk;
mod written;

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};

pub use asked::Asked;
pub use cut::{Cut, Put};
pub use error::{RenderError, RenderErrorKind};
pub use inspect::{Syntax, SyntaxError, around_expressions, inspect, is_template, lone_expression};
pub use matches::check_pattern;
pub use names::{UnknownKind, known_names};
pub use page::page;
pub use partial::{Residual, Unknown, partial};
pub use premise::{Premises, premises};
pub use render::{condition, render};
pub use scope::Scope;
pub use subject::{Compared, choices, compared};
pub use usage::{Reference, UnknownName, Usage};

/// The variables of every template, in addition to the file's own `vars`.
pub const FACTS: [&str; 10] = [
    "event",
    "role",
    "raw_role",
    "cluster",
    "node",
    "host",
    "datadir",
    "connstring",
    "args",
    "env",
];

/// The maximum number of instructions of one render. A realistic template takes
/// fewer than a hundred.
const FUEL: u64 = 2_000;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    engine.set_formatter(|out, state, value| {
        minijinja::escape_formatter(out, state, &limits::written(value)?)
    });
    // It would print the whole environment.
    engine.remove_global("debug");
    // It lets a value double in every round of a loop, which the budget does not see.
    engine.remove_global("namespace");
    limits::add_to(&mut engine);
    matches::add_to(&mut engine);
    engine
});
