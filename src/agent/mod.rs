//! Many clusters, followed from one place.
//!
//! Each cluster has a loop of its own ([`follow`]): it looks for changes, and runs a pass of `execute` when there is one,
//! when WAL stops, and from time to time. All loops run on one thread in a [`Crowd`], so none waits for another one's
//! server; blocking exchanges have threads of their own. [`discover`] watches Patroni's DCS. The state of each cluster is on
//! a [`Board`], which [`Server`] shows over HTTP.

mod board;
mod crowd;
mod discovery;
mod follow;
mod server;
mod sighting;

pub use board::{Board, Condition, Correction, Row, RulesState};
pub use crowd::Crowd;
pub use discovery::{Discovery, discover};
pub use follow::{Decided, Followed, Pace, Saw, follow};
pub use server::{Answer, Server, ServerError};
pub use sighting::{Sighting, Signal};
