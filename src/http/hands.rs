//! Threads for blocking work. Idle ones are kept for a while: an agent asks hundreds of servers a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A piece of work.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// An idle thread ends after this time.
const IDLE: Duration = Duration::from_secs(10);

/// The number of idle threads to keep.
const KEPT: usize = 32;

/// The idle threads, the one that has waited least at the end.
static WAITING: Mutex<Vec<Hand>> = Mutex::new(Vec::new());

/// A thread.
#[derive(Clone)]
struct Hand {
    number: u64,
    orders: Sender<Work>,
}

/// Gives work to a thread; returns it if the system has none.
pub(super) fn give(work: Work) -> Option<Work> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut work = work;
    while let Some(hand) = pop() {
        match hand.orders.send(work) {
            Ok(()) => return None,
            Err(back) => work = back.0,
        }
    }
    let (orders, received) = channel();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let hand = Hand { number, orders };
    // If the thread does not start, its work is still here.
    let first = Arc::new(Mutex::new(Some(work)));
    let taken = Arc::clone(&first);
    let run = move || {
        let work = take(&taken);
        drop(taken);
        if let Some(work) = work {
            obey(work, &hand, &received);
        }
    };
    match thread::Builder::new().spawn(run) {
        Ok(_) => None,
        Err(_) => take(&first),
    }
}

/// Works as long as there is work.
fn obey(first: Work, hand: &Hand, orders: &Receiver<Work>) {
    first();
    loop {
        {
            let mut waiting = waiting();
            if waiting.len() >= KEPT {
                return;
            }
            waiting.push(hand.clone());
        }
        let work = match orders.recv_timeout(IDLE) {
            Ok(work) => Some(work),
            Err(_) if leave(hand) => return,
            // It was chosen at the last moment.
            Err(_) => orders.recv().ok(),
        };
        match work {
            Some(work) => work(),
            None => return,
        }
    }
}

/// Leaves the idle threads; returns false if work is on its way.
fn leave(hand: &Hand) -> bool {
    let mut waiting = waiting();
    let place = waiting.iter().position(|one| one.number == hand.number);
    place.map(|place| waiting.remove(place)).is_some()
}

fn pop() -> Option<Hand> {
    waiting().pop()
}

fn take(work: &Mutex<Option<Work>>) -> Option<Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn waiting() -> MutexGuard<'static, Vec<Hand>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}
