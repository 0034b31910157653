//! Finding an operation whose answer was lost.
//!
//! The list of operations has only IDs and types. An ID is the API host's local time to the second, so an
//! operation of ours was named in the seconds after it was sent, in whatever time zone that host has.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::barman::{Barman, Class, Scope, Trouble};
use crate::http::{Clock, Http};
use crate::model::Name;

use super::proof::Proof;
use super::{End, Progress, Stage, StepOutcome, World, backoff, journal, poll};

/// The maximum difference between the clocks of this machine and of the API's host.
const SKEW: Duration = Duration::from_secs(20);

/// The same if the API's own clock is known, to the second.
const KNOWN_SKEW: Duration = Duration::from_secs(2);

/// The longest time after sending at which a request can still be accepted: longer than the API's own workers live
/// without an answer.
const LATE: Duration = Duration::from_secs(120);

/// The shortest pause after a list that can't be read.
const PAUSE: Duration = Duration::from_millis(200);

/// The pause between two looks for an operation.
const SEARCH: Duration = Duration::from_secs(2);

/// The time at which a request was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// By the wall clock.
    pub(super) wall: Duration,
    /// By the clock of this process, if this process sent it.
    pub(super) now: Option<Duration>,
}

impl Sent {
    /// The current time, for a request about to be sent.
    pub(super) fn now(clock: &impl Clock) -> Self {
        Self {
            wall: clock.wall(),
            now: Some(clock.now()),
        }
    }

    /// The seconds in which it can have been accepted, by the API's clock if known, or otherwise by ours, which may
    /// differ.
    fn taken_up(self, date: Option<Duration>, clock: &impl Clock) -> RangeInclusive<i64> {
        let ago = self.now.map(|sent| clock.now().saturating_sub(sent));
        let (sent, until, skew) = match (date, ago) {
            (Some(date), Some(ago)) => (date.saturating_sub(ago), date, KNOWN_SKEW),
            // Another process sent it, by this machine's clock.
            (Some(date), None) => {
                let ago = clock.wall().saturating_sub(self.wall);
                (date.saturating_sub(ago), date, SKEW)
            }
            (None, _) => (self.wall, clock.wall(), SKEW),
        };
        let whole = |moment: Duration| i64::try_from(moment.as_secs()).unwrap_or(i64::MAX);
        whole(sent).saturating_sub(whole(skew))
            ..=whole(until.min(sent + LATE)).saturating_add(whole(skew))
    }
}

/// The fate of a request whose answer was lost.
pub(super) enum Fate {
    /// The list shows its operation.
    TakenUp(Name),
    /// A readable list has not shown it for so long that it must be lost.
    NeverArrived,
}

/// Returns true if a request sent at that time can no longer be accepted.
pub(super) fn is_late(sent: Sent, clock: &impl Clock) -> bool {
    let passed = match sent.now {
        Some(now) => clock.now().saturating_sub(now),
        None => clock.wall().saturating_sub(sent.wall),
    };
    passed >= LATE
}

/// The operations named at the time when a request was sent, in whatever time zone the API's host has.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The recoveries, one of which may be the one that was sent.
    pub(super) recoveries: Vec<Name>,
    /// Another operation was named then: it may have the ID that the request would have got.
    pub(super) others: bool,
}

/// Reads from the list the operations named when a request was sent, without those known to be another client's.
pub(super) async fn glance<W: World>(stage: Stage<'_, W>, sent: Sent) -> Result<Named, String> {
    let clock = stage.world.clock();
    let scope = Scope::of(&stage.step.operation);
    let listed = stage.barman.operations(&scope).await;
    let listed = listed.map_err(|trouble| trouble.message)?;
    let kind = Some(stage.step.operation.kind());
    let moments = sent.taken_up(listed.date, clock);
    let others = journal::operations_of_others(stage).await;
    let mut named = Named::default();
    for one in listed.operations {
        if !named_in(&one.id, &moments) {
            continue;
        }
        if one.kind == kind && !others.contains(&one.id) {
            named.recoveries.push(one.id);
        } else {
            named.others = true;
        }
    }
    Ok(named)
}

