//! The processes: callbacks and reconcile runs, built from the program's own parts.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use patroni_barman::agent::{Board, Condition, Decided, Followed, Pace, Signal, follow};
use patroni_barman::barman::Barman;
use patroni_barman::evaluate::{Facts, Plan, Step, evaluate, wanted};
use patroni_barman::execute::{
    self, Comparison, Ended, Here, Looks, Progress, Seat, Stamp, StepReport, Verdict, Which, Whose,
    World, pass, resume, second_look,
};
use patroni_barman::http::Clock;
use patroni_barman::load::load;
use patroni_barman::model::{ApiName, Event, RequestKind, Role, RuleSet, Url};
use patroni_barman::patroni::Patroni;
use patroni_barman::source::Source;
use patroni_barman::store::Recorded;

use super::disk::Paper;
use super::mutation::Mutation;
use super::scheduler::{Pid, Slot};
use super::universe::{APIS, Universe, name};
use super::wire::{To, Wire};

/// The parts that differ between the rules files.
pub const RULES: [(&str, &str); 4] = [
    ("stop", "applied"),
    ("continue", "applied"),
    ("stop", "streaming"),
    ("continue", "streaming"),
];

/// The longest wait for one operation.
pub const POLL: Duration = Duration::from_secs(20);

thread_local! {
    static LOADED: Vec<RuleSet> = RULES.iter().map(|(on_failure, verify)| rules(on_failure, verify)).collect();
}

