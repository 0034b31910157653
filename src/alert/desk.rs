//! Records observations, and delivers the notifications that are due.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::sync::Notify;

use crate::http::{Clock, both, together, within};
use crate::model::{IncidentClass, Receiver, duration};
use crate::store::{
    Addressee, Arrival, Delivery, Extent, Incidents, Noted, Notice, Observation, Seen, Sqlite,
    StoreError, at_once,
};

use super::attention::Attention;
use super::message::Message;

/// The limit for one access to the state.
const STATE: Duration = Duration::from_secs(1);

/// A delivery is this process's for so long beyond the time that it may take.
const CLAIM: Duration = Duration::from_secs(60);

/// The pause before requests that still have trouble are reported again, and what was not delivered is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// The shortest pause between two looks at requests that have trouble.
const GLANCE: Duration = Duration::from_millis(20);

/// Brings a message to a receiver.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Courier {
    /// Delivers a message.
    async fn deliver(&self, receiver: &Receiver, message: &Message) -> Result<(), Undelivered>;

    /// Is told that a receiver could not be reached.
    fn complain(&self, receiver: &Receiver, why: &str);
}

/// The reason why a message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The reason, without anything that is secret.
    pub why: String,
    /// It may have arrived all the same.
    pub may_be_known: bool,
}

impl Undelivered {
    /// It did not arrive.
    pub const fn at_all(why: String) -> Self {
        Self {
            why,
            may_be_known: false,
        }
    }

    /// It may have arrived, and there was no answer.
    pub const fn for_sure(why: String) -> Self {
        Self {
            why,
            may_be_known: true,
        }
    }
}

/// The observations of a process, and the cluster and member it works for.
#[derive(Debug, Clone)]
pub struct Report {
    /// Patroni's scope.
    pub cluster: String,
    /// The member, if it works for one.
    pub member: Option<String>,
    /// The kind of process.
    pub source: String,
    /// The part of the cluster that was looked at.
    pub extent: Extent,
    /// The things that were looked at.
    pub observations: Vec<Observation>,
}

/// The result of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// An incident is open or a delivery is due: the next report matters even without news.
    pub is_unsettled: bool,
}

/// The place where incidents are written down and passed on.
pub struct Desk<'a, C> {
    receivers: &'a [Receiver],
    rules: String,
    host: Option<String>,
    courier: C,
    substitute: &'a Substitute,
}

/// Stands in for a state that cannot be used, so that this process tells nobody twice.
#[derive(Debug, Default)]
pub struct Substitute(RefCell<Option<Sqlite>>);

impl<'a, C: Courier> Desk<'a, C> {
    /// A desk for these receivers, which the rules at this path name.
    pub const fn new(
        receivers: &'a [Receiver],
        rules: String,
        host: Option<String>,
        courier: C,
        substitute: &'a Substitute,
    ) -> Self {
        Self {
            receivers,
            rules,
            host,
            courier,
            substitute,
        }
    }

    /// The way to the receivers.
    pub const fn courier(&self) -> &C {
        &self.courier
    }

    /// The path by which the state knows the rules.
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Tells whether there are no receivers.
    pub const fn is_idle(&self) -> bool {
        self.receivers.is_empty()
    }

    /// Writes down what was seen and tells those who are to know, all at the same time, each for no longer than its
    /// `timeout` and this limit.
    pub async fn tell<S: Incidents>(
        &self,
        report: Report,
        store: Option<&S>,
        clock: &impl Clock,
        limit: Duration,
    ) -> Told {
        let notice = self.notice(report, clock.wall());
        let noted = match store {
            Some(store) => bounded(clock, store.note(&notice)).await.ok(),
            None => None,
        };
        if let (Some(noted), Some(store)) = (&noted, store) {
            self.deliver(&noted.due, store, clock, limit).await;
        }
        let is_well = |one: &Observation| matches!(one.seen, Seen::Well(_));
        let was_used = self.substitute.0.borrow().is_some();
        let Noted { due, is_unsettled } = match noted {
            Some(noted) if was_used => {
                // What it told while the state could not be used may be over.
                let mut ends = notice;
                ends.observations.retain(is_well);
                Noted {
                    is_unsettled: noted.is_unsettled,
                    ..self.note_here(&ends)
                }
            }
            Some(noted) => Noted {
                due: Vec::new(),
                ..noted
            },
            None if self.is_idle() => Noted::default(),
            // Told twice is better than never.
            None if was_used || !notice.observations.iter().all(is_well) => self.note_here(&notice),
            None => Noted::default(),
        };
        if !due.is_empty() {
            self.deliver(&due, self.substitute, clock, limit).await;
        }
        Told { is_unsettled }
    }

