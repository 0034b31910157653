//! What is shown while a plan is carried out: log lines, and on a terminal a line that moves.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::execute::{Progress, StepOutcome};
use crate::http::{Clock, Real};
use crate::model::duration;
use crate::report::{describe, receipt as receipt_line};
use crate::store::{Receipt, Verdict};

use super::log::Log;

/// How often the moving line is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// How often a log says that an operation is still running.
const REMIND: Duration = Duration::from_secs(30);

/// The log, for lines about one cluster if there are many.
struct Voice<'a> {
    log: &'a Log,
    about: Option<String>,
}

impl Voice<'_> {
    fn line(&self, message: &str) -> String {
        match &self.about {
            Some(cluster) => format!("{cluster}: {message}"),
            None => message.to_owned(),
        }
    }

    fn debug(&self, message: &str) {
        self.log.debug(&self.line(message));
    }

    fn info(&self, message: &str) {
        self.log.info(&self.line(message));
    }

    fn warning(&self, message: &str) {
        self.log.warning(&self.line(message));
    }

    fn error(&self, message: &str) {
        self.log.error(&self.line(message));
    }
}

/// Tells an operator what happens.
pub struct Watch<'a> {
    log: Voice<'a>,
    clock: Real,
    terminal: bool,
    /// What the moving line says, while there is something to wait for.
    line: RefCell<Option<(String, Duration)>>,
    frame: Cell<usize>,
    reminded: Cell<Duration>,
}

impl<'a> Watch<'a> {
    /// Writes to this log, and to the terminal if standard error is one.
    #[must_use]
    pub fn new(log: &'a Log) -> Self {
        Self {
            log: Voice { log, about: None },
            clock: Real::new(),
            terminal: io::stderr().is_terminal(),
            line: RefCell::new(None),
            frame: Cell::new(0),
            reminded: Cell::new(Duration::ZERO),
        }
    }

    /// The same for one of many clusters: each line begins with its name, and nothing moves.
    pub fn of_cluster(log: &'a Log, cluster: &str) -> Self {
        let about = Some(cluster.to_owned());
        Self {
            log: Voice { log, about },
            terminal: false,
            ..Self::new(log)
        }
    }

