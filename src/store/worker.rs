//! The database on a thread of its own, so that a hanging disk delays nothing that does not need it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Sqlite, StoreError};

type Job = Box<dyn FnOnce(&Sqlite) + Send>;

/// A database used by another thread. Abandoned work is still done if the disk comes back.
#[derive(Debug)]
pub struct Worker {
    jobs: mpsc::Sender<Job>,
    aside: Option<PathBuf>,
}

impl Worker {
    /// Opens the database, unless that takes longer than `limit`, and forgets settled decisions from before
    /// `old`.
    pub fn open(path: &Path, old: Duration, limit: Duration) -> Result<Self, StoreError> {
        let (jobs, work) = mpsc::channel::<Job>();
        let (opened, result) = mpsc::channel();
        let place = path.to_owned();
        let run = move || {
            let sqlite = match Sqlite::open(&place) {
                Ok(sqlite) => sqlite,
                Err(error) => return drop(opened.send(Err(error))),
            };
            let _ = opened.send(Ok(sqlite.moved_aside().map(Path::to_owned)));
            // If it can't be pruned now, it is another time.
            let _ = sqlite.prune(old);
            for job in work {
                job(&sqlite);
            }
        };
        let failed = |reason: String| StoreError::Open {
            path: path.to_owned(),
            reason,
        };
        thread::Builder::new()
            .name("state".to_owned())
            .spawn(run)
            .map_err(|error| failed(error.to_string()))?;
        let late = |_| failed(format!("no answer within {} s", limit.as_secs()));
        let aside = result.recv_timeout(limit).map_err(late)??;
        Ok(Self { jobs, aside })
    }

    /// The new name of a damaged database that this one replaced.
    pub fn moved_aside(&self) -> Option<&Path> {
        self.aside.as_deref()
    }

    /// Runs work on the database's thread, and waits for it.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Sqlite) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, result) = oneshot::channel();
        let job = move |sqlite: &Sqlite| drop(done.send(work(sqlite)));
        let gone = || StoreError::Io("the thread of the state has ended".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

/// Runs a future that never waits, like those of an open database.
pub fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
