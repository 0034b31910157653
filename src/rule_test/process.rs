//! One process of a scenario, its world, and its end if it is killed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::barman::Barman;
use crate::execute::{Progress, Stamp, World};
use crate::http::{Clock as _, Failure, Http, Request, Response};
use crate::model::{Api, ApiName, RuleSet, Url};
use crate::patroni::Patroni;
use crate::simulator;
use crate::simulator::service::Delivery;
use crate::store::Sqlite;

use super::clock::Virtual;
use super::world::{self, Outside};

const EXCHANGE: Duration = Duration::from_millis(10);

/// The moment at which a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    BeforePost,
    /// When its first request has arrived, before it reads the answer.
    AfterPost,
    After(Duration),
}

/// A process on a node.
pub(super) struct Process<'a> {
    outside: &'a Outside,
    node: String,
    apis: BTreeMap<ApiName, (Wire<'a>, Url)>,
    patroni: Option<(Wire<'a>, Url)>,
    life: Rc<Life>,
}

/// The actions of a process so far.
#[derive(Debug)]
struct Life {
    posts: Cell<usize>,
    began: Duration,
    kill: Option<Kill>,
    killed: Cell<bool>,
}

/// The connection to one server.
pub(super) struct Wire<'a> {
    outside: &'a Outside,
    timeout: Duration,
    prefix: usize,
    life: Rc<Life>,
    peer: Peer<'a>,
}

/// The server at the other end.
enum Peer<'a> {
    Api(&'a RefCell<world::Api>),
    Patroni(String),
    Silent,
}

impl<'a> Process<'a> {
    pub(super) fn begin(
        rules: &RuleSet,
        outside: &'a Outside,
        node: &str,
        silent: bool,
        kill: Option<Kill>,
    ) -> Self {
        let life = Rc::new(Life {
            posts: Cell::new(0),
            began: outside.clock.now(),
            kill,
            killed: Cell::new(false),
        });
        let wire = |api: &Api, peer: Peer<'a>| Wire {
            outside,
            timeout: api.timeout,
            prefix: path_start(api.url.as_str()),
            life: Rc::clone(&life),
            peer,
        };
        let apis = rules.apis.iter().filter_map(|(name, api)| {
            let peer = Peer::Api(outside.apis.get(name)?);
            Some((name.clone(), (wire(api, peer), api.url.clone())))
        });
        let apis = apis.collect();
        let patroni = rules.patroni.as_ref().map(|patroni| {
            let peer = if silent {
                Peer::Silent
            } else {
                Peer::Patroni(node.to_owned())
            };
            (wire(&patroni.api, peer), patroni.api.url.clone())
        });
        Self {
            outside,
            node: node.to_owned(),
            apis,
            patroni,
            life,
        }
    }

    pub(super) fn posts(&self) -> usize {
        self.life.posts.get()
    }

    /// Executes its work, to the end or until it is killed; then `None`.
    pub(super) async fn live<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            let end = match self.life.kill {
                Some(Kill::After(time)) => Some(self.life.began.saturating_add(time)),
                _ => None,
            };
            let late = end.is_some_and(|end| self.outside.clock.is_over(end));
            if late || self.life.killed.get() {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        })
        .await
    }
}

impl<'a> World for Process<'a> {
    type Http = Wire<'a>;
    type Clock = Virtual;
    type Store = Sqlite;

    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Wire<'a>>> {
        let (wire, url) = self.apis.get(api)?;
        Some(Barman::new(wire, url))
    }

    fn patronis(&self) -> Vec<Patroni<'_, Wire<'a>>> {
        let patroni = self.patroni.iter();
        patroni
            .map(|(wire, url)| Patroni::new(wire, url.clone()))
            .collect()
    }

    fn clock(&self) -> &Virtual {
        &self.outside.clock
    }

    fn store(&self) -> Option<&Sqlite> {
        None
    }

    /// The result of a recovery on the node.
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let restored = self.outside.restored.borrow();
        let stamp = Stamp {
            inode: 1,
            changed: 0,
        };
        let filled = |folder: &Path| restored.contains(&(self.node.clone(), folder.to_owned()));
        path.parent().filter(|folder| filled(folder)).map(|_| stamp)
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
            && let Some(recovery) = step.operation.recovery()
        {
            let folder = PathBuf::from(&recovery.destination_directory);
            let mut restored = self.outside.restored.borrow_mut();
            restored.insert((self.node.clone(), folder));
        }
    }
}

impl Http for Wire<'_> {
    async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let limit = request.effort.limit(self.timeout, request.limit);
        let path = request.url.get(self.prefix..).unwrap_or_default();
        let clock = &self.outside.clock;
        if request.body.is_some() && self.life.kill == Some(Kill::BeforePost) {
            return self.life.die().await;
        }
        clock.sleep(EXCHANGE.min(limit)).await;
        match &self.peer {
            Peer::Patroni(node) => Ok(self.outside.cluster.borrow().answer(node, path)),
            Peer::Silent => {
                clock.sleep(limit.saturating_sub(EXCHANGE)).await;
                Err(Failure::Unknown("no answer in time".to_owned()))
            }
            Peer::Api(service) => {
                let posts = request.body.is_some();
                if posts {
                    self.life.posts.set(self.life.posts.get() + 1);
                }
                let Some(delivery) = self.serve(service, request, path) else {
                    let refused = "can't connect: connection refused";
                    return Err(Failure::NotSent(refused.to_owned()));
                };
                if posts && self.life.kill == Some(Kill::AfterPost) {
                    return self.life.die().await;
                }
                self.receive(delivery, limit).await
            }
        }
    }
}

impl Life {
    /// Stops here for ever.
    async fn die<T>(&self) -> T {
        self.killed.set(true);
        pending().await
    }
}

impl Wire<'_> {
    /// Passes a request to the API; `None` if it accepts no connection.
    fn serve(
        &self,
        service: &RefCell<world::Api>,
        request: &Request,
        path: &str,
    ) -> Option<Delivery> {
        let mut service = service.borrow_mut();
        if service.refuse_connection().is_some() {
            return None;
        }
        let body = request.body.as_ref();
        let asked = simulator::Request {
            method: body.map_or("GET", |_| "POST").to_owned(),
            path: path.to_owned(),
            content_type: body.map(|_| "application/json".to_owned()),
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        };
        let (_, delivery) = service.serve(self.outside.clock.moment(), &asked);
        Some(delivery)
    }

    async fn receive(&self, delivery: Delivery, limit: Duration) -> Result<Response, Failure> {
        let clock = &self.outside.clock;
        let unknown = |what: &str| Err(Failure::Unknown(what.to_owned()));
        let broken = "the connection broke before an answer came";
        let (time, late) = match delivery {
            Delivery::Send(response) => return Ok(answer(&response)),
            Delivery::Truncate(_) => {
                return unknown("the connection broke in the middle of the answer");
            }
            Delivery::Close | Delivery::Reset => return unknown(broken),
            Delivery::SendAfter(time, response) => (time, Ok(answer(&response))),
            Delivery::ResetAfter(time) => (time, unknown(broken)),
            Delivery::Never => (limit, unknown(broken)),
        };
        clock.sleep(time.min(limit)).await;
        if time < limit {
            late
        } else {
            unknown("no answer in time")
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

/// The path of an address, which precedes that of each request.
pub(super) fn path_of(url: &str) -> &str {
    url.get(path_start(url)..).unwrap_or_default()
}

fn path_start(url: &str) -> usize {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url.get(authority..).and_then(|rest| rest.find('/'));
    path.map_or(url.len(), |path| authority + path)
}
