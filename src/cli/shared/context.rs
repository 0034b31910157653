//! The context of every command.

use std::rc::Rc;

use super::args::Global;
use super::colours::Colours;
use super::env::Environment;
use super::log::Log;

/// The context of every command.
pub struct Context {
    pub global: Global,
    pub environment: Environment,
    pub log: Rc<Log>,
    pub colours: Colours,
}
