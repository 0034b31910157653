//! Concurrent requests.
//!
//! Requests to different APIs never wait for each other. Requests to one API begin in the order of the rules; a request
//! with a problem lets the next begin. `on_failure: stop` ends the remaining requests of the same rule to the same API.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use crate::evaluate::Step;
use crate::http::together;
use crate::model::{ApiName, OnFailure};
use crate::store::IntentId;

use super::{StepOutcome, StepReport};

/// A step to execute.
#[derive(Debug, Clone)]
pub(super) struct Job<'a> {
    pub(super) step: &'a Step,
    pub(super) intent: Option<IntentId>,
}

/// The turn of a rule's requests among those to one API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    open: &'a Cell<usize>,
    number: usize,
    stopped: &'a Cell<Option<StepOutcome>>,
}

impl Turn<'_> {
    /// Lets the next one begin.
    pub(super) fn pass(self) {
        self.open.set(self.open.get().max(self.number + 1));
    }

    /// The outcome of the request of the same rule that ends this one.
    pub(super) fn stopped_by(self) -> Option<StepOutcome> {
        self.stopped.get()
    }

    /// Waits for its turn. It needs no waker: whatever passes the turn is polled earlier by the same task.
    async fn come(self) {
        poll_fn(|_| {
            if self.open.get() >= self.number {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// One rule's requests to one API.
struct Chain<'a> {
    api: &'a ApiName,
    rule: &'a str,
    number: usize,
    jobs: Vec<(usize, Job<'a>)>,
}

/// Executes jobs and returns their reports in the order of the jobs.
pub(super) async fn side_by_side<'a>(
    jobs: Vec<Job<'a>>,
    act: impl AsyncFn(Job<'a>, Turn<'_>) -> StepReport,
) -> Vec<StepReport> {
    let chains = chains(jobs);
    let mut apis: Vec<&ApiName> = chains.iter().map(|chain| chain.api).collect();
    apis.sort();
    apis.dedup();
    let lanes: Vec<(&ApiName, Cell<usize>)> =
        apis.into_iter().map(|api| (api, Cell::new(0))).collect();
    let run = async |chain: Chain<'a>| {
        let stopped = Cell::new(None);
        let open = lanes.iter().find(|(api, _)| *api == chain.api);
        let alone = Cell::new(usize::MAX);
        let turn = Turn {
            open: open.map_or(&alone, |(_, open)| open),
            number: chain.number,
            stopped: &stopped,
        };
        turn.come().await;
        let mut reports = Vec::with_capacity(chain.jobs.len());
        for (index, job) in chain.jobs {
            let stops = job.step.on_failure == OnFailure::Stop;
            let report = act(job, turn).await;
            if report.outcome.is_failure() && stops && stopped.get().is_none() {
                stopped.set(Some(report.outcome));
            }
            reports.push((index, report));
        }
        turn.pass();
        reports
    };
    let mut reports: Vec<(usize, StepReport)> = together(chains.into_iter().map(run).collect())
        .await
        .into_iter()
        .flatten()
        .collect();
    reports.sort_by_key(|(index, _)| *index);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn chains(jobs: Vec<Job<'_>>) -> Vec<Chain<'_>> {
    let mut chains: Vec<Chain<'_>> = Vec::new();
    for (index, job) in jobs.into_iter().enumerate() {
        let (api, rule) = (&job.step.api, job.step.rule.as_str());
        match chains
            .iter_mut()
            .find(|chain| chain.api == api && chain.rule == rule)
        {
            Some(chain) => chain.jobs.push((index, job)),
            None => chains.push(Chain {
                api,
                rule,
                number: chains.iter().filter(|chain| chain.api == api).count(),
                jobs: vec![(index, job)],
            }),
        }
    }
    chains
}
