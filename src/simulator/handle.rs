//! A simulator on its own thread, for tests and the demo.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc as sync_mpsc};
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::http::{Clock as _, Real};

use super::api::Api;
use super::backend::Backend;
use super::barman::{Barman, Postgres};
use super::config::{Config, ConfigError, Front};
use super::fault::Faults;
use super::moment::Moment;
use super::outage::{Order, obey};
use super::real::BarmanError;
use super::receiver::Receiving;
use super::server::{self, Clock, Observer, Shared, lock};
use super::service::{Served, Service};
use super::version;

/// The reason why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The real Barman behind it could not be queried.
    #[error(transparent)]
    Barman(#[from] BarmanError),
    #[error("can't listen on `{address}`: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the simulator can't run: {0}")]
    System(#[from] io::Error),
}

/// A simulator on its own thread. Dropping it stops it and closes its connections.
pub struct Simulator<B = Barman> {
    address: SocketAddr,
    url: String,
    shared: Arc<Shared<B>>,
    served: Arc<Mutex<Vec<Served>>>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts on a free port of the loopback interface.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with_clock(config, real_clock())
    }

    /// Starts with the caller's clock, which determines the operations' IDs and their ends.
    pub fn start_with_clock(config: Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_with_backend(Barman::new(&config)?, config.front, clock)
    }

    /// The active model of a server.
    pub fn active_model(&self, server: &str) -> Option<String> {
        self.with_barman(|barman, now| barman.active_model(now, server))
    }

    pub(super) fn shared(&self) -> Arc<Shared<Barman>> {
        Arc::clone(&self.shared)
    }

    /// The state of a server's WAL receiver; `None` if there is no such server.
    pub fn receiving(&self, server: &str) -> Option<Receiving> {
        self.with_barman(|barman, now| barman.receiving(now, server))
    }

    /// Kills a server's WAL receiver; returns false if none is running.
    pub fn kill_receiver(&self, server: &str) -> bool {
        self.with_barman(|barman, now| barman.kill_receiver(now, server))
    }

    /// Executes a command for Barman, in the notation of the control path, such as `drop-slot demo`.
    pub fn tell(&self, what: &str) -> Result<(), String> {
        let words: Vec<&str> = what.split_whitespace().collect();
        self.with_barman(|barman, now| barman.control(now, &words))
    }

    /// Adds a server, which pg-backup-api does not know before it answers `/diagnose`.
    pub fn add_server(&self, name: &str) -> Result<(), ConfigError> {
        self.with_barman(|barman, _| barman.add_late_server(name))
    }

    /// Changes the PostgreSQL behind a server or model; returns false if there is none with that name.
    pub fn change_postgres(&self, name: &str, change: impl FnOnce(&mut Postgres)) -> bool {
        self.with_barman(|barman, _| barman.postgres_mut(name).map(change).is_some())
    }

    fn with_barman<T>(&self, work: impl FnOnce(&mut Barman, Moment) -> T) -> T {
        let now = self.shared.now();
        work(self.shared.service().api().backend(), now)
    }
}

impl<B: Backend + 'static> Simulator<B> {
    /// Starts in front of any Barman.
    pub fn start_with_backend(backend: B, front: Front, clock: Clock) -> Result<Self, StartError> {
        let served = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&served);
        let observer: Observer = Box::new(move |request: &Served| {
            lock(&log).push(request.clone());
        });
        let prefix = front.prefix.trim_end_matches('/').to_owned();
        let shared = Arc::new(share(backend, front, clock, observer)?);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let (listener, address) = open(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        drop(inside);
        let (orders, received) = mpsc::unbounded_channel();
        let served_by = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || {
                LocalSet::new().block_on(&runtime, obey(listener, address, served_by, received));
            })?;
        let url = format!("http://{address}{prefix}");
        Ok(Self {
            address,
            url,
            shared,
            served,
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// The address to give to clients, with the prefix and without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, in the order of service.
    pub fn served(&self) -> Vec<Served> {
        lock(&self.served).clone()
    }

    /// Replaces the remaining faults.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.service().set_faults(faults);
    }

    /// Stops listening and closes every connection, as if the API's host went down. Its state is kept.
    pub fn take_down(&self) {
        let (done, wait) = sync_mpsc::channel();
        if self.order(Order::TakeDown(done)) {
            let _ = wait.recv();
        }
    }

    /// Listens again, on the same port.
    pub fn bring_up(&self) -> io::Result<()> {
        let (done, wait) = sync_mpsc::channel();
        if !self.order(Order::BringUp(done)) {
            return Err(io::Error::other("the simulator has stopped"));
        }
        wait.recv().map_err(io::Error::other)?
    }

    fn order(&self, order: Order) -> bool {
        let orders = self.orders.as_ref();
        orders.is_some_and(|orders| orders.send(order).is_ok())
    }
}

impl<B> Drop for Simulator<B> {
    fn drop(&mut self) {
        // Without a sender of orders, the thread ends.
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<B> std::fmt::Debug for Simulator<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

pub(super) fn share<B: Backend>(
    backend: B,
    front: Front,
    clock: Clock,
    observer: Observer,
) -> Result<Shared<B>, ConfigError> {
    let is_path = front.prefix.is_empty() || front.prefix.starts_with('/');
    if !is_path || front.prefix.contains(['?', '#', ' ']) {
        return Err(ConfigError::Prefix(front.prefix));
    }
    let version = front.api_version.unwrap_or(version::PG_BACKUP_API);
    let api = Api::new(backend, &front.prefix, front.same_second).of_version(version);
    Ok(Shared::new(
        Service::new(api, front.faults).filled(front.diagnose_size),
        clock,
        observer,
    ))
}

/// Starts to listen. Must be called inside a runtime.
pub(super) fn open(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = server::reserve(address).and_then(server::listen);
    let both = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (local, listener) = both.map_err(|source| StartError::Listen { address, source })?;
    Ok((listener, local))
}

/// The computer's clock; the simulated host's local time is UTC.
pub fn real_clock() -> Clock {
    let clock = Real::new();
    Arc::new(move || Moment {
        elapsed: clock.now(),
        wall: clock.wall(),
    })
}
