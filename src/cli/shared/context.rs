//! What every command has at hand.

use std::rc::Rc;

use super::args::Global;
use super::colours::Colours;
use super::env::Environment;
use super::log::Log;

/// What every command has at hand.
pub struct Context {
    /// Options for every command.
    pub global: Global,
    /// The environment.
    pub environment: Environment,
    /// The log.
    pub log: Rc<Log>,
    /// The outputs that get colours.
    pub colours: Colours,
}
