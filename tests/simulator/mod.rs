//! The embedded pg-backup-api, through HTTP.

mod backend;
pub mod client;
mod command;
mod core;
mod faults;
mod many;
mod protocol;
mod recorded;
mod state;
