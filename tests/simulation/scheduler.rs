//! Virtual time, and the processes in it.
//!
//! A process is a future. Everything it waits for is an event in one queue, and the work between two events
//! takes no time; so the queue determines which process continues, and when. Killing a process means dropping its future.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::random::Random;

/// A process, numbered from 1 in the order of their starts.
pub type Pid = u64;

/// An action at a point in time.
type Event = Box<dyn FnOnce()>;

/// A process that is waiting.
type Process = Pin<Box<dyn Future<Output = ()>>>;

pub struct Scheduler {
    now: Cell<Duration>,
    /// The times of events, and their order at the same time.
    queue: RefCell<BinaryHeap<Reverse<(Duration, u64)>>>,
    events: RefCell<BTreeMap<u64, Event>>,
    numbers: Cell<u64>,
    processes: RefCell<BTreeMap<Pid, Process>>,
    /// Processes that are not dead, including the one that is running.
    living: RefCell<BTreeSet<Pid>>,
    random: RefCell<Random>,
    /// The probability that a process is killed each time it would continue.
    deadly: Cell<f64>,
    killed: Cell<u64>,
}

impl Scheduler {
    pub fn new(seed: u64) -> Self {
        Self {
            now: Cell::default(),
            queue: RefCell::default(),
            events: RefCell::default(),
            numbers: Cell::default(),
            processes: RefCell::default(),
            living: RefCell::default(),
            random: RefCell::new(Random::new(seed)),
            deadly: Cell::default(),
            killed: Cell::default(),
        }
    }

    /// The time since the run began.
    pub fn now(&self) -> Duration {
        self.now.get()
    }

    /// Draws from the run's single source of randomness.
    pub fn draw<T>(&self, how: impl FnOnce(&mut Random) -> T) -> T {
        how(&mut self.random.borrow_mut())
    }

    pub fn set_deadly(&self, probability: f64) {
        self.deadly.set(probability);
    }

    /// Schedules an event.
    pub fn after(&self, pause: Duration, event: impl FnOnce() + 'static) {
        let number = self.number();
        let at = Reverse((self.now.get() + pause, number));
        self.queue.borrow_mut().push(at);
        self.events.borrow_mut().insert(number, Box::new(event));
    }

    /// A unique number.
    pub fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// Starts a process; it runs at once, up to its first wait.
    pub fn start(&self, pid: Pid, process: impl Future<Output = ()> + 'static) {
        self.living.borrow_mut().insert(pid);
        self.processes.borrow_mut().insert(pid, Box::pin(process));
        self.go_on(pid);
    }

    /// The number of killed processes.
    pub fn killed(&self) -> u64 {
        self.killed.get()
    }

    /// Ends a process where it waits. Requests that it has sent are still delivered.
    pub fn kill(&self, pid: Pid) {
        if !self.living.borrow_mut().remove(&pid) {
            return;
        }
        self.killed.set(self.killed.get() + 1);
        let process = self.processes.borrow_mut().remove(&pid);
        drop(process);
    }

    pub fn is_alive(&self, pid: Pid) -> bool {
        self.living.borrow().contains(&pid)
    }

    fn go_on(&self, pid: Pid) {
        let Some(mut process) = self.processes.borrow_mut().remove(&pid) else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        match process.as_mut().poll(&mut context) {
            Poll::Ready(()) => {
                self.living.borrow_mut().remove(&pid);
            }
            Poll::Pending => {
                self.processes.borrow_mut().insert(pid, process);
            }
        }
    }

    /// Runs until this time.
    pub fn run_until(&self, end: Duration) {
        loop {
            let next = self.queue.borrow().peek().map(|Reverse(next)| *next);
            let Some((at, number)) = next.filter(|(at, _)| *at <= end) else {
                break;
            };
            self.queue.borrow_mut().pop();
            self.now.set(at);
            let event = self.events.borrow_mut().remove(&number);
            if let Some(event) = event {
                event();
            }
        }
        self.now.set(end);
    }

    /// Ends the run: waiting processes hold the world, and the world holds its scheduler, so neither would be dropped.
    pub fn end(&self) {
        drop(self.events.take());
        drop(self.processes.take());
    }
}

/// The place where a process receives the result that it waits for. It is filled once.
pub struct Slot<T> {
    scheduler: Rc<Scheduler>,
    pid: Pid,
    state: Rc<RefCell<State<T>>>,
}

enum State<T> {
    Empty,
    Filled(T),
    Taken,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self {
            scheduler: Rc::clone(&self.scheduler),
            pid: self.pid,
            state: Rc::clone(&self.state),
        }
    }
}

impl<T: 'static> Slot<T> {
    pub fn new(scheduler: &Rc<Scheduler>, pid: Pid) -> Self {
        Self {
            scheduler: Rc::clone(scheduler),
            pid,
            state: Rc::new(RefCell::new(State::Empty)),
        }
    }

    /// Fills it, if it is still empty, and lets the process continue; or kills the process just before.
    pub fn fill(&self, value: T) {
        let is_empty = matches!(*self.state.borrow(), State::Empty);
        if !is_empty || !self.scheduler.is_alive(self.pid) {
            return;
        }
        *self.state.borrow_mut() = State::Filled(value);
        let deadly = self.scheduler.deadly.get();
        if deadly > 0.0 && self.scheduler.draw(|random| random.chance(deadly)) {
            self.scheduler.kill(self.pid);
        } else {
            self.scheduler.go_on(self.pid);
        }
    }

    /// Fills it after a while.
    pub fn fill_after(&self, pause: Duration, value: T) {
        let slot = self.clone();
        self.scheduler.after(pause, move || slot.fill(value));
    }

    /// Waits until it is filled.
    pub async fn wait(self) -> T {
        poll_fn(|_| {
            let mut state = self.state.borrow_mut();
            match std::mem::replace(&mut *state, State::Taken) {
                State::Filled(value) => Poll::Ready(value),
                before => {
                    *state = before;
                    Poll::Pending
                }
            }
        })
        .await
    }
}