fn rules(on_failure: &str, verify: &str) -> RuleSet {
    let text = format!(
        r#"
version: 1
apis:
  paris: {{url: "http://paris.test:7480"}}
  london: {{url: "http://london.test:7480"}}
patroni: {{url: "http://127.0.0.1:8008"}}
defaults:
  retry: {{attempts: 6, wait: 1s, max_wait: 4s, deadline: 30s}}
  poll: {{every: 1s, timeout: 20s}}
  on_failure: {on_failure}
  verify: {verify}
rules:
  - name: follow-the-primary
    on: [on_role_change, on_start, on_restart]
    role: primary
    requests:
      - {{api: paris, type: config_switch, server: demo, model_name: "demo:{{{{ node }}}}"}}
      - {{api: london, type: config_switch, server: demo, model_name: "demo:{{{{ node }}}}"}}
  - name: describe
    on: on_role_change
    role: primary
    when: env.NOTES == "yes"
    request:
      api: paris
      type: config_update
      changes: [{{scope: server, server_name: demo, description: "led by {{{{ node }}}}"}}]
  - name: check-less
    on: on_restart
    role: primary
    when: env.NOTES == "yes"
    request:
      api: paris
      type: config_update
      changes: [{{scope: server, server_name: demo, last_backup_maximum_age: "{{{{ env.NONCE }}}} DAYS"}}]
  - name: note
    on: [on_role_change, on_start, on_stop, on_restart, on_reload]
    role: primary
    when: env.NOTES == "yes"
    request:
      api: paris
      type: config_update
      changes: [{{scope: model, model_name: "demo:{{{{ node }}}}", description: "note {{{{ env.NONCE }}}}"}}]
  - name: rebuild
    for_each: {{site: [paris, london]}}
    on: create_replica
    when: env.SITE == site
    poll: {{every: 10s, timeout: 1h}}
    request:
      api: "{{{{ site }}}}"
      type: recovery
      server: demo
      backup_id: latest
      remote_ssh_command: "ssh {{{{ node }}}} {{{{ env.NONCE }}}}"
      destination_directory: "{{{{ datadir }}}}"
"#
    );
    let loaded = load(&[Source::new("rules.yml", text)]);
    loaded
        .rules
        .unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

/// The number of the API with this name in the rules.
pub fn api(name: &ApiName) -> usize {
    let name = name.to_string();
    APIS.iter().position(|one| *one == name).unwrap()
}

/// The state of a running process.
pub struct Process {
    pub pid: Pid,
    pub node: usize,
    /// The number of the disk with its state.
    pub disk: usize,
    /// True for a callback that executes its own decision.
    pub fresh: Cell<bool>,
    /// The time of its call.
    pub called: Duration,
    /// The role for which its request was decided.
    pub role: Cell<Option<Role>>,
    /// The attempt at the step, from 1.
    pub attempt: Cell<u32>,
    /// True if it could open the state.
    pub has_state: bool,
    /// True if an access to the state has failed: the state does not contain everything that the process does.
    pub state_failed: Cell<bool>,
    /// True for an agent, which follows many clusters from one place.
    pub is_agent: Cell<bool>,
    /// True while it waits for an API.
    pub busy: Cell<bool>,
    /// True if Patroni answered the last request.
    pub patroni_answered: Cell<bool>,
}

/// The world as one process sees it.
pub struct Inside {
    universe: Rc<Universe>,
    process: Rc<Process>,
    barman: [(Wire, Url); 2],
    patroni: (Wire, Url),
    clock: Ticks,
    store: Option<Paper>,
}

impl Inside {
    fn new(universe: &Rc<Universe>, node: usize) -> Self {
        Self::with_disk(universe, node, node)
    }

    fn with_disk(universe: &Rc<Universe>, node: usize, disk: usize) -> Self {
        let pid = universe.scheduler.number();
        // a full disk can prevent opening the state, or only writing to it
        let opens = !universe.disks[disk].full.get()
            || universe.scheduler.draw(|random| random.chance(0.5));
        let process = Rc::new(Process {
            pid,
            node,
            disk,
            fresh: Cell::new(false),
            called: universe.now(),
            role: Cell::default(),
            attempt: Cell::default(),
            has_state: opens,
            state_failed: Cell::default(),
            is_agent: Cell::default(),
            busy: Cell::default(),
            patroni_answered: Cell::default(),
        });
        universe.cluster.borrow_mut().nodes[node]
            .processes
            .push(pid);
        let wire = |to| Wire::new(universe, &process, to);
        let url = |text: &str| Url::new(text).unwrap();
        Self {
            barman: [0, 1].map(|api| {
                let address = format!("http://{}.test:7480", APIS[api]);
                (wire(To::Barman(api)), url(&address))
            }),
            patroni: (wire(To::Patroni), url("http://127.0.0.1:8008")),
            clock: Ticks {
                universe: Rc::clone(universe),
                process: Rc::clone(&process),
            },
            store: opens.then(|| Paper::new(universe, &process)),
            universe: Rc::clone(universe),
            process,
        }
    }

    fn count(&self, what: &'static str) {
        self.universe.truth.borrow_mut().count(what);
    }

    fn note(&self, line: impl FnOnce() -> String) {
        let (pid, node) = (self.process.pid, name(self.process.node));
        self.universe
            .note(|| format!("{node} process {pid}: {}", line()));
    }
}

impl World for Inside {
    type Http = Wire;
    type Clock = Ticks;
    type Store = Paper;

    fn barman(&self, name: &ApiName) -> Option<Barman<'_, Wire>> {
        let (wire, url) = &self.barman[api(name)];
        Some(Barman::new(wire, url))
    }

    fn patronis(&self) -> Vec<Patroni<'_, Wire>> {
        vec![Patroni::new(&self.patroni.0, self.patroni.1.clone())]
    }

    fn clock(&self) -> &Ticks {
        &self.clock
    }

    fn store(&self) -> Option<&Paper> {
        self.store.as_ref()
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let folder = path.parent().unwrap().to_str().unwrap();
        let now = self.universe.now();
        let restored = self.universe.truth.borrow().restored(folder, now);
        (restored > 0).then_some(Stamp {
            inode: restored,
            changed: 0,
        })
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
        match progress {
            Progress::Sending { attempt, .. } => {
                self.process.attempt.set(*attempt);
            }
            Progress::Resuming { intent } => {
                self.process.fresh.set(false);
                self.process.role.set(Some(intent.role));
                self.count("taken up");
                self.universe.takes_up(self.process.disk, intent.id);
                self.note(|| format!("takes up {:?}", intent.id));
            }
            Progress::Settled { report, .. } => self.note(|| {
                let StepReport {
                    rule,
                    outcome,
                    message,
                    ..
                } = report;
                format!(
                    "`{rule}` {outcome:?} {}",
                    message.as_deref().unwrap_or_default()
                )
            }),
            Progress::Waiting { reason, .. } => self.note(|| format!("waits: {reason}")),
            Progress::StateTrouble { message } => {
                self.count("state failed");
                self.process.state_failed.set(true);
                self.note(|| format!("state: {message}"));
            }
            Progress::Found { .. } => self.count("found again"),
            _ => {}
        }
    }
}

pub struct Ticks {
    universe: Rc<Universe>,
    process: Rc<Process>,
}

impl Clock for Ticks {
    fn now(&self) -> Duration {
        self.universe.now()
    }

    fn wall(&self) -> Duration {
        self.universe.wall(self.process.node)
    }

