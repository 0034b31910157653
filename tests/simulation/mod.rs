//! The engine under every kind of fault.
//!
//! Nodes with Patroni, a DCS, Barman and its API, networks, disks and clocks are simulated; callbacks and
//! reconcile runs are the program's own code, behind the traits through which it sees the world. A seed
//! determines all of it: `PATRONI_BARMAN_SEED=17` plays one run and prints its events,
//! `PATRONI_BARMAN_SEEDS=100000` plays more runs than usual.

#![allow(
    clippy::print_stdout,
    reason = "a run that is played alone shows what happens in it"
)]

mod cluster;
mod disk;
mod mutation;
mod process;
pub mod random;
mod scheduler;
mod script;
mod truth;
mod universe;
mod wire;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mutation::Mutation;
use script::{Ending, play, play_with};
use truth::Invariant;
use universe::Tracing;

/// The number of runs in every test run.
const SEEDS: u64 = 1_000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("`{variable}` is not a number: `{text}`")),
    )
}

#[test]
fn barman_follows_the_leader_whatever_happens() {
    if let Some(seed) = number("PATRONI_BARMAN_SEED") {
        let ending = play(seed, Mutation::None, Tracing::On);
        println!("{}", ending.trace.join("\n"));
        assert_eq!(ending.broken, [], "seed {seed}");
        return;
    }
    let runs = number("PATRONI_BARMAN_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let failed = AtomicU64::new(u64::MAX);
    let happened = Mutex::new(BTreeMap::<&str, u64>::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= runs || failed.load(Ordering::Relaxed) < u64::MAX {
                        return;
                    }
                    let ending = play(seed, Mutation::None, Tracing::Off);
                    for (what, count) in ending.seen {
                        *happened.lock().unwrap().entry(what).or_default() += count;
                    }
                    if !ending.broken.is_empty() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    if failed < u64::MAX {
        let Ending { broken, trace, .. } = play(failed, Mutation::None, Tracing::On);
        panic!(
            "seed {failed} breaks {broken:#?}\n{}\nPATRONI_BARMAN_SEED={failed} plays it again",
            trace.join("\n")
        );
    }
    let seen = happened.into_inner().unwrap();
    println!("{runs} runs: {seen:?}");
    // runs without these events would prove nothing
    for what in [
        "sent",
        "sent again",
        "taken up",
        "found again",
        "corrected",
        "killed",
        "state failed",
        "done",
        "fenced",
        "superseded",
        "looked again",
        "wrong elsewhere",
        "sent for another",
    ] {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(
            count * 200 > runs,
            "`{what}` happens only {count} times in {runs} runs"
        );
    }
}

/// One agent, or two of them, in addition to callbacks, and in some runs to timers.
#[test]
fn barman_follows_the_leader_with_agents() {
    let seeds = number("PATRONI_BARMAN_AGENT_SEEDS").unwrap_or(150);
    for agents in [1, 2] {
        for seed in 0..seeds {
            let Ending { broken, .. } = play_with(seed, agents, Mutation::None, Tracing::Off);
            if !broken.is_empty() {
                let ending = play_with(seed, agents, Mutation::None, Tracing::On);
                panic!(
                    "seed {seed} with {agents} agents breaks {broken:#?}\n{}",
                    ending.trace.join("\n")
                );
            }
        }
    }
}

#[test]
fn a_seed_plays_the_same_run_again() {
    for seed in 0..20 {
        let run = || play(seed, Mutation::None, Tracing::On);
        assert_eq!(run(), run());
    }
}

/// An engine without some part soon breaks an invariant.
fn is_caught(mutation: Mutation, invariant: Invariant) {
    is_caught_with(0, mutation, invariant);
}

/// The same with agents.
fn is_caught_with(agents: u32, mutation: Mutation, invariant: Invariant) {
    let breaks = |seed| {
        let ending = play_with(seed, agents, mutation, Tracing::Off);
        ending.broken.iter().any(|(broken, _)| *broken == invariant)
    };
    assert!(
        (0..2_000).any(breaks),
        "{mutation:?} does not break {invariant:?}"
    );
}

#[test]
fn an_engine_without_a_fence_is_caught() {
    is_caught(Mutation::NoFence, Invariant::Fence);
}

#[test]
fn an_agent_without_a_fence_is_caught() {
    is_caught_with(1, Mutation::NoFence, Invariant::Fence);
}

#[test]
fn an_agent_that_corrects_nothing_is_caught() {
    is_caught_with(1, Mutation::IdleAgent, Invariant::FollowsTheLeader);
}

#[test]
fn an_engine_without_intents_is_caught() {
    is_caught(Mutation::NoIntents, Invariant::NothingForgotten);
}

#[test]
fn an_engine_that_does_not_resume_is_caught() {
    is_caught(Mutation::NoResumption, Invariant::NothingForgotten);
}

#[test]
fn an_engine_that_never_settles_is_caught() {
    is_caught(Mutation::NeverSettled, Invariant::NothingForgotten);
}

#[test]
fn an_engine_without_supersession_is_caught() {
    is_caught(Mutation::NoSupersession, Invariant::Supersession);
}

#[test]
fn an_engine_that_takes_lost_for_not_sent_is_caught() {
    is_caught(Mutation::LostIsNotSent, Invariant::OneRecovery);
}

#[test]
fn an_engine_that_does_not_see_barman_is_caught() {
    is_caught(Mutation::BlindDiagnosis, Invariant::FollowsTheLeader);
}

#[test]
fn an_engine_without_a_second_look_is_caught() {
    is_caught(Mutation::NoSecondLook, Invariant::FollowsByItself);
}

#[test]
fn an_engine_whose_apis_wait_for_each_other_is_caught() {
    is_caught(Mutation::OneLane, Invariant::NotHeldUp);
}

#[test]
fn an_engine_that_takes_options_for_one_is_caught() {
    is_caught(Mutation::OneOption, Invariant::NothingForgotten);
}

#[test]
fn an_engine_that_reconciles_only_its_own_member_is_caught() {
    is_caught(Mutation::OwnOnly, Invariant::FollowsTheLeader);
}

#[test]
fn an_engine_that_looks_once_at_other_members_is_caught() {
    is_caught(Mutation::OneLook, Invariant::TwoLooks);
}

#[test]
fn an_engine_without_a_ledger_is_caught() {
    is_caught(Mutation::NoLedger, Invariant::OneRecovery);
}
