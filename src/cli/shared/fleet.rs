//! The clusters that the rules list or discover, each with its own loop.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::agent::{
    Board, Condition, Crowd, Decided, Discovery, Followed, Pace, RulesState, Saw, Signal, discover,
    follow,
};
use crate::alert::{of_comparisons, of_conflicts, of_patroni, of_receipts};
use crate::dcs::{Etcd, Tree};
use crate::evaluate::Wanted;
use crate::execute::{Here, Looks, World as _, patience_of};
use crate::http::{Client, Clock as _, Heard, block_on};
use crate::model::{Api, Discover, Event, Patroni, RuleSet, Url};

use crate::store::{Extent, Observation};

use super::alerts::{Alerts, desk, rules_seen};
use super::args::RulesArgs;
use super::context::Context;
use super::decide::Decider;
use super::env::Environment;
use super::exit::Exit;
use super::invocation::rules_path;
use super::outbox::Outbox;
use super::rules::{Age, Rules};
use super::state;
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
    /// The context of the command.
    pub context: &'a Context,
    /// The world, with the state and without a cluster.
    pub outside: &'a Outside<'a>,
    /// The variables that a command line sets.
    pub sets: &'a [String],
    /// The state of all clusters.
    pub board: &'a Board,
    /// The intervals.
    pub pace: Pace,
    /// Passes on what is wrong.
    pub outbox: &'a Outbox,
    /// The receivers.
    pub desk: &'a Alerts<'a>,
}

/// A cluster being followed.
struct Member {
    name: String,
    /// The client for its Patronis.
    client: Rc<Client>,
    addresses: Addresses,
    signal: Signal,
    /// It was discovered, and may disappear.
    is_found: bool,
}

impl Member {
    fn listed(name: &str, patroni: &Patroni, clients: &Clients) -> Self {
        Self {
            name: name.to_owned(),
            client: clients.of(&patroni.api),
            addresses: Rc::new(RefCell::new(patroni.urls.clone())),
            signal: Signal::default(),
            is_found: false,
        }
    }

    fn found(name: &str, discover: &Discover, clients: &Clients) -> Self {
        Self {
            name: name.to_owned(),
            client: clients.of(&discover.patroni),
            addresses: Addresses::default(),
            signal: Signal::default(),
            is_found: true,
        }
    }
}

/// The clients for Patronis: one for all clusters with the same connection settings.
struct Clients<'a> {
    environment: &'a Environment,
    heard: Option<Heard>,
    made: RefCell<Vec<(Api, Rc<Client>)>>,
}

