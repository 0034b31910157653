//! The embedded pg-backup-api, through HTTP.

mod client;
mod recorded;
mod state;
