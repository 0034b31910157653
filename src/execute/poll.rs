//! Waiting for an operation.

use std::path::Path;
use std::time::Duration;

use crate::barman::{Class, OperationStatus, Scope};
use crate::evaluate::Step;
use crate::http::Clock;
use crate::model::{Name, duration};
use crate::store::IntentId;

use super::{End, Progress, Stage, StepOutcome, World, backoff, journal};

/// The first pause. The first poll is made at once.
const SHORTEST: Duration = Duration::from_millis(100);

/// The minimum time for a poll: the last one begins when the time is up.
const LEAST: Duration = Duration::from_secs(1);

/// The same for a recovery: it continues even if its file is lost.
const RECOVERY_GONE: Duration = Duration::from_secs(120);

/// The interval at which a running operation extends the hold on its intent.
const RENEW: Duration = Duration::from_secs(20);

/// An operation that takes this long lets the next request to the same API begin.
const SLOW: Duration = Duration::from_secs(10);

/// The number of polls, and their duration, after which an unknown operation counts as gone: its output file is not
/// written at once, and a poll that finds half of it also gets a 404.
const GONE: (u32, Duration) = (3, Duration::from_secs(2));

/// The number of polls without a usable answer, unless `retry.attempts` sets it.
const MALFORMED: u32 = 5;

/// Polls until the operation is done.
///
/// The pause grows with the time that has passed (a twenty-fifth of it), so that the end of a
/// short operation is noticed at once and that of a long one within a few per cent, never later
/// than `poll.every`. It ends as superseded if an operator gives up `intent`, to which the operation belongs. A poll that finds
/// no such operation is repeated, even after the time is up, until it is certain.
pub(super) async fn wait<W: World>(
    stage: Stage<'_, W>,
    id: &Name,
    intent: Option<IntentId>,
    timeout: Duration,
) -> Result<(), End> {
    let Stage {
        step,
        barman,
        world,
        ..
    } = stage;
    let clock = world.clock();
    let scope = Scope::of(&step.operation);
    let started = clock.now();
    let mut unknown: Option<(u32, Duration)> = None;
    let mut malformed = 0;
    let mut seen_running = false;
    let mut renewed = Duration::ZERO;
    let sets_state = step.operation.kind().sets_state();
    let mut stall = Stall::begin(stage);
    let gone_after = if sets_state || timeout.is_zero() {
        GONE.1
    } else {
        RECOVERY_GONE
    };
    loop {
        let left = timeout.saturating_sub(clock.now().saturating_sub(started));
        let answer = barman.within(left.max(LEAST)).poll(&scope, id).await;
        let elapsed = clock.now().saturating_sub(started);
        let mut pause = (elapsed / 25).max(SHORTEST).min(step.poll.every);
        let missing = matches!(&answer, Err(trouble) if trouble.class == Class::Gone);
        let trouble = match answer {
            Ok(OperationStatus::Done) => return Ok(()),
            Ok(OperationStatus::Failed) => return Err(failed(stage, id).await),
            Ok(OperationStatus::InProgress) => {
                (unknown, malformed) = (None, 0);
                None
            }
            Err(trouble) => {
                match trouble.class {
                    // A recovery that can't be polled may be running nevertheless, while its caller would continue without it.
                    Class::Refused { .. } if sets_state => {
                        return Err(End::new(StepOutcome::Refused, trouble.message));
                    }
                    Class::Gone => {
                        let (count, since) = unknown.map_or((1, elapsed), |(n, at)| (n + 1, at));
                        if count >= GONE.0 && elapsed.saturating_sub(since) >= gone_after {
                            return Err(gone(id, &trouble.message));
                        }
                        unknown = Some((count, since));
                        pause = GONE.1 / (GONE.0 - 1);
                    }
                    Class::Malformed => {
                        malformed += 1;
                        let most = step.retry.attempts.or(sets_state.then_some(MALFORMED));
                        if most.is_some_and(|most| malformed >= most) {
                            let message = format!(
                                "operation `{id}` was asked for {malformed} times without a usable answer: {}",
                                trouble.message
                            );
                            return Err(End::new(StepOutcome::Unfinished, message));
                        }
                        pause = backoff::wait(&step.retry, malformed, clock.random());
                    }
                    Class::Between => pause = pause.max(SHORTEST * 10),
                    class => {
                        let asked = class.least_wait().min(step.poll.every);
                        pause = pause.max(SHORTEST * 5).max(asked);
                    }
                }
                Some(trouble.message)
            }
        };
        if elapsed >= timeout && !missing {
            // The last poll has almost no time; seeing nothing is no news.
            let trouble = trouble.filter(|_| !seen_running);
            return Err(too_long(step, id, timeout, trouble.as_deref()));
        }
        seen_running = trouble.is_none();
        if elapsed >= renewed + RENEW {
            renewed = elapsed;
            journal::renew(stage).await;
            if journal::is_forgotten(world, intent).await {
                let message = format!("an operator gave operation `{id}` up (`forget`)");
                return Err(End::new(StepOutcome::Superseded, message));
            }
            if !sets_state {
                stall.look(stage, id, intent);
            }
        }
        if elapsed >= SLOW {
            stage.let_others_begin();
        }
        world.observe(&Progress::Running {
            step,
            id,
            elapsed,
            trouble: trouble.as_deref(),
        });
        // A pause that would end after the time is up ends with it, before one last poll.
        let left = timeout.saturating_sub(elapsed);
        let pause = if missing { pause } else { pause.min(left) };
        clock.sleep(pause).await;
    }
}

