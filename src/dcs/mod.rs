//! Patroni's own DCS, read-only: which clusters there are, who leads, and where the members' REST APIs are.
//!
//! [`Etcd`] speaks to etcd v3 through its JSON gateway. A range gives everything below the namespace, a watch what
//! changes after it. [`Tree`] makes clusters of the keys.

mod etcd;
mod tree;

pub use etcd::{Batch, DcsError, Etcd, Snapshot};
pub use tree::{Scope, Tree};
