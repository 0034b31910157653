//! Patroni clusters and Barman hosts in one process, each member and each host with its own listener.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::clusters::{Clusters, Host, Rest};
use super::config::Config;
use super::handle::{Simulator, StartError, open, real_clock};
use super::patroni::{Change, ChangeError, Cluster};
use super::server::{self, Clock};

/// Clusters and Barman hosts that run until this is dropped.
///
/// A Barman sees a member if a server or model of the cluster has its host and port in `conninfo`: `demo:n1` points to
/// `host=n1 port=5432`, the default address of a member `n1`.
pub struct World {
    barmans: BTreeMap<String, Simulator>,
    clusters: Arc<Clusters>,
    /// The addresses of the REST APIs, by cluster and member.
    urls: BTreeMap<(usize, String), String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    /// Starts everything, on free ports of the loopback interface.
    pub fn start(
        clusters: Vec<Cluster>,
        barmans: impl IntoIterator<Item = (String, Config)>,
    ) -> Result<Self, StartError> {
        Self::start_with_clock(clusters, barmans, &real_clock())
    }

    /// Starts everything, with the caller's clock.
    pub fn start_with_clock(
        mut clusters: Vec<Cluster>,
        barmans: impl IntoIterator<Item = (String, Config)>,
        clock: &Clock,
    ) -> Result<Self, StartError> {
        let barmans = barmans
            .into_iter()
            .map(|(name, config)| {
                let simulator = Simulator::start_with_clock(config, Arc::clone(clock))?;
                Ok((name, simulator))
            })
            .collect::<Result<BTreeMap<_, _>, StartError>>()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut listening = Vec::new();
        let mut urls = BTreeMap::new();
        {
            let _inside = runtime.enter();
            for (index, cluster) in clusters.iter_mut().enumerate() {
                let free = SocketAddr::from(([127, 0, 0, 1], 0));
                let addresses = vec![free; cluster.members().len()];
                for (member, listener, url) in listen(cluster, &addresses)? {
                    urls.insert((index, member.clone()), url);
                    listening.push((index, member, listener));
                }
            }
        }
        let host = |barman: &Simulator| barman.shared() as Arc<dyn Host>;
        let hosts = barmans.values().map(host).collect();
        let clusters = Clusters::new(clusters, hosts, Arc::clone(clock), Box::new(|_, _, _| ()));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&clusters);
        let thread = std::thread::Builder::new()
            .name("patroni".to_owned())
            .spawn(move || {
                LocalSet::new().block_on(&runtime, async move {
                    for (index, member, listener) in listening {
                        serve_member(&served, index, member, listener);
                    }
                    drop(stopped.await);
                });
            })?;
        Ok(Self {
            barmans,
            clusters,
            urls,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// A Barman host.
    pub fn barman(&self, name: &str) -> Option<&Simulator> {
        self.barmans.get(name)
    }

    /// The address of a member's REST API.
    pub fn url(&self, scope: &str, member: &str) -> Option<&str> {
        let key = (self.index(scope)?, member.to_owned());
        self.urls.get(&key).map(String::as_str)
    }

    /// Inspects a cluster.
    pub fn look<T>(&self, scope: &str, look: impl FnOnce(&Cluster) -> T) -> Option<T> {
        let index = self.index(scope)?;
        self.clusters.lock().get(index).map(look)
    }

    /// Applies a change to a cluster.
    pub fn change(&self, scope: &str, change: Change) -> Result<(), ChangeError> {
        let index = self.index(scope);
        let index = index.ok_or_else(|| ChangeError::NoCluster(scope.to_owned()))?;
        self.clusters.change(index, change)
    }

    /// Applies a change in the notation of the control path, such as `promote n2`.
    pub fn tell(&self, scope: &str, change: &str) -> Result<(), ChangeError> {
        self.change(scope, change.parse()?)
    }

    /// The number of requests to a member for a path.
    pub fn asked(&self, scope: &str, member: &str, path: &str) -> u64 {
        let index = self.index(scope);
        index.map_or(0, |index| self.clusters.asked(index, member, path))
    }

    fn index(&self, scope: &str) -> Option<usize> {
        let clusters = self.clusters.lock();
        clusters.iter().position(|cluster| cluster.scope() == scope)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("World")
            .field("barmans", &self.barmans)
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

/// Listens for each member of a cluster, and sets the addresses in the cluster. Must be called inside a runtime.
pub(super) fn listen(
    cluster: &mut Cluster,
    addresses: &[SocketAddr],
) -> Result<Vec<(String, TcpListener, String)>, StartError> {
    let names: Vec<String> = cluster
        .members()
        .iter()
        .map(|member| member.name.clone())
        .collect();
    let mut listening = Vec::new();
    for (name, address) in names.into_iter().zip(addresses) {
        let (listener, address) = open(*address)?;
        let url = format!("http://{address}");
        cluster.set_api(&name, &url);
        listening.push((name, listener, url));
    }
    Ok(listening)
}

/// Serves a member's REST API until the runtime ends. Must run in a `LocalSet`.
pub(super) fn serve_member(
    clusters: &Arc<Clusters>,
    index: usize,
    member: String,
    listener: TcpListener,
) {
    let rest = Rest {
        clusters: Arc::clone(clusters),
        index,
        member,
    };
    tokio::task::spawn_local(async move {
        let never = std::future::pending();
        drop(server::serve(listener, Arc::new(rest), never).await);
    });
}