    /// Does work, and beside it reports requests that have had trouble for as long as a receiver waits.
    pub async fn beside<S: Incidents, T>(
        &self,
        work: impl Future<Output = T>,
        attention: &Attention,
        report: &dyn Fn(Vec<Observation>) -> Report,
        store: Option<&S>,
        clock: &impl Clock,
    ) -> T {
        let Some(patience) = self.patience().min() else {
            return work.await;
        };
        let over = Notify::new();
        let work = async {
            let result = work.await;
            over.notify_one();
            result
        };
        let watch = async {
            let mut told = None;
            loop {
                let next = self.next_report(attention, told, clock.now(), patience);
                let pause = next.saturating_sub(clock.now()).max(GLANCE);
                if within(clock, pause, over.notified()).await.is_some() {
                    return;
                }
                let now = clock.now();
                if next <= now && self.is_ripe(attention, now) {
                    told = Some(now);
                    let report = report(attention.troubles());
                    self.tell(report, store, clock, Duration::MAX).await;
                }
            }
        };
        both(work, watch).await.0
    }

    /// Tells whether a receiver is to know of a request that is still tried.
    pub fn is_ripe(&self, attention: &Attention, now: Duration) -> bool {
        let oldest = attention.oldest_trouble();
        let patience = self.patience().min();
        oldest
            .zip(patience)
            .is_some_and(|(since, patience)| since + patience <= now)
    }

    /// The times after which receivers are told of a request that is still tried.
    fn patience(&self) -> impl Iterator<Item = Duration> {
        let told = |one: &&Receiver| one.classes.contains(&IncidentClass::Unfinished);
        self.receivers.iter().filter(told).map(|one| one.after)
    }

    /// The time of the next report on requests that are still tried: when the patience of another receiver ends, and again
    /// after a while, since a delivery can fail.
    fn next_report(
        &self,
        attention: &Attention,
        told: Option<Duration>,
        now: Duration,
        patience: Duration,
    ) -> Duration {
        let oldest = attention.oldest_trouble();
        let due = oldest.and_then(|since| {
            let ends = self.patience().map(|after| since + after);
            ends.filter(|end| told.is_none_or(|told| *end > told)).min()
        });
        match (due, told) {
            (Some(due), Some(told)) => due.min(told + AGAIN),
            (Some(due), None) => due,
            (None, Some(told)) => told + AGAIN,
            (None, None) => now + patience,
        }
    }

    fn notice(&self, report: Report, now: Duration) -> Notice {
        let Report {
            cluster,
            member,
            source,
            extent,
            observations,
        } = report;
        let addressees = self.receivers.iter().map(|one| Addressee {
            name: one.name.clone(),
            after: one.after,
            classes: one.classes.clone(),
        });
        let longest = self.receivers.iter().map(|one| one.timeout).max();
        Notice {
            cluster,
            member,
            source,
            rules: self.rules.clone(),
            extent,
            observations,
            addressees: addressees.collect(),
            claim: longest.unwrap_or_default() + CLAIM,
            now,
        }
    }

    fn note_here(&self, notice: &Notice) -> Noted {
        at_once(self.substitute.note(notice)).unwrap_or_default()
    }

    async fn deliver<S: Incidents>(
        &self,
        due: &[Delivery],
        store: &S,
        clock: &impl Clock,
        limit: Duration,
    ) {
        let each = self.receivers.iter().map(async |receiver| {
            let mine = due.iter().filter(|one| one.receiver == receiver.name);
            let mine: Vec<&Delivery> = mine.collect();
            if mine.is_empty() {
                return;
            }
            let done = Cell::new(0);
            let limit = limit.min(receiver.timeout);
            let work = async {
                for one in &mine {
                    let message = Message::of(&one.incident, self.host.as_deref());
                    self.courier.deliver(receiver, &message).await?;
                    // What cannot be written down is told once more.
                    let _ = bounded(clock, store.told(one, Arrival::Yes)).await;
                    done.set(done.get() + 1);
                }
                Ok(())
            };
            let ended = within(clock, limit, work).await;
            let late = || {
                let limit = duration::format(limit);
                let why = format!("no answer within {limit}");
                Err(Undelivered::for_sure(why))
            };
            let Err(Undelivered { why, may_be_known }) = ended.unwrap_or_else(late) else {
                return;
            };
            self.courier.complain(receiver, &why);
            let mut arrival = if may_be_known {
                Arrival::Unknown
            } else {
                Arrival::No
            };
            for one in mine.iter().skip(done.get()) {
                let _ = bounded(clock, store.told(one, arrival)).await;
                // Nothing was tried with the others.
                arrival = Arrival::No;
            }
        });
        together(each.collect()).await;
    }
}

impl Incidents for Substitute {
    async fn note(&self, notice: &Notice) -> Result<Noted, StoreError> {
        let mut sqlite = self.0.borrow_mut();
        if sqlite.is_none() {
            *sqlite = Some(Sqlite::in_memory()?);
        }
        match sqlite.as_ref() {
            Some(sqlite) => at_once(sqlite.note(notice)),
            None => Ok(Noted::default()),
        }
    }

    async fn told(&self, delivery: &Delivery, arrival: Arrival) -> Result<(), StoreError> {
        match self.0.borrow().as_ref() {
            Some(sqlite) => at_once(sqlite.told(delivery, arrival)),
            None => Ok(()),
        }
    }
}

async fn bounded<T>(
    clock: &impl Clock,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = || StoreError::Io(format!("no answer within {} s", STATE.as_secs()));
    within(clock, STATE, work)
        .await
        .unwrap_or_else(|| Err(late()))
}

#[cfg(test)]
mod tests;
