//! The trouble and the end of requests, as their progress shows them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::execute::{Progress, StepOutcome};
use crate::http::Clock;
use crate::model::IncidentClass;
use crate::store::{Observation, Seen, UNDECIDED};

use super::seen::{Subject, wrong};

/// Listens to the progress of requests: which of them have trouble, and how each ended.
#[derive(Debug, Default)]
pub struct Attention {
    noticed: RefCell<BTreeMap<String, Noticed>>,
}

/// The state of one request.
#[derive(Debug)]
struct Noticed {
    subject: Subject,
    trouble: Option<Trouble>,
    /// Its end, until it is reported.
    end: Option<End>,
}

/// The reason why a request is not done yet.
#[derive(Debug)]
struct Trouble {
    message: String,
    /// By the clock that never goes back, and since the Unix epoch.
    since: (Duration, Duration),
    /// An operation runs, which may still end well.
    in_progress: bool,
}

#[derive(Debug)]
struct End {
    outcome: StepOutcome,
    message: String,
    at: Duration,
}

impl Attention {
    /// Takes note of what happens.
    pub fn note(&self, progress: &Progress<'_>, clock: &impl Clock) {
        match progress {
            Progress::Waiting { step, reason, .. } => self.trouble(step, reason, clock),
            Progress::Running {
                step,
                trouble: Some(trouble),
                ..
            } => self.trouble(step, trouble, clock),
            Progress::Verifying {
                step,
                waiting_for: Some(what),
            } => self.trouble(step, what, clock),
            Progress::Stalled {
                step,
                id,
                unchanged,
                ..
            } => {
                let minutes = unchanged.as_secs() / 60;
                let message = format!(
                    "operation {id} is in progress, and nothing has changed in its destination for {minutes} minutes"
                );
                self.trouble(step, &message, clock);
            }
            Progress::Accepted { step, .. }
            | Progress::Found { step, .. }
            | Progress::Running {
                step,
                trouble: None,
                ..
            } => {
                let mut noticed = self.noticed.borrow_mut();
                let noticed = noticed.get_mut(&Subject::of(step).key);
                if let Some(trouble) = noticed.and_then(|noticed| noticed.trouble.as_mut()) {
                    trouble.in_progress = true;
                }
            }
            Progress::Settled { step, report } => {
                let message = report.message.clone();
                self.end(Subject::of(step), report.outcome, message, clock);
            }
            Progress::Undecided { reason } => {
                let subject = Subject {
                    key: UNDECIDED.to_owned(),
                    words: "an event of Patroni".to_owned(),
                    targets: Vec::new(),
                };
                let message = format!("nothing could be decided: {reason}");
                self.end(subject, StepOutcome::Unfinished, Some(message), clock);
            }
            _ => {}
        }
    }

    fn trouble(&self, step: &crate::evaluate::Step, message: &str, clock: &impl Clock) {
        let subject = Subject::of(step);
        let mut noticed = self.noticed.borrow_mut();
        let noticed = noticed.entry(subject.key.clone()).or_insert(Noticed {
            subject,
            trouble: None,
            end: None,
        });
        let now = (clock.now(), clock.wall());
        let since = noticed.trouble.as_ref().map_or(now, |before| before.since);
        noticed.trouble = Some(Trouble {
            message: message.to_owned(),
            since,
            in_progress: false,
        });
    }

    fn end(
        &self,
        subject: Subject,
        outcome: StepOutcome,
        message: Option<String>,
        clock: &impl Clock,
    ) {
        let end = End {
            outcome,
            message: message.unwrap_or_else(|| "done".to_owned()),
            at: clock.wall(),
        };
        let key = subject.key.clone();
        let noticed = Noticed {
            subject,
            trouble: None,
            end: Some(end),
        };
        self.noticed.borrow_mut().insert(key, noticed);
    }

    /// The time since which the oldest trouble lasts, by the clock that never goes back.
    pub fn oldest_trouble(&self) -> Option<Duration> {
        let noticed = self.noticed.borrow();
        let troubles = noticed.values().filter_map(|one| one.trouble.as_ref());
        let lasting = troubles.filter(|trouble| !trouble.in_progress);
        lasting.map(|trouble| trouble.since.0).min()
    }

    /// Forgets the requests that have trouble: they are not tried any more.
    pub fn drop_troubles(&self) {
        self.noticed.borrow_mut().retain(|_, one| one.end.is_some());
    }

    /// Observes the requests that have trouble, which may pass.
    pub fn troubles(&self) -> Vec<Observation> {
        let noticed = self.noticed.borrow();
        let troubles = noticed.values().filter_map(|one| {
            let trouble = one.trouble.as_ref().filter(|it| !it.in_progress)?;
            let seen = Seen::Wrong {
                message: trouble.message.clone(),
                since: trouble.since.1,
                may_pass: true,
                calm: Duration::ZERO,
            };
            Some(one.subject.observed(IncidentClass::Unfinished, seen))
        });
        troubles.collect()
    }

    /// Observes the requests that have ended since this was asked for last.
    pub fn ends(&self) -> Vec<Observation> {
        let mut noticed = self.noticed.borrow_mut();
        let ended = noticed.values_mut().filter_map(|one| {
            let end = one.end.take()?;
            Some(ended(&one.subject, end))
        });
        let ended: Vec<Observation> = ended.flatten().collect();
        noticed.retain(|_, one| one.trouble.is_some());
        ended
    }
}

/// Observes how a request ended. If a newer decision or another role took its place, whoever carries that out tells.
fn ended(subject: &Subject, end: End) -> Vec<Observation> {
    let End {
        outcome,
        message,
        at,
    } = end;
    let (failed, unfinished) = (IncidentClass::Failed, IncidentClass::Unfinished);
    match outcome {
        StepOutcome::Done => [failed, unfinished]
            .map(|class| subject.observed(class, Seen::Well("done".to_owned())))
            .to_vec(),
        StepOutcome::Failed | StepOutcome::Refused | StepOutcome::Unverified => vec![
            subject.observed(unfinished, Seen::Well(format!("it failed: {message}"))),
            subject.observed(failed, wrong(message, at)),
        ],
        StepOutcome::Unfinished => vec![subject.observed(unfinished, wrong(message, at))],
        StepOutcome::Fenced | StepOutcome::Superseded | StepOutcome::NotRun => Vec::new(),
    }
}
