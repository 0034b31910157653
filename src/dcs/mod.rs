//! Patroni's own DCS, read-only: the clusters, their leaders, and the addresses of the members' REST APIs.
//!
//! [`Etcd`] uses etcd v3 through its JSON gateway. A range reads everything below the namespace, a watch the
//! changes after it. [`Tree`] builds clusters from the keys.

mod etcd;
mod tree;

pub use etcd::{Batch, DcsError, Etcd, Snapshot};
pub use tree::{Scope, Tree};
