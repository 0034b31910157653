//! The events of a cluster in one run: drawn from the seed, played, and judged.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use patroni_barman::model::Event;

use super::mutation::Mutation;
use super::process::{self, ANOTHERS, POLL};
use super::scheduler::Pid;
use super::truth::Invariant;
use super::universe::{APIS, Tracing, Universe, name};
use super::wire::LATEST;

/// The interval of reconcile on each node.
const INTERVAL: Duration = Duration::from_secs(30);

/// The result of one run.
#[derive(Debug, PartialEq, Eq)]
pub struct Ending {
    pub broken: Vec<(Invariant, String)>,
    pub trace: Vec<String>,
    /// The number of times each thing happened.
    pub seen: BTreeMap<&'static str, u64>,
}

pub fn play(seed: u64, mutation: Mutation, tracing: Tracing) -> Ending {
    play_with(seed, 0, mutation, tracing)
}

/// The same with this many agents in addition to callbacks.
pub fn play_with(seed: u64, agents: u32, mutation: Mutation, tracing: Tracing) -> Ending {
    let universe = Universe::new(seed, mutation, tracing);
    universe.note(|| {
        format!(
            "seed {seed}: {:?}, rules {}",
            universe.profile, universe.rules
        )
    });
    universe.scheduler.set_deadly(universe.profile.deadly);
    universe.create_cluster();
    for node in universe.reconciles.clone() {
        let first = universe.between(0, 30_000);
        reconcile_every(&universe, node, first);
    }
    let mut time = Duration::ZERO;
    for rank in 0..agents {
        let node = universe
            .scheduler
            .draw(|random| random.below(universe.nodes()));
        keep_agent(&universe, node, rank, None);
    }
    for _ in 0..universe.scheduler.draw(|random| 3 + random.below(10)) {
        let pauses = [300, 3_000, 30_000];
        let longest = universe.scheduler.draw(|random| random.pick(&pauses));
        time += universe.between(0, longest);
        let later = Rc::clone(&universe);
        universe.scheduler.after(time, move || befall(&later));
    }
    universe
        .scheduler
        .run_until(time + universe.between(0, 20_000));
    end_trouble(&universe);
    // the last messages arrive, a lost leader key expires, a new leader is promoted
    let calm = universe.now() + Duration::from_millis(LATEST) + Duration::from_secs(5);
    universe.calm.set(Some(calm));
    universe.scheduler.run_until(calm);
    // a reconcile run from before may still be waiting for an operation that never ends
    let followed = calm + INTERVAL + 2 * POLL + ANOTHERS;
    universe.scheduler.run_until(followed);
    for _ in 0..7 {
        if agents > 0 || !universe.reconciles.is_empty() {
            universe.must_follow();
        }
        universe
            .scheduler
            .run_until(universe.now() + Duration::from_secs(5));
    }
    universe.scheduler.run_until(calm + 8 * POLL);
    universe.judge(calm);
    one_api_hangs(&universe);
    universe.scheduler.end();
    let mut truth = universe.truth.borrow_mut();
    *truth.seen.entry("killed").or_default() += universe.scheduler.killed();
    Ending {
        broken: truth.broken.clone(),
        trace: universe.trace(),
        seen: truth.seen.clone(),
    }
}

