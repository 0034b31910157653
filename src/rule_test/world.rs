//! The outside of a scenario: Barmans in memory, a Patroni that knows who leads, a time of its own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::barman::Barman;
use crate::execute::{Progress, Stamp, World};
use crate::http::{Clock, Failure, Http, Request, Response};
use crate::model::{Api, ApiName, Operation, RuleSet, Url};
use crate::patroni::Patroni;
use crate::simulator;
use crate::simulator::service::{Delivery, Service};
use crate::store::Sqlite;

/// When every scenario begins, in seconds since 1970.
const BEGIN: Duration = Duration::from_secs(1_795_403_676);

/// How long one exchange takes.
const EXCHANGE: Duration = Duration::from_millis(10);

/// A time that passes when somebody waits.
#[derive(Debug, Default)]
pub(super) struct Virtual {
    elapsed: Cell<Duration>,
}

impl Virtual {
    pub(super) fn advance(&self, by: Duration) {
        self.elapsed.set(self.elapsed.get().saturating_add(by));
    }

    fn moment(&self) -> simulator::Moment {
        simulator::Moment {
            elapsed: self.now(),
            wall: self.wall(),
        }
    }
}

impl Clock for Virtual {
    fn now(&self) -> Duration {
        self.elapsed.get()
    }

    fn wall(&self) -> Duration {
        BEGIN.saturating_add(self.elapsed.get())
    }

    /// The middle of every jitter: a scenario ends the same way each time.
    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// Who is who in the cluster.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) members: Vec<String>,
    /// The node whose callback runs.
    pub(super) node: String,
    /// Who holds the leader key.
    pub(super) leader: Option<String>,
}

/// Everything outside.
pub(super) struct Outside {
    clock: Rc<Virtual>,
    apis: BTreeMap<ApiName, (Wire, Url)>,
    patroni: Option<(Wire, Url)>,
    /// The cluster; it changes between callbacks.
    pub(super) cluster: Rc<RefCell<Cluster>>,
    /// How often something was posted.
    pub(super) posts: Rc<Cell<usize>>,
    restored: RefCell<BTreeSet<PathBuf>>,
}

/// The way to one server.
pub(super) struct Wire {
    clock: Rc<Virtual>,
    timeout: Duration,
    prefix: usize,
    posts: Rc<Cell<usize>>,
    peer: Peer,
}

/// Who is at the other end.
enum Peer {
    Api(Box<RefCell<Service<simulator::barman::Barman>>>),
    Patroni(Rc<RefCell<Cluster>>),
}

impl Outside {
    /// The outside that the rules name; `service` makes what is behind an API.
    pub(super) fn new(
        rules: &RuleSet,
        cluster: Cluster,
        service: impl Fn(&ApiName, &str) -> Option<Service<simulator::barman::Barman>>,
    ) -> Self {
        let clock = Rc::new(Virtual::default());
        let cluster = Rc::new(RefCell::new(cluster));
        let posts = Rc::new(Cell::new(0));
        let wire = |api: &Api, peer: Peer| Wire {
            clock: Rc::clone(&clock),
            timeout: api.timeout,
            prefix: path_start(api.url.as_str()),
            posts: Rc::clone(&posts),
            peer,
        };
        let apis = rules.apis.iter().filter_map(|(name, api)| {
            let prefix = api.url.as_str().get(path_start(api.url.as_str())..)?;
            let peer = Peer::Api(Box::new(RefCell::new(service(name, prefix)?)));
            Some((name.clone(), (wire(api, peer), api.url.clone())))
        });
        let apis = apis.collect();
        let patroni = rules.patroni.as_ref().map(|patroni| {
            let peer = Peer::Patroni(Rc::clone(&cluster));
            (wire(&patroni.api, peer), patroni.api.url.clone())
        });
        Self {
            apis,
            patroni,
            restored: RefCell::default(),
            clock,
            cluster,
            posts,
        }
    }

    /// The model that is active on a server of an API, some time later.
    pub(super) fn active_model(&self, api: &ApiName, server: &str) -> Option<String> {
        let (wire, _) = self.apis.get(api)?;
        let Peer::Api(service) = &wire.peer else {
            return None;
        };
        let mut service = service.borrow_mut();
        service
            .api()
            .backend()
            .active_model(self.clock.moment(), server)
    }
}

impl World for Outside {
    type Http = Wire;
    type Clock = Virtual;
    type Store = Sqlite;

    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Wire>> {
        let (wire, url) = self.apis.get(api)?;
        Some(Barman::new(wire, url))
    }

