//! An embedded pg-backup-api, to rehearse and test against.
//!
//! It answers as pg-backup-api 2.2 does, with its oddities: ids made of the second, two kinds of error bodies, operations that are
//! accepted and fail later. Everything up to [`service`] is a state machine that is handed its time and its requests, so that it can be
//! driven under virtual time as well as by the HTTP server around it.

pub mod api;
pub mod backend;
pub mod barman;
mod change;
mod config;
mod diagnose;
pub mod fault;
mod foreground;
mod handle;
mod jobs;
mod message;
mod moment;
mod outage;
mod payload;
mod real;
mod restore;
mod route;
mod server;
pub mod service;

pub use config::{Backup, BackupStatus, Config, ConfigError, Front, Model, RecoverFiles, Server};
pub use foreground::serve_until_told;
pub use handle::{Simulator, StartError, real_clock};
pub use jobs::{Fate, SameSecond, Status};
pub use message::{Request, Response};
pub use moment::Moment;
pub use real::{BarmanCommand, BarmanError, NoProgram, RealBarman};
pub use route::{Route, Scope};
pub use server::Clock;
pub use service::Served;