/// One random event.
fn befall(universe: &Rc<Universe>) {
    let draw = |count| universe.scheduler.draw(|random| random.below(count));
    let node = draw(universe.nodes());
    let back = universe.between(500, 30_000);
    match draw(16) {
        0..=3 => universe.switch_over(node),
        4 => universe.crash(node, back),
        5 => universe.kill_patroni(node, back),
        6 => {
            let leader = universe.cluster.borrow().leader;
            universe.crash(leader.unwrap_or(node), back);
        }
        7 => universe.reload_or_restart(node, Event::OnReload),
        8 => universe.reload_or_restart(node, Event::OnRestart),
        9 => {
            universe.create_replica(node);
            // Patroni was restarted in the meantime, and asks again. Two operations with one ID, from an API with several workers, hide
            // the fact that one of them is still running.
            if !universe.same_second_refused {
                return;
            }
            let later = Rc::clone(universe);
            let again = universe.between(0, 6_000);
            universe
                .scheduler
                .after(again, move || later.create_replica(node));
        }
        10 => universe.dcs_outage(back),
        11 => {
            let api = draw(APIS.len());
            universe.note(|| format!("{} is down", APIS[api]));
            universe.apis[api].up.set(false);
            let later = Rc::clone(universe);
            universe
                .scheduler
                .after(back, move || later.apis[api].up.set(true));
        }
        12 => {
            universe.note(|| format!("the disk of {} is full", name(node)));
            universe.disks[node].full.set(true);
            let later = Rc::clone(universe);
            universe
                .scheduler
                .after(back, move || later.disks[node].full.set(false));
        }
        13 => universe.partition(node, back),
        14 => {
            let leader = universe.cluster.borrow().leader;
            universe.partition(leader.unwrap_or(node), back);
        }
        _ => {
            let clock = draw(universe.nodes() + 1);
            let jump = [-3_600_000, -20_000, -1_500, 1_500, 20_000, 86_400_000];
            let jump = universe.scheduler.draw(|random| random.pick(&jump));
            universe.note(|| format!("clock {clock} jumps by {jump} ms"));
            universe.clocks.borrow_mut()[clock] += jump;
        }
    }
}

/// Faults end: everything that was down comes up, and nothing is lost any more.
fn end_trouble(universe: &Rc<Universe>) {
    universe.note(|| "the trouble is over".to_owned());
    universe.trouble.set(false);
    universe.scheduler.set_deadly(0.0);
    for site in &universe.apis {
        site.up.set(true);
    }
    for disk in &universe.disks {
        disk.full.set(false);
    }
    universe.dcs_back();
    for node in 0..universe.nodes() {
        universe.heal(node);
    }
    for node in 0..universe.nodes() {
        universe.start_patroni(node);
    }
}

/// Faults are over, and one API accepts connections but never answers: the other one follows the leader at once.
fn one_api_hangs(universe: &Rc<Universe>) {
    let draw = |count| universe.scheduler.draw(|random| random.below(count));
    let Some(leader) = universe.cluster.borrow().leader else {
        return;
    };
    let api = draw(APIS.len());
    let to = (leader + 1 + draw(universe.nodes() - 1)) % universe.nodes();
    universe.note(|| format!("{} hangs", APIS[api]));
    universe.apis[api].hangs.set(true);
    universe.switch_over(to);
    universe
        .scheduler
        .run_until(universe.now() + Duration::from_secs(9));
    let leader = universe.cluster.borrow().leader;
    if leader == Some(to) {
        let other = 1 - api;
        let wanted = Some(format!("demo:{}", name(to)));
        universe.must_be(wanted.as_deref(), Invariant::NotHeldUp, other..other + 1);
    }
}

/// The timer: it starts a run unless the previous one is still running.
fn reconcile_every(universe: &Rc<Universe>, node: usize, pause: Duration) {
    let later = Rc::clone(universe);
    universe.scheduler.after(pause, move || {
        let (up, before) = {
            let cluster = later.cluster.borrow();
            let state = &cluster.nodes[node];
            (state.machine_up, state.reconcile)
        };
        if up && !before.is_some_and(|pid| later.scheduler.is_alive(pid)) {
            let pid = process::reconcile(&later, node);
            later.cluster.borrow_mut().nodes[node].reconcile = Some(pid);
        }
        reconcile_every(&later, node, INTERVAL);
    });
}

/// The service manager: it restarts an agent that was killed.
fn keep_agent(universe: &Rc<Universe>, node: usize, rank: u32, pid: Option<Pid>) {
    let runs = pid.is_some_and(|pid| universe.scheduler.is_alive(pid));
    let up = universe.cluster.borrow().nodes[node].machine_up;
    let pid = if runs || !up {
        pid
    } else {
        Some(process::agent(universe, node, rank))
    };
    let later = Rc::clone(universe);
    universe.scheduler.after(Duration::from_secs(3), move || {
        keep_agent(&later, node, rank, pid);
    });
}