    fn random(&self) -> f64 {
        self.universe
            .scheduler
            .draw(super::random::Random::fraction)
    }

    async fn sleep(&self, duration: Duration) {
        let slot = Slot::new(&self.universe.scheduler, self.process.pid);
        slot.fill_after(duration, ());
        slot.wait().await;
    }
}

/// The data directory of a node.
pub fn directory(node: usize) -> String {
    format!("/data/{}", name(node))
}

/// The facts that `run` has about an event.
fn facts(universe: &Universe, node: usize, nonce: Pid, event: Event, role: Role) -> Facts {
    let mut facts = Facts::new(event, role, "demo");
    facts.node = Some(name(node));
    if event == Event::CreateReplica {
        facts.datadir = Some(directory(node));
    }
    let notes = if universe.notes { "yes" } else { "no" };
    facts.env.insert("NOTES".to_owned(), notes.to_owned());
    facts.env.insert("NONCE".to_owned(), nonce.to_string());
    let site = APIS[usize::try_from(nonce).unwrap() % APIS.len()];
    facts.env.insert("SITE".to_owned(), site.to_owned());
    facts
}

/// The recorded form of an event. The environment of a callback counts for its requests permanently.
fn recorded(facts: &Facts) -> Recorded {
    Recorded {
        cluster: facts.cluster.clone(),
        node: facts.node.clone(),
        event: facts.event,
        role: facts.role,
        raw_role: facts.raw_role.clone(),
        sets: vec![facts.env["NONCE"].clone()],
    }
}

/// The rules' result for a recorded event.
fn decide(universe: &Universe, node: usize, recorded: &Recorded) -> Plan {
    // a correction is decided after a look, not by a callback
    let nonce = recorded
        .sets
        .first()
        .map_or(0, |nonce| nonce.parse().unwrap());
    let facts = facts(universe, node, nonce, recorded.event, recorded.role);
    plan(universe, &facts)
}

/// The command that Patroni calls: `run EVENT ROLE CLUSTER`.
pub fn callback(universe: &Rc<Universe>, node: usize, event: Event, role: Role) -> Pid {
    let world = Inside::new(universe, node);
    let pid = world.process.pid;
    let recorded = recorded(&facts(universe, node, pid, event, role));
    let sets = recorded.sets.clone();
    world.note(|| format!("{event} {role}"));
    universe.scheduler.start(pid, async move {
        world.process.role.set(Some(role));
        world.process.fresh.set(true);
        // it may have to wait for a Patroni that reports this node's name
        if world.universe.unlucky(world.universe.profile.silent) {
            let pause = world.universe.between(0, 10_000);
            world.clock.sleep(pause).await;
        }
        let decide = |recorded: &Recorded| Ok(decide(&world.universe, node, recorded));
        let called = world.process.called;
        let decided = decide(&recorded);
        let ended = execute::callback(recorded, called, decided, &decide, &world).await;
        world.process.fresh.set(false);
        if let Ok(Ended {
            plan: Some(plan),
            outcome,
        }) = ended
        {
            world.note(|| format!("ends {:?}", outcome.verdict));
            if outcome.verdict == Verdict::Done {
                let looks_at = world.universe.now() + SECOND_LOOK;
                if world.universe.mutation == Mutation::NoSecondLook {
                    world.clock.sleep(SECOND_LOOK).await;
                } else {
                    second_look(&plan, &sets, SECOND_LOOK, &world).await;
                }
                let switches = |step: &Step| step.operation.kind() == RequestKind::ConfigSwitch;
                let calm = world
                    .universe
                    .calm
                    .get()
                    .is_some_and(|calm| calm <= looks_at);
                if calm && plan.steps.iter().any(switches) {
                    // another process of this node may be working on it
                    let universe = Rc::clone(&world.universe);
                    let timeline = universe.cluster.borrow().timeline;
                    world.universe.scheduler.after(POLL, move || {
                        if universe.cluster.borrow().timeline == timeline {
                            universe.looked_again(node);
                        }
                    });
                }
            }
        }
    });
    pid
}

/// The time from a callback's end to its second look.
const SECOND_LOOK: Duration = Duration::from_secs(30);

/// The time from the first look of `reconcile` to the second one, which precedes a correction for another member.
pub const ANOTHERS: Duration = Duration::from_secs(10);

