//! An embedded pg-backup-api, Barman and Patroni, to rehearse and test against.
//!
//! It answers as pg-backup-api 2.2 does, including its oddities: IDs made from the second, two kinds of error bodies,
//! operations that are accepted and fail later. [`service`] and [`patroni`] are state machines that receive their time and
//! their requests as arguments, so that they
//! can be driven by a virtual clock as well as by the HTTP servers around them. [`world`] puts any number of both into one process.

pub mod api;
pub mod backend;
mod backup;
pub mod barman;
mod change;
mod clusters;
mod config;
mod diagnose;
pub mod fault;
mod filled;
mod filler;
mod foreground;
mod handle;
mod jobs;
mod message;
mod moment;
mod options;
mod outage;
pub mod patroni;
mod payload;
mod real;
mod receiver;
mod recorded;
mod restore;
mod route;
mod sections;
mod server;
pub mod service;
mod version;
pub mod world;

pub use backup::BackupStatus;
pub use config::{Config, Front, RecoverFiles};
pub use handle::Simulator;
pub use jobs::SameSecond;
pub use message::{Request, Response};
pub use moment::Moment;
pub use receiver::ReceiverTimes;
pub use route::Scope;
pub use server::Clock;
pub use service::Served;
pub use version::Version;
pub use world::World;

pub(crate) use backup::Backup;
pub(crate) use config::{Model, Server};
pub(crate) use filler::Filler;
pub(crate) use foreground::{Members, serve_until_told};
pub(crate) use handle::StartError;
pub(crate) use real::{BarmanCommand, RealBarman};