    fn patronis(&self) -> Vec<Patroni<'_, Wire>> {
        let patroni = self.patroni.iter();
        patroni
            .map(|(wire, url)| Patroni::new(wire, url.clone()))
            .collect()
    }

    fn clock(&self) -> &Virtual {
        &self.clock
    }

    fn store(&self) -> Option<&Sqlite> {
        None
    }

    /// What a recovery has left on the node.
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let restored = self.restored.borrow();
        let stamp = Stamp {
            inode: 1,
            changed: 0,
        };
        path.parent()
            .filter(|folder| restored.contains(*folder))
            .map(|_| stamp)
    }

    fn newest_below(&self, _: &Path) -> Option<i128> {
        None
    }

    fn is_running(&self, _: &Path) -> bool {
        false
    }

    fn one_receiver(&self) -> bool {
        false
    }

    fn observe(&self, progress: &Progress<'_>) {
        if let Progress::Accepted { step, .. } | Progress::Found { step, .. } = progress
            && let Operation::Recovery(recovery) = &step.operation
        {
            let folder = PathBuf::from(&recovery.destination_directory);
            self.restored.borrow_mut().insert(folder);
        }
    }
}

impl Http for Wire {
    async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let limit = request.effort.limit(self.timeout, request.limit);
        let path = request.url.get(self.prefix..).unwrap_or_default();
        self.clock.advance(EXCHANGE.min(limit));
        match &self.peer {
            Peer::Patroni(cluster) => Ok(patroni(&cluster.borrow(), path)),
            Peer::Api(service) => {
                let mut service = service.borrow_mut();
                if request.body.is_some() {
                    self.posts.set(self.posts.get() + 1);
                }
                self.api(&mut service, request, path, limit)
            }
        }
    }
}

impl Wire {
    fn api(
        &self,
        service: &mut Service<simulator::barman::Barman>,
        request: &Request,
        path: &str,
        limit: Duration,
    ) -> Result<Response, Failure> {
        if service.refuse_connection().is_some() {
            return Err(Failure::NotSent(
                "can't connect: connection refused".to_owned(),
            ));
        }
        let method = if request.body.is_some() {
            "POST"
        } else {
            "GET"
        };
        let asked = simulator::Request {
            method: method.to_owned(),
            path: path.to_owned(),
            content_type: request.body.as_ref().map(|_| "application/json".to_owned()),
            body: request
                .body
                .as_ref()
                .map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        };
        let unknown = |what: &str| Err(Failure::Unknown(what.to_owned()));
        let silent = |after: Duration| {
            self.clock.advance(after);
            unknown("no answer in time")
        };
        let (_, delivery) = service.serve(self.clock.moment(), &asked);
        match delivery {
            Delivery::Send(response) => Ok(answer(&response)),
            Delivery::SendAfter(time, _) if time >= limit => silent(limit),
            Delivery::SendAfter(time, response) => {
                self.clock.advance(time);
                Ok(answer(&response))
            }
            Delivery::Truncate(_) => unknown("the connection broke in the middle of the answer"),
            Delivery::Close | Delivery::Reset => {
                unknown("the connection broke before an answer came")
            }
            Delivery::ResetAfter(time) if time < limit => {
                self.clock.advance(time);
                unknown("the connection broke before an answer came")
            }
            Delivery::ResetAfter(_) | Delivery::Never => silent(limit),
        }
    }
}

fn answer(response: &simulator::Response) -> Response {
    let header = |name: &str| {
        let found = response.headers.iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| value.clone())
    };
    Response {
        status: response.status,
        retry_after: header("Retry-After")
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs),
        location: header("Location"),
        server: header("Server"),
        date: None,
        body: response.body.clone().into_bytes(),
    }
}

/// What the local Patroni answers.
fn patroni(cluster: &Cluster, path: &str) -> Response {
    let leads = |name: &String| cluster.leader.as_ref() == Some(name);
    let asks_for_lease = path.ends_with("/leader") || path.ends_with("/standby-leader");
    let body = if path.ends_with("/cluster") {
        let member = |name: &String| {
            let role = if leads(name) { "leader" } else { "replica" };
            json!({"name": name, "role": role, "timeline": 1})
        };
        let members: Value = cluster.members.iter().map(member).collect();
        json!({"scope": cluster.name, "members": members})
    } else {
        let role = if leads(&cluster.node) {
            "primary"
        } else {
            "replica"
        };
        json!({
            "state": "running",
            "role": role,
            "timeline": 1,
            "patroni": {"name": cluster.node, "scope": cluster.name},
        })
    };
    Response {
        status: if asks_for_lease && !leads(&cluster.node) {
            503
        } else {
            200
        },
        body: body.to_string().into_bytes(),
        ..Response::default()
    }
}

/// Where the path of an address begins.
fn path_start(url: &str) -> usize {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url.get(authority..).and_then(|rest| rest.find('/'));
    path.map_or(url.len(), |path| authority + path)
}
