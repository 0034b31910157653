//! Running futures: one thread for all of them, and others for blocking work.
//!
//! [`together`] and [`within`] need no particular executor, so that a simulation can drive them.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::{Clock, hands};

/// Runs a future to its end. Work that is still blocked then is abandoned and does not delay the process's exit.
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "without I/O of its own, a runtime needs nothing that the system could refuse"
)]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime for one thread can be built");
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    output
}

/// Runs blocking work on its own thread, or here if the system has no thread. Dropping the future leaves
/// the work running. `None` if it panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = oneshot::channel();
    let run = move || drop(done.send(work()));
    if let Some(run) = hands::give(Box::new(run)) {
        run();
    }
    result.await.ok()
}

/// Runs futures concurrently and returns their results, in order.
pub async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| Run::Running(Box::pin(future)))
        .collect();
    poll_fn(|context| {
        let mut ready = true;
        for run in &mut running {
            ready &= run.poll(context);
        }
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    running.into_iter().filter_map(Run::output).collect()
}

/// Runs two futures side by side and returns what both gave.
pub async fn both<A: Future, B: Future>(one: A, other: B) -> (A::Output, B::Output) {
    let (mut one, mut other) = (Run::Running(Box::pin(one)), Run::Running(Box::pin(other)));
    poll_fn(|context| {
        let ready = one.poll(context);
        if other.poll(context) && ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    match (one, other) {
        (Run::Done(one), Run::Done(other)) => (one, other),
        _ => unreachable!("both are done"),
    }
}

/// A running future.
enum Run<F: Future> {
    Running(Pin<Box<F>>),
    Done(F::Output),
}

impl<F: Future> Run<F> {
    /// Polls it; returns true if it is done.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let Self::Running(future) = self else {
            return true;
        };
        match future.as_mut().poll(context) {
            Poll::Ready(output) => {
                *self = Self::Done(output);
                true
            }
            Poll::Pending => false,
        }
    }

    fn output(self) -> Option<F::Output> {
        match self {
            Self::Running(_) => None,
            Self::Done(output) => Some(output),
        }
    }
}

/// Runs a future with a time limit by the clock; `None` if it was not done.
pub async fn within<C: Clock, F: Future>(
    clock: &C,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut limit = pin!(clock.sleep(limit));
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        limit.as_mut().poll(context).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::mpsc;

    use super::super::Real;
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn futures_run_side_by_side_and_keep_their_order() {
        let (first, second) = (mpsc::channel(), mpsc::channel());
        // each waits for the other
        let works: [Box<dyn FnOnce() -> u8 + Send>; 2] = [
            Box::new(move || {
                first.0.send(1).unwrap();
                second.1.recv().unwrap()
            }),
            Box::new(move || {
                second.0.send(2).unwrap();
                first.1.recv().unwrap()
            }),
        ];
        let works = works.into_iter().map(blocking).collect();
        assert_eq!(block_on(together(works)), [Some(2), Some(1)]);
        assert!(block_on(together(Vec::<std::future::Ready<u8>>::new())).is_empty());
    }

    #[test]
    fn what_hangs_is_given_up() {
        let clock = Real::new();
        let short = Duration::from_millis(1);
        assert_eq!(block_on(within(&clock, short, pending::<u8>())), None);
        assert_eq!(block_on(within(&clock, LONG, ready(1))), Some(1));
        // the end of the process does not wait for a thread that hangs
        let (_keep, never) = mpsc::channel::<u8>();
        let hangs = blocking(move || never.recv());
        assert!(block_on(within(&clock, short, hangs)).is_none());
    }

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(block_on(blocking(|| panic!("on purpose"))), None::<u8>);
    }
}