/// The same, as soon as the list can be read.
pub(super) async fn candidates<W: World>(stage: Stage<'_, W>, sent: Sent) -> Result<Named, End> {
    as_soon_as_readable(stage, async || glance(stage, sent).await).await
}

/// Every recovery in the list, as soon as it can be read.
pub(super) async fn recoveries<W: World>(stage: Stage<'_, W>) -> Result<Vec<Name>, End> {
    let kind = Some(stage.step.operation.kind());
    let scope = Scope::of(&stage.step.operation);
    as_soon_as_readable(stage, async || {
        let listed = stage.barman.operations(&scope).await;
        let listed = listed.map_err(|trouble| trouble.message)?;
        let recoveries = listed.operations.into_iter().filter(|one| one.kind == kind);
        Ok(recoveries.map(|one| one.id).collect())
    })
    .await
}

/// Repeats the question until there is an answer, as long as `retry.deadline` allows.
async fn as_soon_as_readable<W: World, T>(
    stage: Stage<'_, W>,
    ask: impl AsyncFn() -> Result<T, String>,
) -> Result<T, End> {
    let Stage { step, world, .. } = stage;
    let clock = world.clock();
    let (started, mut attempt) = (clock.now(), 0);
    loop {
        attempt += 1;
        journal::renew(stage).await;
        let trouble = match ask().await {
            Ok(found) => return Ok(found),
            Err(trouble) => trouble,
        };
        let wait = backoff::wait(&step.retry, attempt, clock.random()).max(PAUSE);
        let over = clock.now().saturating_sub(started) + wait >= step.retry.deadline;
        if over || !step.retry.allows_more_than(attempt) {
            let message = format!(
                "it is unknown whether Barman started a recovery: {trouble}; none is sent, because Barman may be writing into the \
                 directory"
            );
            return Err(End::new(StepOutcome::Unfinished, message));
        }
        world.observe(&Progress::Waiting {
            step,
            reason: &trouble,
            wait,
        });
        clock.sleep(wait).await;
    }
}

/// Determines the fate of a recovery whose answer was lost. It counts as lost only when a readable list has not shown it for
/// two minutes: until then, it may still be accepted. An operation in the list does not say whose it is: its
/// files show when it has ended.
pub(super) async fn find<W: World>(
    stage: Stage<'_, W>,
    sent: Sent,
    proof: &Proof,
    trouble: &Trouble,
) -> Result<Fate, End> {
    let Stage { step, world, .. } = stage;
    let clock = world.clock();
    let mut foreign: Vec<Name> = Vec::new();
    let reason = format!(
        "the answer to the request was lost ({trouble}); looking whether Barman takes it up"
    );
    world.observe(&Progress::Doubt {
        step,
        message: &reason,
    });
    loop {
        let named = candidates(stage, sent).await?;
        let mut found = named.recoveries;
        let only = found.len() == 1;
        found.retain(|id| !foreign.contains(id));
        for id in found {
            world.observe(&Progress::Found { step, id: &id });
            let ended = poll::wait(stage, &id, None, step.poll.bound()).await;
            let failed = matches!(&ended, Err(end) if end.outcome == StepOutcome::Failed);
            if proof.holds(world) || only && failed {
                return Ok(Fate::TakenUp(id));
            }
            if let Err(end) = ended
                && end.outcome == StepOutcome::Unfinished
            {
                return Err(end);
            }
            foreign.push(id);
        }
        // Another operation has the ID of this second: that is why the API failed, and it began nothing.
        let taken = named.others || !foreign.is_empty();
        let collided = trouble.class == Class::Collision && taken;
        if collided || is_late(sent, clock) {
            return Ok(Fate::NeverArrived);
        }
        clock.sleep(SEARCH).await;
    }
}

/// The time since the last operation of a server began, if its ID is a time; `None` if the list can't be read.
pub(super) async fn age_of_last<H: Http>(
    barman: Barman<'_, H>,
    server: &Name,
    clock: &impl Clock,
) -> Option<Duration> {
    const RECENT: i64 = 60;
    let listed = barman
        .operations(&Scope::Server(server.clone()))
        .await
        .ok()?;
    let last = listed.operations.iter().map(|one| &one.id).max()?;
    let now = listed.date.unwrap_or_else(|| clock.wall()).as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let ago = |ago: &i64| named_in(last, &(now - ago..=now - ago));
    let ago = (-1..RECENT).find(ago)?;
    Some(Duration::from_secs(ago.max(0).unsigned_abs()))
}

