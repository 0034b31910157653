//! Patroni clusters and the Barman hosts that archive them: each side sees the other's changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::backend::Backend;
use super::message::{Request, Response};
use super::patroni::{Change, ChangeError, Cluster};
use super::receiver::Stream;
use super::sections::Node;
use super::server::{Clock, Endpoint, Shared, lock};
use super::service::{CONTROL, Delivery, Reaction};

/// A Barman host, as far as clusters need it.
pub(super) trait Host: Send + Sync {
    fn see(&self, cluster: &str, nodes: &[Node]);
    fn streams_from(&self, cluster: &str, node: (&str, u16)) -> Vec<Stream>;
}

impl<B: Backend> Host for Shared<B> {
    fn see(&self, cluster: &str, nodes: &[Node]) {
        let now = self.now();
        self.service().api().backend().see(now, cluster, nodes);
    }

    fn streams_from(&self, cluster: &str, node: (&str, u16)) -> Vec<Stream> {
        let now = self.now();
        let mut service = self.service();
        service.api().backend().streams_from(now, cluster, node)
    }
}

/// Receives each request to a member, and the status of its answer.
pub(super) type Watcher = Box<dyn Fn(&str, &Request, Option<u16>) + Send + Sync>;

/// The number of requests for each path of a member, by cluster, member and path.
type Asked = BTreeMap<(usize, String, String), u64>;

/// All clusters of a world.
pub(super) struct Clusters {
    all: Mutex<Vec<Cluster>>,
    hosts: Vec<Arc<dyn Host>>,
    clock: Clock,
    asked: Mutex<Asked>,
    watcher: Watcher,
}

impl Clusters {
    pub(super) fn new(
        clusters: Vec<Cluster>,
        hosts: Vec<Arc<dyn Host>>,
        clock: Clock,
        watcher: Watcher,
    ) -> Arc<Self> {
        let clusters = Arc::new(Self {
            all: Mutex::new(clusters),
            hosts,
            clock,
            asked: Mutex::default(),
            watcher,
        });
        for cluster in clusters.lock().iter() {
            clusters.show(cluster);
        }
        clusters
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Cluster>> {
        lock(&self.all)
    }

    /// Passes the state of a cluster to every Barman. Clusters are locked before Barmans, never the other way round.
    fn show(&self, cluster: &Cluster) {
        let nodes = cluster.nodes((self.clock)());
        for host in &self.hosts {
            host.see(cluster.scope(), &nodes);
        }
    }

    /// Applies a change to a cluster.
    pub(super) fn change(&self, index: usize, change: Change) -> Result<(), ChangeError> {
        let mut clusters = self.lock();
        let Some(cluster) = clusters.get_mut(index) else {
            return Err(ChangeError::NoCluster(index.to_string()));
        };
        cluster.change((self.clock)(), change)?;
        self.show(cluster);
        Ok(())
    }

    /// The number of requests to a member for a path.
    pub(super) fn asked(&self, index: usize, member: &str, path: &str) -> u64 {
        let key = (index, member.to_owned(), path.to_owned());
        lock(&self.asked).get(&key).copied().unwrap_or_default()
    }

    fn control(&self, index: usize, request: &Request) -> Response {
        if request.method != "GET" {
            let line = String::from_utf8_lossy(&request.body);
            let done = line.parse().and_then(|change| self.change(index, change));
            if let Err(error) = done {
                return Response::text(400, error.to_string());
            }
        }
        match self.lock().get(index) {
            Some(cluster) => Response::json(200, &cluster.state()),
            None => Response::not_found("there is no such cluster"),
        }
    }

    fn serve(&self, index: usize, name: &str, request: &Request) -> Delivery {
        let path = request.path.split('?').next().unwrap_or_default();
        let key = (index, name.to_owned(), path.to_owned());
        *lock(&self.asked).entry(key).or_default() += 1;
        // Only this answer contains them, and finding them takes a while.
        let streams = if matches!(path, "/cluster" | "/history") {
            Vec::new()
        } else {
            self.streams(index, name)
        };
        let now = (self.clock)();
        match self.lock().get_mut(index) {
            Some(cluster) => cluster.serve(now, name, request, &streams),
            None => Delivery::Close,
        }
    }

    fn streams(&self, index: usize, name: &str) -> Vec<Stream> {
        let clusters = self.lock();
        let Some(cluster) = clusters.get(index) else {
            return Vec::new();
        };
        let mut members = cluster.members().iter();
        let Some(member) = members.find(|member| member.name == name) else {
            return Vec::new();
        };
        let node = (member.host.as_str(), member.port);
        let of_host = |host: &Arc<dyn Host>| host.streams_from(cluster.scope(), node);
        self.hosts.iter().flat_map(of_host).collect()
    }
}

/// The REST API of one member.
pub(super) struct Rest {
    pub(super) clusters: Arc<Clusters>,
    /// The cluster's index.
    pub(super) index: usize,
    pub(super) member: String,
}

impl Endpoint for Rest {
    fn refuses_connection(&self) -> bool {
        false
    }

    fn serve(&self, request: &Request) -> Reaction {
        if request.path == CONTROL {
            return self.clusters.control(self.index, request).into();
        }
        let delivery = self.clusters.serve(self.index, &self.member, request);
        (self.clusters.watcher)(&self.member, request, delivery.status());
        Reaction::Deliver(delivery)
    }
}