/// A destination without changes: an operation whose process died stays in progress for ever.
struct Stall {
    newest: Option<i128>,
    since: Duration,
    looked: Duration,
}

/// The time without changes after which it is reported.
const STALLED: Duration = Duration::from_secs(30 * 60);

/// The pause between two looks at a destination, and between two reports.
const STALL_PAUSE: Duration = Duration::from_secs(60);

impl Stall {
    fn begin<W: World>(stage: Stage<'_, W>) -> Self {
        let now = stage.world.clock().now();
        Self {
            newest: None,
            since: now,
            looked: now,
        }
    }

    /// Looks, and reports, at most once a minute.
    fn look<W: World>(&mut self, stage: Stage<'_, W>, id: &Name, intent: Option<IntentId>) {
        let Some(recovery) = stage.step.operation.recovery() else {
            return;
        };
        let now = stage.world.clock().now();
        if now.saturating_sub(self.looked) < STALL_PAUSE {
            return;
        }
        let directory = Path::new(&recovery.destination_directory);
        let newest = stage.world.newest_below(directory);
        if let (Some(unchanged), Some(intent)) = (self.unchanged(newest, now), intent) {
            stage.world.observe(&Progress::Stalled {
                step: stage.step,
                id,
                intent,
                unchanged,
            });
        }
    }

    /// The time since the last change, if that is long; the directory may be on another machine.
    fn unchanged(&mut self, newest: Option<i128>, now: Duration) -> Option<Duration> {
        self.looked = now;
        if newest.is_none() || newest != self.newest {
            self.newest = newest;
            self.since = now;
        }
        let unchanged = now.saturating_sub(self.since);
        (unchanged >= STALLED).then_some(unchanged)
    }
}

fn gone(id: &Name, message: &str) -> End {
    let message = format!("operation `{id}` is gone, pg-backup-api no longer knows it: {message}");
    End::new(StepOutcome::Refused, message)
}

fn too_long(step: &Step, id: &Name, timeout: Duration, trouble: Option<&str>) -> End {
    let passed = duration::format(timeout);
    let message = match trouble {
        Some(trouble) if timeout.is_zero() => {
            format!("the status of operation `{id}` is unknown: {trouble}")
        }
        Some(trouble) => {
            format!("the end of operation `{id}` was not seen within {passed}: {trouble}")
        }
        None if Some(timeout) == step.poll.timeout => {
            format!("operation `{id}` is still in progress after {passed} (`poll.timeout`)")
        }
        None => format!("operation `{id}` is still in progress"),
    };
    End::new(StepOutcome::Unfinished, message)
}

/// An explanation of a failed operation: the API never gives the reason, but the target of the
/// request may not exist.
async fn failed<W: World>(stage: Stage<'_, W>, id: &Name) -> End {
    let found = super::verify::explain(stage).await;
    let hopeless = found.is_some();
    let reason = found.unwrap_or_else(|| match stage.step.operation.server() {
        Some(server) => {
            format!("Barman's log and `{server}/output/{id}.json` below its `barman_home` say why")
        }
        None => format!("Barman's log and `output/{id}.json` below its `barman_home` say why"),
    });
    End {
        hopeless,
        ..End::new(
            StepOutcome::Failed,
            format!("operation `{id}` failed in Barman: {reason}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_stalls_when_nothing_changes_in_it_for_half_an_hour() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let mut stall = Stall {
            newest: None,
            since: Duration::ZERO,
            looked: Duration::ZERO,
        };
        for (minute, newest, unchanged) in [
            (1, Some(1), None),
            (2, Some(2), None),
            (31, Some(2), None),
            (32, Some(2), Some(30)),
            (33, Some(2), Some(31)),
            (34, Some(3), None),
            // it is on another machine
            (70, None, None),
            (140, None, None),
        ] {
            let found = stall.unchanged(newest, minutes(minute));
            assert_eq!(found, unchanged.map(minutes), "minute {minute}");
        }
    }
}
