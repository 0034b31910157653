//! Watching the DCS for clusters and their changes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::dcs::{Batch, DcsError, Etcd, Tree};
use crate::http::{Clock, Http, within};

/// Members write their keys every few seconds. A watch that is silent for this long is broken.
const QUIET: Duration = Duration::from_secs(60);

/// The longest wait for a watch to start.
const TAKEN_UP: Duration = Duration::from_secs(5);

/// The first pause after a failure; each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(10);

/// A report about the DCS.
pub enum Discovery<'a> {
    /// The whole content, as it is now.
    All(&'a Tree),
    /// These clusters have changed.
    Changed(&'a Tree, BTreeSet<String>),
    /// The DCS can't be watched at the moment.
    Lost(&'a DcsError),
}

/// The reason why a watch ended.
enum End {
    /// The watch can resume after this revision.
    Resume(u64),
    /// The history after the revision has been compacted.
    Compacted,
    Error(DcsError),
}

/// Watches the DCS and reports changes; it never ends.
pub async fn discover<H: Http>(
    etcd: &Etcd<'_, H>,
    clock: &impl Clock,
    tell: impl Fn(Discovery<'_>),
) {
    let tree = RefCell::new(Tree::default());
    let mut failures = 0_u32;
    loop {
        let error = match etcd.range().await {
            Ok(snapshot) => {
                *tree.borrow_mut() = Tree::of(&snapshot);
                let mut revision = snapshot.revision;
                let is_told = Cell::new(false);
                loop {
                    let told = |discovery: Discovery<'_>| {
                        failures = 0;
                        is_told.set(true);
                        tell(discovery);
                    };
                    let first = !is_told.get();
                    match watch(etcd, revision, &tree, first, clock, told).await {
                        End::Resume(after) => revision = after,
                        End::Compacted => break None,
                        End::Error(error) => break Some(error),
                    }
                }
            }
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            tell(Discovery::Lost(&error));
            etcd.turn();
            let pause = PAUSE.saturating_mul(2_u32.saturating_pow(failures.min(8)));
            failures += 1;
            let pause = pause.min(LONGEST).mul_f64(0.5 + 0.5 * clock.random());
            clock.sleep(pause).await;
        }
    }
}

/// Watches from a revision until the watch ends. The content read before is reported only once the watch has started, so
/// that no change is missed.
async fn watch<H: Http>(
    etcd: &Etcd<'_, H>,
    after: u64,
    tree: &RefCell<Tree>,
    tells_all: bool,
    clock: &impl Clock,
    mut tell: impl FnMut(Discovery<'_>),
) -> End {
    let (sender, mut batches) = mpsc::unbounded_channel::<Batch>();
    let mut watching = pin!(etcd.watch(after, move |batch| sender.send(batch).is_ok()));
    let mut ended = None;
    let mut revision = after;
    let mut is_first = true;
    loop {
        let limit = if is_first { TAKEN_UP } else { QUIET };
        let next = poll_fn(|context| {
            if ended.is_none()
                && let Poll::Ready(end) = watching.as_mut().poll(context)
            {
                ended = Some(end);
            }
            match batches.poll_recv(context) {
                Poll::Pending if ended.is_some() => Poll::Ready(None),
                other => other,
            }
        });
        let Some(next) = within(clock, limit, next).await else {
            if is_first {
                return End::Error(DcsError::Silent);
            }
            etcd.turn();
            return End::Resume(revision);
        };
        let Some(batch) = next else {
            return match ended {
                Some(Err(error)) => End::Error(error),
                _ if is_first => End::Error(DcsError::Silent),
                _ => End::Resume(revision),
            };
        };
        if batch.compacted {
            return End::Compacted;
        }
        revision = revision.max(batch.revision);
        let changed: BTreeSet<String> = {
            let mut tree = tree.borrow_mut();
            let changes = batch.changes.iter();
            changes
                .filter_map(|(key, value)| tree.set(key, value.as_deref()))
                .collect()
        };
        if is_first && tells_all {
            tell(Discovery::All(&tree.borrow()));
        } else if !changed.is_empty() {
            tell(Discovery::Changed(&tree.borrow(), changed));
        }
        is_first = false;
    }
}