/// The command that a timer starts on a node: `reconcile`.
pub fn reconcile(universe: &Rc<Universe>, node: usize) -> Pid {
    let world = Inside::new(universe, node);
    let pid = world.process.pid;
    universe.scheduler.start(pid, async move {
        let asked = world.clock.wall();
        let Some(Ok(here)) = Here::ask(&world, None).await else {
            world.note(|| "reconcile can't ask Patroni".to_owned());
            return;
        };
        let Some(role) = here.role else {
            world.note(|| "nobody leads".to_owned());
            return;
        };
        let mut facts = facts(&world.universe, node, pid, Event::OnRoleChange, role);
        // a note is about an event, and there was none
        facts.env.insert("NOTES".to_owned(), "no".to_owned());
        let parts = |here: &Here| {
            let own = |event, role| {
                let facts = Facts {
                    event,
                    role,
                    raw_role: role.as_str().to_owned(),
                    ..facts.clone()
                };
                Ok::<_, Infallible>(plan(&world.universe, &facts))
            };
            let wanted = LOADED
                .with(|rules| wanted(&rules[world.universe.rules], &here.view(), own))
                .unwrap();
            assert_eq!(wanted.conflicts, []);
            here.parts(&wanted, &[pid.to_string()])
        };
        let decide = |recorded: &Recorded| Some(decide(&world.universe, node, recorded));
        let whose = Whose {
            cluster: &here.cluster,
            node: here.node.as_deref(),
            role,
            asked,
        };
        let left = resume(whose, Which::All, &decide, &world).await;
        world.process.fresh.set(false);
        world.process.role.set(Some(role));
        let (mut first, mut interval) = (parts(&here), ANOTHERS);
        match world.universe.mutation {
            Mutation::OwnOnly => first.retain(|part| part.seat == Seat::Here),
            Mutation::OneLook => interval = Duration::ZERO,
            _ => {}
        }
        let again = async || {
            let now = Here::ask(&world, here.node.as_deref()).await;
            now.and_then(Result::ok)
                .map(|now| parts(&now))
                .unwrap_or_default()
        };
        let passed = pass(&first, &again, interval, &Looks::default(), &world).await;
        let elsewhere = |one: &Comparison| one.elsewhere && !one.as_wanted();
        if passed.compared.iter().any(elsewhere) {
            world.count("wrong elsewhere");
        }
        if passed.compared.iter().any(|one| !one.as_wanted()) {
            world.count("corrected");
        }
        let sent = passed.outcome.verdict;
        world.note(|| format!("reconciled {:?}, {sent:?}", left.verdict));
        let now = world.universe.now();
        world.universe.truth.borrow_mut().reconciled(node, now);
    });
    pid
}

/// The command that a service manager starts on a node: `agent`, which follows the cluster until it is killed. Its
/// state is its own; it needs none, and it may be deleted at any time.
pub fn agent(universe: &Rc<Universe>, node: usize, rank: u32) -> Pid {
    let disk = universe.nodes() + usize::try_from(rank).unwrap();
    let mut world = Inside::with_disk(universe, node, disk);
    if universe.scheduler.draw(|random| random.chance(0.5)) {
        world.store = None;
    }
    let pid = world.process.pid;
    world.process.is_agent.set(true);
    world.process.role.set(Some(Role::Primary));
    world.note(|| format!("agent {rank}"));
    universe.scheduler.start(pid, async move {
        let (board, looks, signal) = (Board::default(), Looks::of_fleet(), Signal::default());
        let addresses = RefCell::new(Vec::new());
        let decide = |here: &Here| -> Decided {
            let own = |_, _| -> Result<Plan, Infallible> { unreachable!("no member is here") };
            let wanted = LOADED
                .with(|rules| wanted(&rules[world.universe.rules], &here.view(), own))
                .unwrap();
            let parts = here.parts(&wanted, &[pid.to_string()]);
            Ok((wanted, parts))
        };
        let say = |condition: Condition, trouble: &str| {
            world.note(|| format!("agent: {} {trouble}", condition.as_str()));
        };
        let followed = Followed {
            name: "demo",
            addresses: &addresses,
            signal: &signal,
            decide: &decide,
            looks: &looks,
            board: &board,
            say: &say,
            saw: &|_| (),
            world: &world,
        };
        let pace = Pace {
            poll: Duration::from_secs(2),
            wait: ANOTHERS * rank,
            once: false,
            acts: world.universe.mutation != Mutation::IdleAgent,
        };
        follow(followed, pace).await;
    });
    pid
}

fn plan(universe: &Universe, facts: &Facts) -> Plan {
    LOADED
        .with(|rules| evaluate(&rules[universe.rules], facts))
        .unwrap()
}
