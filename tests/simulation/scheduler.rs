//! Virtual time, and the processes that live in it.
//!
//! A process is a future. Whatever it waits for is an event in one queue, and what lies between two events
//! takes no time; so the queue decides who goes on, and when. Killing a process is dropping its future.

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

/// Something that happens.
type Event = Box<dyn FnOnce()>;

/// A process that waits for something.
type Process = Pin<Box<dyn Future<Output = ()>>>;

/// The scheduler of one run.
pub struct Scheduler {
    now: Cell<Duration>,
    /// When, and in which order of those at one time.
    queue: RefCell<BinaryHeap<Reverse<(Duration, u64)>>>,
    events: RefCell<BTreeMap<u64, Event>>,
    numbers: Cell<u64>,
    processes: RefCell<BTreeMap<Pid, Process>>,
    /// Processes that are not dead; also the one that is running just now.
    living: RefCell<BTreeSet<Pid>>,
    random: RefCell<Random>,
    /// How likely a process is killed each time it would go on.
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

    /// Time since the run began.
    pub fn now(&self) -> Duration {
        self.now.get()
    }

    /// Draws from the run's one source of chance.
    pub fn draw<T>(&self, how: impl FnOnce(&mut Random) -> T) -> T {
        how(&mut self.random.borrow_mut())
    }

    pub fn set_deadly(&self, probability: f64) {
        self.deadly.set(probability);
    }

    /// Lets something happen after a while.
    pub fn after(&self, pause: Duration, event: impl FnOnce() + 'static) {
        let number = self.number();
        let at = Reverse((self.now.get() + pause, number));
        self.queue.borrow_mut().push(at);
        self.events.borrow_mut().insert(number, Box::new(event));
    }

    /// A number that nothing else has.
    pub fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// Starts a process; it runs at once, up to where it first waits.
    pub fn start(&self, pid: Pid, process: impl Future<Output = ()> + 'static) {
        self.living.borrow_mut().insert(pid);
        self.processes.borrow_mut().insert(pid, Box::pin(process));
        self.go_on(pid);
    }

    /// How many processes were killed.
    pub fn killed(&self) -> u64 {
        self.killed.get()
    }

    /// Ends a process where it waits. What it has sent goes its way.
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

    /// Ends the run: what waits holds the world, and the world its scheduler, so neither would go by itself.
    pub fn end(&self) {
        drop(self.events.take());
        drop(self.processes.take());
    }
}

/// A place where a process finds what it waits for. It is filled once.
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

    /// Fills it, if nothing else did, and lets the process go on; or kills it just before it can.
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
