//! Finding an operation whose answer was lost.
//!
//! The list of operations says nothing but ids and types. An id is the API host's local time to
//! the second, so an operation of ours was named in the seconds after it was sent, in that host's
//! time zone. Which one that is, nobody says; that it is UTC or this machine's own is all that is
//! assumed. With any other, old operations could be taken for ours.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::barman::Scope;
use crate::http::Clock;
use crate::model::Name;

use super::{End, Progress, Stage, StepOutcome, World, backoff};

/// How far the clocks of this machine and of the API's host may be apart.
const SKEW: Duration = Duration::from_secs(20);

/// The same if the API's own clock is known, which tells seconds.
const KNOWN_SKEW: Duration = Duration::from_secs(2);

/// How long after it was sent a request can be taken up: longer than the API's own workers live
/// without an answer.
const LATE: Duration = Duration::from_secs(120);

/// When a request was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// By the wall clock.
    pub(super) wall: Duration,
    /// By the clock of this process, if it sent it.
    pub(super) now: Option<Duration>,
}

impl Sent {
    /// It is about to be sent.
    pub(super) fn now(clock: &impl Clock) -> Self {
        Self {
            wall: clock.wall(),
            now: Some(clock.now()),
        }
    }

    /// The seconds in which it can have been taken up, by the API's clock if that is known; else by ours, which may be
    /// another.
    fn taken_up(self, date: Option<Duration>, clock: &impl Clock) -> RangeInclusive<i64> {
        let ago = self.now.map(|sent| clock.now().saturating_sub(sent));
        let (sent, until, skew) = match (date, ago) {
            (Some(date), Some(ago)) => (date.saturating_sub(ago), date, KNOWN_SKEW),
            _ => (self.wall, clock.wall(), SKEW),
        };
        let whole = |moment: Duration| i64::try_from(moment.as_secs()).unwrap_or(i64::MAX);
        whole(sent).saturating_sub(whole(skew))
            ..=whole(until.min(sent + LATE)).saturating_add(whole(skew))
    }
}

/// Looks for the one operation that can be the one that was sent.
///
/// If there is none, or more than one, nobody can tell: the request may still be on its way, or
/// another node may have sent one too. The step ends unfinished then, and nothing is sent again.
pub(super) async fn find<W: World>(
    stage: Stage<'_, W>,
    sent: Sent,
    trouble: &str,
    left: Duration,
) -> Result<Name, End> {
    let Stage {
        step,
        barman,
        world,
        ..
    } = stage;
    let (clock, scope) = (world.clock(), Scope::of(&step.operation));
    let (started, mut attempt) = (clock.now(), 0);
    let lost = |why: String| {
        let message = format!(
            "the answer to the request was lost ({trouble}), and whether it was taken up can't be told: {why}; \
             it is not sent again"
        );
        End::new(StepOutcome::Unfinished, message)
    };
    loop {
        attempt += 1;
        let left = left.saturating_sub(clock.now().saturating_sub(started));
        let why = match barman.within(left).operations(&scope).await {
            Ok(listed) => {
                let kind = Some(step.operation.kind());
                let offset = clock.utc_offset();
                let moments = sent.taken_up(listed.date, clock);
                let fits = |id: &Name| named_in(id, &moments, offset);
                let all = listed.operations.into_iter();
                let mut found = all.filter(|o| o.kind == kind && fits(&o.id));
                match (found.next(), found.next()) {
                    (Some(only), None) => {
                        world.observe(&Progress::Found { step, id: &only.id });
                        return Ok(only.id);
                    }
                    (Some(_), Some(_)) => {
                        return Err(lost(
                            "several operations were started at that time".to_owned(),
                        ));
                    }
                    (None, _) => "no operation was started at that time".to_owned(),
                }
            }
            Err(trouble) => trouble.message,
        };
        let wait =
            backoff::wait(&step.retry, attempt, clock.random()).max(Duration::from_millis(200));
        if attempt >= step.retry.attempts || wait >= left {
            return Err(lost(why));
        }
        world.observe(&Progress::Waiting {
            step,
            reason: &why,
            wait,
        });
        clock.sleep(wait).await;
    }
}

/// Whether an id (`YYYYMMDDThhmmss`) names one of these seconds, in UTC or so many seconds ahead of it.
fn named_in(id: &Name, moments: &RangeInclusive<i64>, offset: i64) -> bool {
    seconds(id.as_str()).is_some_and(|named| {
        let ahead = [0, offset];
        ahead.iter().any(|ahead| moments.contains(&(named - ahead)))
    })
}

/// An id as seconds since the epoch, as if it were UTC.
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
        let berlin = 3_600;
        for (id, offset, ours) in [
            ("20261123T031436", 0, true),
            ("20261123T031436", berlin, true), // the API's host keeps UTC
            ("20261123T041438", berlin, true),
            ("20261123T041438", 0, false), // an hour from now, or in a time zone nobody named
            ("20261123T021437", berlin, false), // two hours ago
            ("20261122T221437", -5 * 3_600, true),
            ("20261123T031420", 0, true),  // clocks apart
            ("20261123T031336", 0, false), // a minute before
            ("20261123T031536", 0, false),
            ("20251123T031436", 0, false),
        ] {
            assert_eq!(
                named_in(&Name::new(id).unwrap(), &moments, offset),
                ours,
                "{id} {offset}"
            );
        }
    }

    #[test]
    fn the_clock_of_the_api_tells_more_than_ours() {
        // Its clock is ten minutes ahead, and we have waited for ten seconds.
        let sent = Sent {
            wall: Duration::from_secs(1_795_403_676),
            now: Some(Duration::ZERO),
        };
        let clock = Later(Duration::from_secs(10));
        let date = Duration::from_secs(1_795_403_676 + 610);
        let moments = sent.taken_up(Some(date), &clock);
        assert_eq!(moments, 1_795_404_274..=1_795_404_288);
    }

    /// So long after the request of 2026-11-23 03:14:36 was sent.
    struct Later(Duration);

    impl Clock for Later {
        fn now(&self) -> Duration {
            self.0
        }

        fn wall(&self) -> Duration {
            Duration::from_secs(1_795_403_676) + self.0
        }

        fn utc_offset(&self) -> i64 {
            0
        }

        fn random(&self) -> f64 {
            0.0
        }

        async fn sleep(&self, _: Duration) {}
    }
}
