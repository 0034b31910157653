//! The clusters that the rules list or discover, each with its own loop.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::agent::{
    Board, Condition, Crowd, Decided, Discovery, Followed, Pace, Saw, Signal, discover, follow,
};
use crate::alert::of_patroni;
use crate::dcs::{Etcd, Scope, Tree};
use crate::evaluate::Wanted;
use crate::execute::{Here, Looks, World as _};
use crate::http::{Client, Clock as _, Heard};
use crate::model::{Api, Discover, Url};
use crate::store::{Extent, Observation};

use super::alerts::{Alerts, extent, of_pass};
use super::context::Context;
use super::decide::Decider;
use super::env::Environment;
use super::outbox::Outbox;
use super::rules::Rules;
use super::view::wants;
use super::watch::Watch;
use super::world::{Addresses, Outside};

/// The pause between two checks for orders.
const TICK: Duration = Duration::from_millis(100);

/// The pause between two reports on a Patroni that is silent.
const SILENT: Duration = Duration::from_secs(30);

/// The inputs shared by all clusters.
pub struct Fleet<'a> {
    pub rules: &'a Rules,
    pub context: &'a Context,
    /// The world, with the state and without a cluster.
    pub outside: &'a Outside<'a>,
    /// The variables that a command line sets.
    pub sets: &'a [String],
    pub board: &'a Board,
    pub pace: Pace,
    pub outbox: &'a Outbox,
    pub desk: &'a Alerts<'a>,
}

/// A cluster being followed.
struct Member {
    name: String,
    client: Rc<Client>,
    addresses: Addresses,
    signal: Signal,
    /// It was discovered, and may disappear.
    is_found: bool,
}

impl Member {
    fn new(name: &str, client: Rc<Client>, urls: Vec<Url>, is_found: bool) -> Rc<Self> {
        Rc::new(Self {
            name: name.to_owned(),
            client,
            addresses: Rc::new(RefCell::new(urls)),
            signal: Signal::default(),
            is_found,
        })
    }
}

type Members = RefCell<BTreeMap<String, Rc<Member>>>;

/// The clients for Patronis: one for all clusters with the same connection settings.
struct Clients<'a> {
    environment: &'a Environment,
    heard: Option<Heard>,
    made: RefCell<Vec<(Api, Rc<Client>)>>,
}

impl Clients<'_> {
    fn of(&self, api: &Api) -> Rc<Client> {
        let same = |other: &Api| {
            let at = Api {
                url: api.url.clone(),
                ..other.clone()
            };
            at == *api
        };
        let mut made = self.made.borrow_mut();
        if let Some((_, client)) = made.iter().find(|(other, _)| same(other)) {
            return Rc::clone(client);
        }
        let client = Client::new(api, &self.environment.vars).heard_by(self.heard.clone());
        let client = Rc::new(client);
        made.push((api.clone(), Rc::clone(&client)));
        client
    }
}

