//! The context of every command.

use std::rc::Rc;

use super::args::Global;
use super::env::Environment;
use super::log::Log;

/// The context of every command.
pub struct Context {
    /// Options for every command.
    pub global: Global,
    /// The environment.
    pub environment: Environment,
    /// The log.
    pub log: Rc<Log>,
}
