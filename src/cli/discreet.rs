//! What a server says ends up in messages; here the secrets that it may have repeated are taken out of them before
//! they are shown or written down.

use std::time::Duration;

use crate::barman::ActiveModel;
use crate::execute::{Comparison, Outcome, Progress, StepReport};
use crate::http::Secrets;
use crate::model::{Name, Role};
use crate::store::{
    Decision, EventId, Intent, IntentId, Query, Recorded, Settled, Sqlite, Standing, Store,
    StoreError,
};

/// The secrets of several endpoints.
#[derive(Clone, Default)]
pub struct Discretion(Vec<Secrets>);

impl Discretion {
    /// The discretion that these ask for.
    #[must_use]
    pub fn of(secrets: impl IntoIterator<Item = Secrets>) -> Self {
        Self(secrets.into_iter().collect())
    }

    fn hide(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, secrets| secrets.hide(&text))
    }

    /// What became of a step, as it may be told.
    fn report(&self, mut report: StepReport) -> StepReport {
        report.message = report.message.map(|message| self.hide(&message));
        report
    }

    /// What became of a plan, as it may be told.
    #[must_use]
    pub fn outcome(&self, mut outcome: Outcome) -> Outcome {
        let steps = outcome.steps.into_iter();
        outcome.steps = steps.map(|report| self.report(report)).collect();
        outcome
    }

    /// What differs, as it may be told.
    #[must_use]
    pub fn compared(&self, mut compared: Vec<Comparison>) -> Vec<Comparison> {
        for one in &mut compared {
            let (Ok(Some(text)) | Err(text)) = &mut one.differs else {
                continue;
            };
            *text = self.hide(text);
            if let Some(server) = &mut one.server
                && let ActiveModel::Model(name) = &server.active_model
                && self.hide(name.as_str()) != name.as_str()
            {
                server.active_model = ActiveModel::Unknown;
            }
        }
        compared
    }

    /// Tells what happens.
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
            Progress::Doubt { step, message } => tell(&Progress::Doubt {
                step,
                message: &self.hide(message),
            }),
            Progress::Settled { report } => tell(&Progress::Settled {
                report: &self.report(report.clone()),
            }),
            _ => tell(progress),
        }
    }
}

/// A state in which no message has a secret in it.
pub struct DiscreetStore {
    /// The state.
    pub state: Sqlite,
    /// What no message may have in it.
    pub discretion: Discretion,
}

impl Store for DiscreetStore {
    async fn record(&self, event: &Recorded, now: Duration) -> Result<EventId, StoreError> {
        self.state.record(event, now).await
    }

    async fn undecided(
        &self,
        cluster: &str,
        node: Option<&str>,
    ) -> Result<Vec<(EventId, Recorded)>, StoreError> {
        self.state.undecided(cluster, node).await
    }

    async fn close(&self, event: EventId) -> Result<(), StoreError> {
        self.state.close(event).await
    }

    async fn intend(&self, decision: &Decision<'_>) -> Result<Vec<Option<IntentId>>, StoreError> {
        self.state.intend(decision).await
    }

    async fn role_changed(
        &self,
        cluster: &str,
        node: Option<&str>,
        role: Role,
        now: Duration,
    ) -> Result<usize, StoreError> {
        self.state.role_changed(cluster, node, role, now).await
    }

    async fn sending(
        &self,
        id: IntentId,
        now: Duration,
        claim: Duration,
    ) -> Result<Standing, StoreError> {
        self.state.sending(id, now, claim).await
    }

    async fn renew(&self, id: IntentId, until: Duration) -> Result<(), StoreError> {
        self.state.renew(id, until).await
    }

    async fn accepted(&self, id: IntentId, operation: &Name) -> Result<(), StoreError> {
        self.state.accepted(id, operation).await
    }

    async fn settled(&self, id: IntentId, end: &Settled<'_>) -> Result<(), StoreError> {
        let message = end.message.map(|message| self.discretion.hide(message));
        let end = Settled {
            message: message.as_deref(),
            ..*end
        };
        self.state.settled(id, &end).await
    }

    async fn ended(&self, id: IntentId) -> Result<(), StoreError> {
        self.state.ended(id).await
    }

    async fn left(&self, id: IntentId, why: &str) -> Result<(), StoreError> {
        self.state.left(id, &self.discretion.hide(why)).await
    }

    async fn take_over(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<Vec<Intent>, StoreError> {
        self.state.take_over(cluster, node, now).await
    }

    async fn is_forgotten(&self, id: IntentId) -> Result<bool, StoreError> {
        self.state.is_forgotten(id).await
    }

    async fn drop_corrections(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<(), StoreError> {
        self.state.drop_corrections(cluster, node, now).await
    }

    async fn history(&self, query: &Query) -> Result<Vec<Intent>, StoreError> {
        self.state.history(query).await
    }
}
