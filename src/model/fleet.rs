//! Clusters that are followed from one place.

use std::path::PathBuf;

use super::{Api, Clusters, Origin, Url};

/// The source of clusters: Patroni's own etcd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discover {
    /// The connection to etcd: its `url` is the first of `endpoints`.
    pub etcd: Api,
    /// The members of etcd; at least one.
    pub endpoints: Vec<Url>,
    /// Patroni's `namespace`, with a slash at both ends.
    pub namespace: String,
    /// The user and the file with the password.
    pub user: Option<(String, PathBuf)>,
    /// The clusters to follow.
    pub clusters: Clusters,
    /// The connection to the discovered Patronis; its address has no meaning.
    pub patroni: Api,
    /// Its place in the rules.
    pub origin: Origin,
}

impl Discover {
    /// The default of `namespace`.
    pub const NAMESPACE: &str = "/service";

    /// A namespace in the form in which keys begin with it: Patroni strips slashes in the same way.
    pub fn prefix(namespace: &str) -> String {
        match namespace.trim_matches('/') {
            "" => "/".to_owned(),
            inner => format!("/{inner}/"),
        }
    }
}
