//! Servers' messages end up in ours; this removes the secrets that they may repeat before
//! messages are shown or stored.

use std::time::Duration;

use crate::barman::ActiveModel;
use crate::execute::{Comparison, Judged, NoWal, Outcome, Progress, StepReport, Wal};
use crate::http::Secrets;
use crate::model::{Name, Role};
use crate::store::{
    Arrival, Cause, Decision, Delivery, EventId, Incidents, Intent, IntentId, Noted, Notice,
    Observation, Query, Receipts, Recorded, Seen, Settled, Source, Standing, Store, StoreError,
    Worker, at_once,
};

/// The secrets of several endpoints.
#[derive(Clone, Default)]
pub struct Discretion(Vec<Secrets>);

impl Discretion {
    /// The union of these secrets.
    pub fn of(secrets: impl IntoIterator<Item = Secrets>) -> Self {
        Self(secrets.into_iter().collect())
    }

    fn hide(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, secrets| secrets.hide(&text))
    }

    fn report(&self, mut report: StepReport) -> StepReport {
        report.message = report.message.map(|message| self.hide(&message));
        report
    }

    pub fn outcome(&self, mut outcome: Outcome) -> Outcome {
        let steps = outcome.steps.into_iter();
        outcome.steps = steps.map(|report| self.report(report)).collect();
        outcome
    }

    pub fn compared(&self, mut compared: Vec<Comparison>) -> Vec<Comparison> {
        for one in &mut compared {
            if let Ok(Some(text)) | Err(text) = &mut one.differs {
                *text = self.hide(text);
            }
            if let Some(Wal::Missing(NoWal { message: text, .. }) | Wal::Unchecked(text)) =
                &mut one.wal
            {
                *text = self.hide(text);
            }
            if let Some(server) = &mut one.server
                && let ActiveModel::Model(name) = &server.active_model
                && self.hide(name.as_str()) != name.as_str()
            {
                server.active_model = ActiveModel::Unknown;
            }
        }
        compared
    }

    pub fn judged(&self, mut judged: Judged) -> Judged {
        judged.blind = judged.blind.map(|why| self.hide(&why));
        judged
    }

    pub fn observations(&self, mut observations: Vec<Observation>) -> Vec<Observation> {
        for one in &mut observations {
            let (Seen::Wrong { message: text, .. } | Seen::Well(text)) = &mut one.seen;
            *text = self.hide(text);
        }
        observations
    }

    /// Reports progress without secrets.
    pub fn tell(&self, progress: &Progress<'_>, tell: impl FnOnce(&Progress<'_>)) {
        match *progress {
            Progress::Waiting { step, reason, wait } => tell(&Progress::Waiting {
                step,
                reason: &self.hide(reason),
                wait,
            }),
            Progress::Verifying {
                step,
                waiting_for: Some(what),
            } => tell(&Progress::Verifying {
                step,
                waiting_for: Some(&self.hide(what)),
            }),
            Progress::Correcting { step, member, what } => tell(&Progress::Correcting {
                step,
                member,
                what: &self.hide(what),
            }),
            Progress::Doubt { step, message } => tell(&Progress::Doubt {
                step,
                message: &self.hide(message),
            }),
            Progress::Settled { step, report } => tell(&Progress::Settled {
                step,
                report: &self.report(report.clone()),
            }),
            _ => tell(progress),
        }
    }
}

/// A state whose messages contain no secrets.
pub struct DiscreetStore {
    pub state: Worker,
    pub discretion: Discretion,
    /// The source that differences are attributed to.
    pub by: Source,
}

impl Store for DiscreetStore {
    async fn record(&self, event: &Recorded, now: Duration) -> Result<EventId, StoreError> {
        let event = event.clone();
        self.state
            .ask(move |state| at_once(state.record(&event, now)))
            .await
    }

    async fn undecided(
        &self,
        cluster: &str,
        node: Option<&str>,
    ) -> Result<Vec<(EventId, Recorded)>, StoreError> {
        let (cluster, node) = owned(cluster, node);
        self.state
            .ask(move |state| at_once(state.undecided(&cluster, node.as_deref())))
            .await
    }

    async fn close(&self, event: EventId) -> Result<(), StoreError> {
        self.state
            .ask(move |state| at_once(state.close(event)))
            .await
    }