impl Fleet<'_> {
    /// Follows all clusters until `ends` returns true, or with `once` until each has had one pass.
    pub async fn run(&self, ends: impl Fn() -> bool) {
        let looks = Looks::of_fleet();
        let watch = Watch::new(&self.context.log);
        let clients = Clients {
            environment: &self.context.environment,
            heard: watch.hears(),
            made: RefCell::default(),
        };
        let members = Members::default();
        let crowd = Crowd::default();
        let add = |member: Rc<Member>| {
            let name = member.name.clone();
            self.board.change(&name, |_| ());
            crowd.add(&name, self.follow(Rc::clone(&member), &looks));
            members.borrow_mut().insert(name, member);
        };
        for (name, patroni) in &self.rules.set.clusters {
            let client = clients.of(&patroni.api);
            add(Member::new(name, client, patroni.urls.clone(), false));
        }
        let listed = members.borrow().clone();
        self.board
            .keep(|name| listed.contains_key(name) || self.rules.set.discover.is_some());
        self.board.set_dcs(None);
        let finds = async {
            if let Some(found) = &self.rules.set.discover {
                let notes = RefCell::new(Notes::default());
                let add = |name: &str, scope: &Scope| {
                    let client = clients.of(&found.patroni);
                    let member = Member::new(name, client, Vec::new(), true);
                    member.signal.scope.replace(Some(scope.clone()));
                    add(member);
                };
                let tell = |discovery: Discovery<'_>| {
                    self.found(&discovery, found, &members, &crowd, &add, &notes);
                };
                self.find(found, tell).await;
            }
        };
        let has_found = Cell::new(false);
        let ended = async {
            loop {
                self.board.tick(watch.wall());
                let is_done = has_found.get() && crowd.is_empty() && self.outbox.is_empty();
                if ends() || self.pace.once && is_done {
                    return;
                }
                watch.sleep(TICK).await;
            }
        };
        let (mut ended, mut run, mut finds) = (pin!(ended), pin!(crowd.run()), pin!(finds));
        let mut tells = pin!(self.outbox.run(self.desk, self.outside));
        poll_fn(|context| {
            if !has_found.get() && finds.as_mut().poll(context).is_ready() {
                has_found.set(true);
            }
            let _: Poll<()> = run.as_mut().poll(context);
            let _: Poll<()> = tells.as_mut().poll(context);
            ended.as_mut().poll(context)
        })
        .await;
    }

    /// Watches the DCS; with `once`, only reads it.
    async fn find(&self, found: &Discover, tell: impl Fn(Discovery<'_>)) {
        let client = Client::new(&found.etcd, &self.context.environment.vars);
        let etcd = Etcd::new(&client, found);
        if !self.pace.once {
            let watch = Watch::new(&self.context.log);
            return discover(&etcd, &watch, tell).await;
        }
        match etcd.range().await {
            Ok(snapshot) => {
                tell(Discovery::All(&Tree::of(&snapshot)));
            }
            Err(error) => tell(Discovery::Lost(&error)),
        }
    }

    async fn follow(&self, member: Rc<Member>, looks: &Looks) {
        let log = &self.context.log;
        let watch = Watch::of_cluster(log, &member.name);
        watch.looks_as(self.outside.source());
        let outside = self.outside.of_cluster(
            Rc::clone(&member.client),
            Rc::clone(&member.addresses),
            &watch,
        );
        let decider = Decider {
            rules: self.rules,
            environment: &self.context.environment,
            call: None,
        };
        let decide = |here: &Here| -> Decided {
            let wanted = wants(&decider, self.sets, here).map_err(|exit| exit.message)?;
            outside.set_one_receiver(receivers(&wanted) == 1);
            let parts = here.parts(&wanted, self.sets);
            Ok((wanted, parts))
        };
        let say = |condition: Condition, trouble: &str| {
            let name = &member.name;
            match condition {
                Condition::Fine => log.info(&format!("{name}: as wanted")),
                Condition::NoRule => log.info(&format!("{name}: {trouble}")),
                Condition::Wrong | Condition::Disputed => {
                    log.error(&format!("{name}: {trouble}"));
                }
                _ => log.warning(&format!("{name}: {trouble}")),
            }
        };
        self.outbox.attend(&member.name, outside.attention());
        let told = Cell::new(None);
        let saw = |saw: &Saw<'_>| {
            let now = outside.clock().now();
            let is_silent = matches!(saw, Saw::Silence(_));
            // A Patroni that is silent is looked at every few seconds.
            let is_known = told.get().is_some_and(|told| now < told + SILENT);
            let is_of_interest = self.pace.acts && !self.desk.is_idle();
            if is_of_interest && !(is_silent && is_known) {
                told.set(is_silent.then_some(now));
                let (extent, seen) = observe(saw, &outside);
                self.outbox.put(&member.name, extent, seen);
            }
        };
        let followed = Followed {
            name: &member.name,
            addresses: &member.addresses,
            signal: &member.signal,
            decide: &decide,
            looks,
            board: self.board,
            say: &say,
            saw: &saw,
            world: &outside,
        };
        follow(followed, self.pace).await;
    }

    /// Applies a report about the DCS.
    fn found(
        &self,
        discovery: &Discovery<'_>,
        found: &Discover,
        members: &Members,
        crowd: &Crowd<'_>,
        add: &impl Fn(&str, &Scope),
        notes: &RefCell<Notes>,
    ) {
        let log = &self.context.log;
        let (tree, changed) = match discovery {
            Discovery::Lost(error) => {
                for member in members.borrow().values() {
                    member.signal.scope.take();
                }
                let message = error.to_string();
                if notes.borrow().lost.as_ref() != Some(&message) {
                    log.warning(&format!(
                        "{message}; clusters that are known are polled by their Patronis"
                    ));
                }
                self.board.set_dcs(Some(Err(message.clone())));
                notes.borrow_mut().lost = Some(message);
                return;
            }
            Discovery::All(tree) => {
                let scopes = tree.scopes().map(|(name, _)| name.to_owned());
                let known = members.borrow().keys().cloned().collect::<Vec<_>>();
                let all: BTreeSet<String> = scopes.chain(known).collect();
                log.info(&format!(
                    "etcd is watched: {} clusters below `{}`",
                    tree.scopes().count(),
                    found.namespace
                ));
                (tree, all)
            }
            Discovery::Changed(tree, changed) => (tree, changed.clone()),
        };
        notes.borrow_mut().lost = None;
        self.board.set_dcs(Some(Ok(())));
        for citus in tree.citus() {
            if notes.borrow_mut().citus.insert(citus.clone()) {
                log.warning(&format!(
                    "`{citus}` is a Citus cluster, whose groups share the same name; it is left out"
                ));
            }
        }
        for name in changed {
            let scope = tree.scope(&name);
            let member = members.borrow().get(&name).cloned();
            match (scope, member) {
                (Some(scope), None) => {
                    if found.clusters.include(&name) && !tree.citus().contains(&name) {
                        log.info(&format!("{name}: found"));
                        add(&name, scope);
                    }
                }
                (Some(scope), Some(member)) => {
                    let before = member.signal.scope.replace(Some(scope.clone()));
                    if before.as_ref() != Some(scope) {
                        member.signal.bell.notify_one();
                    }
                }
                (None, Some(member)) if member.is_found => {
                    log.info(&format!("{name}: gone"));
                    members.borrow_mut().remove(&name);
                    crowd.remove(&name);
                    self.outbox.dismiss(&name);
                }
                (None, Some(member)) => {
                    member.signal.scope.take();
                }
                (None, None) => {}
            }
        }
        let known = members.borrow();
        self.board.keep(|name| known.contains_key(name));
    }
}

