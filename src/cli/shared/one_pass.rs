//! One pass over all clusters, and what an agent needs besides.

use std::time::Duration;

use crate::agent::{Board, Condition, Pace, RulesState};
use crate::http::block_on;
use crate::model::Event;
use crate::store::Extent;

use super::alerts::{desk, rules_seen};
use super::args::RulesArgs;
use super::context::Context;
use super::exit::Exit;
use super::fleet::Fleet;
use super::outbox::Outbox;
use super::rules::{Age, Rules};
use super::state;
use super::watch::Watch;
use super::world::Outside;

/// Runs one pass over all clusters; without `acts`, nothing is sent.
pub fn pass_over(
    args: &RulesArgs,
    context: &Context,
    acts: bool,
    wait: Duration,
) -> Result<Board, Exit> {
    let rules = Rules::usable(args.rules.as_ref(), context, acts)?;
    refuse_without_clusters(&rules)?;
    let board = Board::default();
    board.set_rules(rules_state(&rules, None));
    let watch = Watch::new(&context.log);
    let mut outside = Outside::new(&rules.set, &context.environment, &watch);
    let place = state::place(Some(&rules.set), &context.environment);
    if acts || place.path.exists() {
        outside = state::remember(outside, &place, Event::OnRoleChange, context);
    }
    let outbox = Outbox::default();
    let desk = desk(&rules, context, &outbox.substitute);
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

/// The rules, as the page shows them.
pub fn rules_state(rules: &Rules, broken: Option<String>) -> RulesState {
    let last_good = "the file is broken; the last good rules are used".to_owned();
    RulesState {
        path: rules.path.display().to_string(),
        broken: broken.or_else(|| (rules.age == Age::LastGood).then_some(last_good)),
    }
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