    /// Takes note of what happens.
    pub fn observe(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Sending { step, attempt } => {
                self.reminded.set(Duration::ZERO);
                let what = describe(&step.operation);
                self.wait_for(Some(what.clone()));
                let again = if *attempt > 1 {
                    format!(" (attempt {attempt})")
                } else {
                    String::new()
                };
                self.log.info(&format!(
                    "rule `{}`: sending {what} to {}{again}",
                    step.rule, step.url
                ));
            }
            Progress::Waiting { step, reason, wait } => {
                let (rule, wait) = (&step.rule, duration::format(*wait));
                self.log
                    .warning(&format!("rule `{rule}`: {reason}; next attempt in {wait}"));
            }
            Progress::Accepted { step, id } => {
                self.log
                    .info(&format!("rule `{}`: created operation {id}", step.rule));
            }
            Progress::Found { step, id } => self.log.warning(&format!(
                "rule `{}`: the answer was lost; found operation {id}, waiting for it",
                step.rule
            )),
            Progress::Running {
                step,
                id,
                elapsed,
                trouble,
            } => match trouble {
                Some(trouble) => self.log.warning(&format!(
                    "rule `{}`: operation {id} can't be asked for, going on: {trouble}",
                    step.rule
                )),
                None if *elapsed >= self.reminded.get() + REMIND => {
                    self.reminded.set(*elapsed);
                    let elapsed = elapsed.as_secs();
                    self.log.info(&format!(
                        "rule `{}`: operation {id} is in progress, {elapsed} s so far",
                        step.rule
                    ));
                }
                None => self.log.debug(&format!(
                    "rule `{}`: operation {id} is in progress",
                    step.rule
                )),
            },
            Progress::Verifying { step, waiting_for } => match waiting_for {
                None => self.log.debug(&format!("rule `{}`: verifying", step.rule)),
                Some(what) => self
                    .log
                    .info(&format!("rule `{}`: waiting: {what}", step.rule)),
            },
            Progress::Resuming { intent } => self.log.info(&format!(
                "rule `{}`: going on with {} of {} {}, decided earlier",
                intent.step.rule,
                describe(&intent.step.operation),
                intent.event,
                intent.role
            )),
            Progress::Earlier { step, intent } => self.log.warning(&format!(
                "rule `{}`: an earlier recovery into the same directory may still run{}; waiting for its end",
                step.rule,
                intent.operation_id.as_ref().map_or_else(String::new, |id| format!(" (operation {id})"))
            )),
            Progress::Stalled { .. } => self.log.warning(&stalled(progress)),
            Progress::Doubt { step, message } => {
                self.log.warning(&format!("rule `{}`: {message}", step.rule));
            }
            Progress::Undecided { reason } => self.log.error(&format!(
                "{reason}; the event is kept, and the next callback or `reconcile` decides it"
            )),
            Progress::StateTrouble { message } => {
                self.log.error(&format!("{message}; going on without it"));
            }
            Progress::Receipt { receipt } => self.judged(receipt),
            Progress::Settled { report } => {
                self.wait_for(None);
                let time = format!("{:.2} s", report.duration.as_secs_f64());
                match (&report.message, report.outcome) {
                    (Some(warning), StepOutcome::Done) => {
                        self.log.warning(&format!("rule `{}`: {warning}", report.rule));
                    }
                    (_, StepOutcome::Done) => {
                        self.log
                            .info(&format!("rule `{}`: done after {time}", report.rule));
                    }
                    (message, _) => self.log.error(&format!(
                        "rule `{}`: {}",
                        report.rule,
                        message.as_deref().unwrap_or("not done")
                    )),
                }
            }
        }
    }

    fn judged(&self, receipt: &Receipt) {
        let text = receipt_line(receipt);
        match receipt.verdict {
            Verdict::Gap { .. } if receipt.needs_backup() => self.log.error(&text),
            _ if receipt.needs_backup() => self.log.warning(&text),
            _ => self.log.info(&text),
        }
    }

    fn wait_for(&self, what: Option<String>) {
        self.clear();
        *self.line.borrow_mut() = what.map(|what| (what, self.clock.now()));
    }

    /// Draws the moving line. Log lines come above it: each clears it first by ending it.
    fn draw(&self) {
        if let Some((what, since)) = &*self.line.borrow() {
            let frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
            let frame = frames.get(self.frame.get() % frames.len()).unwrap_or(&"");
            self.frame.set(self.frame.get() + 1);
            let elapsed = self.clock.now().saturating_sub(*since).as_secs();
            let _ = write!(io::stderr(), "\r\x1b[K{frame} {what}, {elapsed} s");
        }
    }

    fn clear(&self) {
        if self.terminal && self.line.borrow().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Clock for Watch<'_> {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn wall(&self) -> Duration {
        self.clock.wall()
    }

    fn random(&self) -> f64 {
        self.clock.random()
    }

    async fn sleep(&self, duration: Duration) {
        if !self.terminal {
            return self.clock.sleep(duration).await;
        }
        let end = self.clock.now() + duration;
        loop {
            let left = end.saturating_sub(self.clock.now());
            if left.is_zero() {
                break;
            }
            self.draw();
            self.clock.sleep(left.min(FRAME)).await;
        }
        self.clear();
    }
}

/// Says that a recovery may never end, and how to give it up.
fn stalled(progress: &Progress<'_>) -> String {
    let Progress::Stalled {
        step,
        id,
        intent,
        unchanged,
    } = progress
    else {
        return String::new();
    };
    format!(
        "rule `{}`: operation {id} is in progress, and nothing has changed in its destination for {} minutes; if it no longer \
         runs on the Barman host, give it up with `patroni_barman forget {}`",
        step.rule,
        unchanged.as_secs() / 60,
        intent.0
    )
}