/// Returns true if an ID (`YYYYMMDDThhmmss`) names one of these seconds in some time zone: these differ from UTC by
/// whole quarters of an hour, up to 14 hours.
fn named_in(id: &Name, moments: &RangeInclusive<i64>) -> bool {
    const QUARTER: i64 = 900;
    const FARTHEST: i64 = 14 * 3_600;
    seconds(id.as_str()).is_some_and(|named| {
        let (first, last) = (moments.start() - FARTHEST, moments.end() + FARTHEST);
        let into = (named - moments.start()).rem_euclid(QUARTER);
        (first..=last).contains(&named) && into <= moments.end() - moments.start()
    })
}

/// An ID as seconds since the epoch, as if it were UTC.
fn seconds(id: &str) -> Option<i64> {
    let (date, time) = id.split_once('T')?;
    let number = |text: &str, range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    if date.len() != 8 || time.len() != 6 {
        return None;
    }
    let (year, month, day) = (
        number(date, 0..4)?,
        number(date, 4..6)?,
        number(date, 6..8)?,
    );
    let (hour, minute, second) = (
        number(time, 0..2)?,
        number(time, 2..4)?,
        number(time, 4..6)?,
    );
    // Days of the proleptic Gregorian calendar, years beginning in March.
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_seconds() {
        assert_eq!(seconds("19700101T000000"), Some(0));
        assert_eq!(seconds("20261123T031436"), Some(1_795_403_676));
        assert_eq!(seconds("20240229T235959"), Some(1_709_251_199));
        for id in ["latest", "20261123", "2026T031436", "2026112xT031436", ""] {
            assert_eq!(seconds(id), None, "{id}");
        }
    }

    #[test]
    fn only_an_operation_named_while_we_waited_can_be_ours() {
        let wall = Duration::from_secs(1_795_403_676);
        let sent = Sent { wall, now: None };
        let clock = Later(Duration::from_secs(3));
        let moments = sent.taken_up(None, &clock);
        for (id, ours) in [
            ("20261123T031436", true),
            ("20261123T041438", true),  // Berlin
            ("20261122T221437", true),  // New York
            ("20261123T121438", true),  // Tokyo
            ("20261123T084438", true),  // Kolkata
            ("20261123T031420", true),  // clocks apart
            ("20261123T031336", false), // a minute before
            ("20261123T031536", false),
            ("20261123T042000", false),
            ("20261124T031436", false), // a day later
            ("20251123T031436", false),
        ] {
            assert_eq!(named_in(&Name::new(id).unwrap(), &moments), ours, "{id}");
        }
    }

    #[test]
    fn the_clock_of_the_api_tells_more_than_ours() {
        // its clock is ten minutes ahead, and we have waited for ten seconds
        let sent = Sent {
            wall: Duration::from_secs(1_795_403_676),
            now: Some(Duration::ZERO),
        };
        let clock = Later(Duration::from_secs(10));
        let date = Duration::from_secs(1_795_403_676 + 610);
        let moments = sent.taken_up(Some(date), &clock);
        assert_eq!(moments, 1_795_404_274..=1_795_404_288);
    }

    #[test]
    fn a_machine_whose_clock_is_wrong_finds_what_a_killed_process_sent() {
        // the API's clock is ten minutes ahead, and the request was sent an hour ago
        let sent = Sent {
            wall: Duration::from_secs(1_795_403_676),
            now: None,
        };
        let clock = Later(Duration::from_secs(3_600));
        let date = Duration::from_secs(1_795_403_676 + 3_600 + 600);
        let moments = sent.taken_up(Some(date), &clock);
        assert_eq!(moments, 1_795_404_256..=1_795_404_416);
    }

    /// This long after the request of 2026-11-23 03:14:36 was sent.
    struct Later(Duration);

    impl Clock for Later {
        fn now(&self) -> Duration {
            self.0
        }

        fn wall(&self) -> Duration {
            Duration::from_secs(1_795_403_676) + self.0
        }

        fn random(&self) -> f64 {
            0.0
        }

        async fn sleep(&self, _: Duration) {}
    }
}