/// Observes what an agent saw of a cluster, and how much of it that is.
fn observe(saw: &Saw<'_>, outside: &Outside<'_>) -> (Extent, Vec<Observation>) {
    let now = outside.clock().wall();
    let mut seen = outside.attention().ends();
    let (extent, seen) = match saw {
        Saw::Silence(why) => {
            seen.push(of_patroni(Some(why), now));
            (Extent::Observed, seen)
        }
        Saw::Change => {
            outside.attention().drop_troubles();
            (Extent::Observed, seen)
        }
        Saw::Pass {
            compared,
            conflicts,
            judged,
        } => {
            seen.push(of_patroni(None, now));
            let seen = of_pass(seen, compared, conflicts, judged, now);
            (extent(judged.is_complete()), seen)
        }
    };
    (extent, outside.discretion().observations(seen))
}

/// The messages already logged.
#[derive(Default)]
struct Notes {
    citus: BTreeSet<String>,
    lost: Option<String>,
}

/// The number of Barman servers that should receive WAL of a cluster.
fn receivers(wanted: &Wanted) -> usize {
    let steps = wanted.plans.iter().flat_map(|plan| &plan.steps);
    let servers = steps.filter_map(|step| Some((&step.api, &step.operation.switch()?.server)));
    servers.collect::<BTreeSet<_>>().len()
}