    async fn intend(&self, decision: &Decision<'_>) -> Result<Vec<Option<IntentId>>, StoreError> {
        let plan = decision.plan.clone();
        let (now, by) = (decision.now, self.by);
        let (event, sets) = match decision.cause {
            Cause::Event(event) => (event, None),
            Cause::Look(sets) => (None, Some(sets.to_vec())),
        };
        self.state
            .ask(move |state| {
                let cause = sets.as_deref().map_or(Cause::Event(event), Cause::Look);
                let decision = Decision {
                    plan: &plan,
                    cause,
                    now,
                };
                state.intend_by(by, &decision)
            })
            .await
    }

    async fn role_changed(
        &self,
        cluster: &str,
        node: Option<&str>,
        role: Role,
        now: Duration,
    ) -> Result<usize, StoreError> {
        let (cluster, node) = owned(cluster, node);
        self.state
            .ask(move |state| at_once(state.role_changed(&cluster, node.as_deref(), role, now)))
            .await
    }

    async fn sending(
        &self,
        id: IntentId,
        now: Duration,
        claim: Duration,
    ) -> Result<Standing, StoreError> {
        self.state
            .ask(move |state| at_once(state.sending(id, now, claim)))
            .await
    }

    async fn renew(&self, id: IntentId, until: Duration) -> Result<(), StoreError> {
        self.state
            .ask(move |state| at_once(state.renew(id, until)))
            .await
    }

    async fn accepted(&self, id: IntentId, operation: &Name) -> Result<(), StoreError> {
        let operation = operation.clone();
        self.state
            .ask(move |state| at_once(state.accepted(id, &operation)))
            .await
    }

    async fn settled(&self, id: IntentId, end: &Settled<'_>) -> Result<(), StoreError> {
        let message = end.message.map(|message| self.discretion.hide(message));
        let Settled { state: to, now, .. } = *end;
        self.state
            .ask(move |state| {
                let end = Settled {
                    state: to,
                    message: message.as_deref(),
                    now,
                };
                at_once(state.settled(id, &end))
            })
            .await
    }

    async fn ended(&self, id: IntentId) -> Result<(), StoreError> {
        self.state.ask(move |state| at_once(state.ended(id))).await
    }

    async fn left(&self, id: IntentId, why: &str) -> Result<(), StoreError> {
        let why = self.discretion.hide(why);
        self.state
            .ask(move |state| at_once(state.left(id, &why)))
            .await
    }

    async fn take_over(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<Vec<Intent>, StoreError> {
        let (cluster, node) = owned(cluster, node);
        self.state
            .ask(move |state| at_once(state.take_over(&cluster, node.as_deref(), now)))
            .await
    }

    async fn is_forgotten(&self, id: IntentId) -> Result<bool, StoreError> {
        self.state
            .ask(move |state| at_once(state.is_forgotten(id)))
            .await
    }

    async fn drop_corrections(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<(), StoreError> {
        let (cluster, node) = owned(cluster, node);
        self.state
            .ask(move |state| at_once(state.drop_corrections(&cluster, node.as_deref(), now)))
            .await
    }

    async fn history(&self, query: &Query) -> Result<Vec<Intent>, StoreError> {
        let query = query.clone();
        self.state
            .ask(move |state| at_once(state.history(&query)))
            .await
    }

    async fn receipts(&self, cluster: Option<&str>) -> Result<Receipts, StoreError> {
        let cluster = cluster.map(str::to_owned);
        self.state
            .ask(move |state| at_once(state.receipts(cluster.as_deref())))
            .await
    }

    async fn keep_receipts(&self, news: &Receipts) -> Result<(), StoreError> {
        let news = news.clone();
        self.state
            .ask(move |state| at_once(state.keep_receipts(&news)))
            .await
    }
}

impl Incidents for DiscreetStore {
    async fn note(&self, notice: &Notice) -> Result<Noted, StoreError> {
        let mut notice = notice.clone();
        notice.observations = self.discretion.observations(notice.observations);
        self.state
            .ask(move |state| at_once(state.note(&notice)))
            .await
    }

    async fn told(&self, delivery: &Delivery, arrival: Arrival) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.state
            .ask(move |state| at_once(state.told(&delivery, arrival)))
            .await
    }
}

/// A member, for another thread.
fn owned(cluster: &str, node: Option<&str>) -> (String, Option<String>) {
    (cluster.to_owned(), node.map(str::to_owned))
}