impl<'a> Clients<'a> {
    const fn new(environment: &'a Environment, heard: Option<Heard>) -> Self {
        Self {
            environment,
            heard,
            made: RefCell::new(Vec::new()),
        }
    }

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
        let clients = Clients::new(
            &self.context.environment,
            Watch::new(&self.context.log).hears(),
        );
        let members: RefCell<BTreeMap<String, Rc<Member>>> = RefCell::default();
        let crowd = Crowd::default();
        let add = |member: Member| {
            let member = Rc::new(member);
            let name = member.name.clone();
            self.board.change(&name, |_| ());
            members
                .borrow_mut()
                .insert(name.clone(), Rc::clone(&member));
            crowd.add(&name, self.follow(member, &looks));
        };
        for (name, patroni) in &self.rules.set.clusters {
            add(Member::listed(name, patroni, &clients));
        }
        let listed = members.borrow().clone();
        self.board
            .keep(|name| listed.contains_key(name) || self.rules.set.discover.is_some());
        self.board.set_dcs(None);
        let finds = async {
            if let Some(found) = &self.rules.set.discover {
                let notes = RefCell::new(Notes::default());
                let tell = |discovery: Discovery<'_>| {
                    self.found(
                        &discovery,
                        found,
                        &members,
                        &crowd,
                        (&add, &clients),
                        &notes,
                    );
                };
                self.find(found, tell).await;
            }
        };
        let watch = Watch::new(&self.context.log);
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
        members: &RefCell<BTreeMap<String, Rc<Member>>>,
        crowd: &Crowd<'_>,
        (add, clients): (&impl Fn(Member), &Clients<'_>),
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
                    "`{citus}` is a Citus cluster, whose groups share one name; it is left out"
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
                        let member = Member::found(&name, found, clients);
                        member.signal.scope.replace(Some(scope.clone()));
                        add(member);
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
                    let left = members.borrow();
                    self.board.keep(|name| left.contains_key(name));
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
    let extent = match saw {
        Saw::Silence(why) => {
            seen.push(of_patroni(Some(why), now));
            Extent::Observed
        }
        Saw::Pass {
            compared,
            conflicts,
            judged,
        } => {
            seen.push(of_patroni(None, now));
            seen.extend(of_comparisons(compared, now));
            seen.extend(of_conflicts(conflicts, now));
            seen.extend(of_receipts(&judged.receipts, now));
            if judged.is_complete() {
                Extent::Cluster
            } else {
                Extent::Observed
            }
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

/// The rules, as the page shows them.
pub fn rules_state(path: &str, rules: &Rules, broken: Option<String>) -> RulesState {
    let last_good = "the file is broken; the last good rules are used".to_owned();
    RulesState {
        path: path.to_owned(),
        broken: broken.or_else(|| (rules.age == Age::LastGood).then_some(last_good)),
    }
}

/// The clusters that the rules list or discover, with the addresses of their Patronis.
pub fn clusters(
    rules: &RuleSet,
    environment: &Environment,
) -> Result<BTreeMap<String, Patroni>, Exit> {
    let mut all = rules.clusters.clone();
    if let Some(found) = &rules.discover {
        let client = Client::new(&found.etcd, &environment.vars);
        let snapshot = block_on(Etcd::new(&client, found).range())
            .map_err(|error| Exit::new(3, error.to_string()))?;
        let tree = Tree::of(&snapshot);
        for (name, scope) in tree.scopes() {
            let members = scope.members();
            let urls = members
                .iter()
                .filter_map(|member| member.api_url.as_deref());
            let urls: Vec<Url> = urls.filter_map(|url| Url::new(url).ok()).collect();
            let is_known = all.contains_key(name) || urls.is_empty();
            if is_known || !found.clusters.include(name) || tree.citus().contains(name) {
                continue;
            }
            let patroni = Patroni {
                api: found.patroni.clone(),
                urls,
                origin: found.origin.clone(),
            };
            all.insert(name.to_owned(), patroni);
        }
    }
    if all.is_empty() {
        return Err(Exit::invalid("the rules name no clusters")
            .help("add `clusters` or `discover` to the rules file"));
    }
    Ok(all)
}

/// Runs one pass over all clusters; without `acts`, nothing is sent.
pub fn pass_over(
    args: &RulesArgs,
    context: &Context,
    acts: bool,
    wait: Duration,
) -> Result<Board, Exit> {
    let path = rules_path(args.rules.as_ref(), &context.environment);
    let mut rules = if acts {
        Rules::read_or_last_good(&path, context)?
    } else {
        Rules::look(&path, context)?
    };
    rules.connect(&context.global)?;
    refuse_without_clusters(&rules)?;
    let board = Board::default();
    board.set_rules(rules_state(&path.display().to_string(), &rules, None));
    let watch = Watch::new(&context.log);
    let outside = Outside::new(&rules.set, &context.environment, &watch);
    let place = state::place(Some(&rules.set), &context.environment);
    let outside = if acts || place.path.exists() {
        state::remember(outside, &place, patience_of(Event::OnRoleChange), context)
    } else {
        outside
    };
    let outbox = Outbox::default();
    let desk = desk(&rules, &path, context, &outbox.substitute);
    if acts {
        let seen = rules_seen(&desk, rules.broken.as_deref(), &watch);
        outbox.put("", Extent::Observed, vec![seen]);
    }
    let fleet = Fleet {
        outbox: &outbox,
        desk: &desk,
        rules: &rules,
        context,
        outside: &outside,
        sets: &args.sets,
        board: &board,
        pace: Pace {
            poll: Duration::ZERO,
            wait,
            once: true,
            acts,
        },
    };
    block_on(fleet.run(|| false));
    Ok(board)
}

/// Refuses rules that name no clusters.
pub fn refuse_without_clusters(rules: &Rules) -> Result<(), Exit> {
    if rules.set.names_clusters() {
        return Ok(());
    }
    Err(Exit::invalid("the rules name no clusters to follow")
        .help("add `clusters` or `discover` to the rules file"))
}

/// The exit code of one pass over all clusters.
pub fn once_code(board: &Board) -> u8 {
    let rows = board.rows();
    let any = |of: &[Condition]| rows.iter().any(|row| of.contains(&row.condition));
    if any(&[Condition::Wrong, Condition::Disputed]) {
        2
    } else if rows.is_empty()
        || any(&[
            Condition::Unreachable,
            Condition::NoLeader,
            Condition::Unknown,
            Condition::Acting,
            Condition::New,
        ])
    {
        3
    } else {
        u8::from(!any(&[Condition::Fine]))
    }
}
