//! Another program keeps reverting a correction: another rules file, another tool, or a person.

use std::time::Duration;

use crate::evaluate::Step;
use crate::http::Clock as _;
use crate::store::{Intent, Query, State, Store as _};

use super::{World, journal};

/// The number of corrections of one target within [`WINDOW`] that are still normal.
const CORRECTIONS: usize = 3;

/// The first wait of a fight, and the longest time between its corrections.
const WINDOW: Duration = Duration::from_secs(600);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// A target that was corrected repeatedly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fighting {
    /// The number of corrections in short succession.
    pub corrections: usize,
    /// It is not corrected again before this time, since the Unix epoch.
    pub until: Duration,
    /// It is over when nothing had to be corrected for so long.
    pub calm: Duration,
}

/// Returns the fight over a step's targets, according to the corrections in the store.
pub(super) async fn over<W: World>(step: &Step, cluster: &str, world: &W) -> Option<Fighting> {
    let now = world.clock().wall();
    let query = Query {
        cluster: Some(cluster.to_owned()),
        since: Some(now.saturating_sub(2 * LONGEST)),
        ..Query::default()
    };
    let read = world.store()?.history(&query);
    let intents = journal::bounded(world, journal::STATE, read).await.ok()?;
    // After a failover another value is wanted, which is not a fight.
    let corrects = |one: &&Intent| {
        let same = (&one.step.api, &one.step.operation) == (&step.api, &step.operation);
        one.source.corrects() && one.state == State::Done && same
    };
    let times = intents.iter().rev().filter(corrects);
    judge(times.filter_map(|one| one.sent), now)
}

/// Decides by the times of corrections, oldest first. A fight is over when no correction was needed for twice the
/// wait.
fn judge(times: impl IntoIterator<Item = Duration>, now: Duration) -> Option<Fighting> {
    let mut corrections = 0;
    let mut last = Duration::ZERO;
    let wait = |corrections: usize| {
        let doublings = u32::try_from(corrections.saturating_sub(CORRECTIONS)).unwrap_or(u32::MAX);
        let wait = WINDOW.saturating_mul(2_u32.saturating_pow(doublings.min(16)));
        wait.min(LONGEST)
    };
    let calm = |corrections: usize, gap: Duration| {
        let fights = corrections >= CORRECTIONS;
        gap > if fights {
            2 * wait(corrections)
        } else {
            WINDOW
        }
    };
    for time in times {
        if calm(corrections, time.saturating_sub(last)) {
            corrections = 0;
        }
        corrections += 1;
        last = time;
    }
    let wait = wait(corrections);
    let until = last + wait;
    (corrections >= CORRECTIONS && now < until).then_some(Fighting {
        corrections,
        until,
        calm: 2 * wait,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fight_is_three_corrections_one_soon_after_the_other() {
        let minutes = |minutes: &[u64]| -> Vec<Duration> {
            minutes
                .iter()
                .map(|minute| Duration::from_secs(60 * (1000 + minute)))
                .collect()
        };
        for (corrected, now, until) in [
            (&[][..], 0, None),
            (&[0, 1], 2, None),
            (&[0, 1, 2], 3, Some(12)),
            (&[0, 1, 2], 12, None),
            (&[0, 20, 40], 41, None),
            // the waits grow
            (&[0, 1, 2, 13], 14, Some(33)),
            (&[0, 1, 2, 13, 34], 35, Some(74)),
            // a long quiet period
            (&[0, 1, 2, 60], 61, None),
        ] {
            let now = minutes(&[now])[0];
            let found = judge(minutes(corrected), now).map(|fighting| fighting.until);
            let until = until.map(|until| minutes(&[until])[0]);
            assert_eq!(found, until, "{corrected:?}");
        }
    }
}
