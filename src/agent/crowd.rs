//! Many futures on one thread, each polled only when it was woken.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Named futures. Futures can be added and removed while the others run.
#[derive(Default)]
pub struct Crowd<'a> {
    tasks: RefCell<BTreeMap<String, Member<'a>>>,
    ready: Arc<Ready>,
}

/// A future; its place is empty while it is being polled.
struct Member<'a> {
    task: Option<Task<'a>>,
    bell: Arc<Bell>,
}

/// The futures that were woken.
#[derive(Default)]
struct Ready {
    bells: Mutex<Vec<Arc<Bell>>>,
    waker: Mutex<Option<Waker>>,
}

/// Wakes one future.
struct Bell {
    name: String,
    rung: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let ready = Arc::clone(&self.ready);
        lock(&ready.bells).push(self);
        let waker = lock(&ready.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<'a> Crowd<'a> {
    /// Adds a future; it replaces one of the same name.
    pub fn add(&self, name: &str, task: impl Future<Output = ()> + 'a) {
        let bell = Arc::new(Bell {
            name: name.to_owned(),
            rung: AtomicBool::new(false),
            ready: Arc::clone(&self.ready),
        });
        let member = Member {
            task: Some(Box::pin(task)),
            bell: Arc::clone(&bell),
        };
        let before = self.tasks.borrow_mut().insert(name.to_owned(), member);
        drop(before);
        bell.wake();
    }

    /// Drops a future.
    pub fn remove(&self, name: &str) {
        let gone = self.tasks.borrow_mut().remove(name);
        drop(gone);
    }

    /// Returns true if no future is left.
    pub fn is_empty(&self) -> bool {
        self.tasks.borrow().is_empty()
    }

    /// The names of the futures that have not ended.
    pub fn names(&self) -> Vec<String> {
        self.tasks.borrow().keys().cloned().collect()
    }

    /// Runs all futures, including those added later. It never ends by itself.
    pub async fn run(&self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        *lock(&self.ready.waker) = Some(context.waker().clone());
        let woken = mem::take(&mut *lock(&self.ready.bells));
        for bell in woken {
            bell.rung.store(false, Ordering::Release);
            let is_current = |member: &&mut Member<'a>| Arc::ptr_eq(&member.bell, &bell);
            let task = {
                let mut tasks = self.tasks.borrow_mut();
                let member = tasks.get_mut(&bell.name).filter(is_current);
                member.and_then(|member| member.task.take())
            };
            let Some(mut task) = task else {
                continue;
            };
            let waker = Waker::from(Arc::clone(&bell));
            let done = task.as_mut().poll(&mut Context::from_waker(&waker));
            let mut tasks = self.tasks.borrow_mut();
            // It may have been removed or replaced in the meantime.
            if let Some(member) = tasks.get_mut(&bell.name).filter(is_current) {
                if done.is_ready() {
                    tasks.remove(&bell.name);
                } else {
                    member.task = Some(task);
                }
            }
        }
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::http::{Clock as _, Real, block_on, within};

    #[test]
    fn futures_come_and_go() {
        let (clock, sum) = (Real::new(), Cell::new(0));
        let (crowd, short) = (Crowd::default(), Duration::from_millis(1));
        crowd.add("never", std::future::pending());
        for number in 1..=3 {
            let (clock, sum) = (&clock, &sum);
            crowd.add(&number.to_string(), async move {
                clock.sleep(short * number).await;
                sum.set(sum.get() + number);
            });
        }
        crowd.remove("2");
        let ended = async {
            while crowd.names() != ["never"] {
                clock.sleep(short).await;
            }
        };
        let mut ended = std::pin::pin!(ended);
        let mut run = std::pin::pin!(crowd.run());
        let both = poll_fn(|context| {
            let _ = run.as_mut().poll(context);
            ended.as_mut().poll(context)
        });
        let limit = Duration::from_secs(60);
        assert!(block_on(within(&clock, limit, both)).is_some());
        assert_eq!(sum.get(), 4);
    }
}
