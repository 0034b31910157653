//! Code shared by commands. A command imports from here, never from another command.

pub mod args;
pub mod cells;
pub mod command;
pub mod context;
pub mod decide;
pub mod discreet;
pub mod dry_run;
pub mod duration;
pub mod env;
pub mod exit;
pub mod fleet;
pub mod invocation;
pub mod log;
pub mod metrics;
pub mod notify;
pub mod online;
pub mod output;
pub mod revision;
pub mod rules;
pub mod shipped;
pub mod signals;
pub mod state;
pub mod version;
pub mod view;
pub mod watch;
pub mod world;
