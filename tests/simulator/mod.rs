//! The embedded pg-backup-api, through HTTP.

mod backend;
pub mod client;
mod command;
mod core;
mod faults;
mod many;
mod patroni;
mod protocol;
mod receiver;
mod recorded;
mod stage;
mod state;
mod versions;
