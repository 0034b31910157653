//! Progress while a plan is executed: log lines, and a status line on a terminal.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::evaluate::Step;
use crate::execute::{Progress, StepOutcome, StepReport};
use crate::http::{Clock, Heard, Real};
use crate::model::{Name, duration, local_time};
use crate::report::receipt as receipt_line;
use crate::store::{Intent, Receipt, Source, Verdict};

use super::args::LogLevel;
use super::log::{Fields, Log, fields};

/// The interval between two updates of the status line.
const FRAME: Duration = Duration::from_millis(100);

/// The interval at which the log repeats that an operation is still running.
const REMIND: Duration = Duration::from_secs(30);

/// Reports progress to an operator.
pub struct Watch<'a> {
    log: &'a Rc<Log>,
    /// The cluster in the lines, if there are several.
    about: Option<String>,
    source: Cell<Source>,
    clock: Real,
    terminal: bool,
    /// The text of the status line and its start, while something is awaited.
    line: RefCell<Option<(String, Duration)>>,
    frame: Cell<usize>,
    reminded: Cell<Duration>,
}

impl<'a> Watch<'a> {
    /// Reports to this log, and to the terminal if standard error is one.
    pub fn new(log: &'a Rc<Log>) -> Self {
        Self {
            log,
            about: None,
            source: Cell::new(Source::Reconcile),
            clock: Real::new(),
            terminal: io::stderr().is_terminal(),
            line: RefCell::new(None),
            frame: Cell::new(0),
            reminded: Cell::new(Duration::ZERO),
        }
    }

    /// The same for one of several clusters: each line begins with its name, and there is no status line.
    pub fn of_cluster(log: &'a Rc<Log>, cluster: &str) -> Self {
        Self {
            about: Some(cluster.to_owned()),
            terminal: false,
            ..Self::new(log)
        }
    }

    /// Sets the source that a difference is attributed to, in the log and in the state.
    pub fn looks_as(&self, source: Source) {
        self.source.set(source);
    }

    /// The source that a difference is attributed to.
    pub fn source(&self) -> Source {
        self.source.get()
    }

    /// Logs each HTTP exchange, if the level is detailed enough.
    pub fn hears(&self) -> Option<Heard> {
        let log = Rc::clone(self.log);
        log.is_written(LogLevel::Debug)
            .then(|| Rc::new(move |line: &str| log.debug(line)) as Heard)
    }

    /// Reports a step of progress.
    pub fn observe(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Sending { step, attempt } => {
                self.reminded.set(Duration::ZERO);
                let what = step.operation.words();
                self.wait_for(Some(what.clone()));
                let again = if *attempt > 1 {
                    format!(" (attempt {attempt})")
                } else {
                    self.log.forget(&self.thing(&step.rule));
                    String::new()
                };
                let said = format!("sending {what} to {}{again}", step.url);
                let attempt = [("attempt", (*attempt).into())];
                self.step(LogLevel::Info, step, &said, attempt);
            }
            Progress::Waiting { step, reason, wait } => {
                let next = duration::rounded(*wait);
                let said = format!("{reason}; next attempt in {next}");
                let wait = [("wait_seconds", wait.as_secs_f64().into())];
                self.repeat(LogLevel::Warning, step, reason, &said, wait);
            }
            Progress::Accepted { step, id } => {
                let said = format!("created operation {id}");
                let id = [("operation_id", id.as_str().into())];
                self.step(LogLevel::Info, step, &said, id);
            }
            Progress::Found { step, id } => {
                let said = format!("the answer was lost; found operation {id}, waiting for it");
                let id = [("operation_id", id.as_str().into())];
                self.step(LogLevel::Warning, step, &said, id);
            }
            Progress::Running {
                step,
                id,
                elapsed,
                trouble,
            } => self.running(step, id, *elapsed, *trouble),
            Progress::Verifying { step, waiting_for } => match waiting_for {
                None => self.step(LogLevel::Debug, step, "verifying", []),
                Some(what) => {
                    self.repeat(LogLevel::Info, step, what, &format!("waiting: {what}"), []);
                }
            },
            Progress::Resuming { intent } => {
                let Intent { event, role, .. } = intent;
                let what = intent.step.operation.words();
                let at = local_time(intent.created);
                let said = format!("resuming {what} from {event} {role} at {at}");
                let id = [("intent", intent.id.0.into())];
                self.step(LogLevel::Info, &intent.step, &said, id);
            }
            Progress::Earlier { step, intent } => {
                let id = intent.operation_id.as_ref();
                let id = id.map_or_else(String::new, |id| format!(" (operation {id})"));
                let said = format!(
                    "an earlier recovery into the same directory may still run{id}; waiting for its end"
                );
                self.step(LogLevel::Warning, step, &said, []);
            }
            Progress::Correcting { step, member, what } => self.correcting(step, *member, what),
            Progress::Stalled {
                step,
                id,
                intent,
                unchanged,
            } => {
                let said = format!(
                    "operation {id} is in progress, and nothing has changed in its destination for {} minutes; if it no \
                     longer runs on the Barman host, give it up with `patroni_barman forget {}`",
                    unchanged.as_secs() / 60,
                    intent.0
                );
                let id = [("operation_id", id.as_str().into())];
                self.step(LogLevel::Warning, step, &said, id);
            }
            Progress::Doubt { step, message } => {
                self.step(LogLevel::Warning, step, message, []);
            }
            Progress::Undecided { reason } => {
                let said = format!(
                    "{reason}; the event is kept, and the next callback or `reconcile` decides it"
                );
                self.tell(LogLevel::Error, &said, Fields::new());
            }
            Progress::StateTrouble { message } => {
                let said = format!("{message}; continuing without it");
                self.tell(LogLevel::Error, &said, Fields::new());
            }
            Progress::Receipt { receipt } => self.judged(receipt),
            Progress::Settled { report, .. } => self.settled(report),
        }
    }

    fn correcting(&self, step: &Step, member: Option<&str>, what: &str) {
        let by = match self.source.get() {
            Source::Callback | Source::SecondLook => "second look",
            source => source.as_str(),
        };
        let member = member.map_or_else(String::new, |member| format!(" (for `{member}`)"));
        let said = format!("{what}{member}; sending the request");
        let source = [("source", self.source.get().as_str().into())];
        let (said, fields) = Self::about(step, &said, source);
        self.tell(LogLevel::Warning, &format!("{by}: {said}"), fields);
    }

    fn running(&self, step: &Step, id: &Name, elapsed: Duration, trouble: Option<&str>) {
        let more = [("operation_id", id.as_str().into())];
        match trouble {
            Some(trouble) => {
                let said = format!("operation {id} can't be polled, trying again: {trouble}");
                self.repeat(LogLevel::Warning, step, trouble, &said, more);
            }
            None if elapsed >= self.reminded.get() + REMIND => {
                self.reminded.set(elapsed);
                let elapsed = elapsed.as_secs();
                let said = format!("operation {id} is in progress, {elapsed} s so far");
                self.step(LogLevel::Info, step, &said, more);
            }
            None => {
                let said = format!("operation {id} is in progress");
                self.step(LogLevel::Debug, step, &said, more);
            }
        }
    }

    fn judged(&self, receipt: &Receipt) {
        let text = receipt_line(receipt);
        let level = match receipt.verdict {
            Verdict::Gap { .. } if receipt.needs_backup() => LogLevel::Error,
            _ if receipt.needs_backup() => LogLevel::Warning,
            _ => LogLevel::Info,
        };
        let more = fields([
            ("api", receipt.api.0.clone().into()),
            ("server", receipt.server.as_str().into()),
            ("verdict", receipt.verdict.as_str().into()),
        ]);
        self.tell(level, &text, more);
    }

    fn settled(&self, report: &StepReport) {
        self.wait_for(None);
        self.log.forget(&self.thing(&report.rule));
        let (level, said) = match (&report.message, report.outcome) {
            (Some(warning), StepOutcome::Done) => (LogLevel::Warning, warning.clone()),
            (None, StepOutcome::Done) => {
                let time = duration::rounded(report.duration);
                (LogLevel::Info, format!("done after {time}"))
            }
            (message, _) => {
                let message = message.as_deref().unwrap_or("not done");
                (LogLevel::Error, message.to_owned())
            }
        };
        let id = report.operation_id.as_ref();
        let fields = fields([
            ("rule", report.rule.clone().into()),
            ("request", report.request.body.kind().as_str().into()),
            ("operation_id", id.map(Name::as_str).into()),
            (
                "outcome",
                serde_json::to_value(report.outcome).unwrap_or_default(),
            ),
            ("attempts", report.attempts.into()),
            ("duration_seconds", report.duration.as_secs_f64().into()),
        ]);
        let said = format!("rule `{}`: {said}", report.rule);
        self.tell(level, &said, fields);
    }

    fn tell(&self, level: LogLevel, said: &str, more: Fields) {
        let (said, more) = self.line(said, more);
        self.log.tell(level, &said, &more);
    }

    /// A line with the cluster's name, if there are several.
    fn line(&self, said: &str, mut more: Fields) -> (String, Fields) {
        let Some(cluster) = &self.about else {
            return (said.to_owned(), more);
        };
        more.extend(fields([("cluster", cluster.clone().into())]));
        (format!("{cluster}: {said}"), more)
    }

    /// The rule of this cluster, as the subject of a continuing condition.
    fn thing(&self, rule: &str) -> String {
        format!("{} {rule}", self.about.as_deref().unwrap_or_default())
    }

    /// A line about a step.
    fn about<const N: usize>(
        step: &Step,
        said: &str,
        more: [(&str, Value); N],
    ) -> (String, Fields) {
        let mut all = fields([
            ("rule", step.rule.clone().into()),
            ("request", step.operation.kind().as_str().into()),
            ("api", step.api.0.clone().into()),
            ("server", step.operation.server().map(Name::as_str).into()),
        ]);
        all.extend(fields(more));
        (format!("rule `{}`: {said}", step.rule), all)
    }

    fn step<const N: usize>(
        &self,
        level: LogLevel,
        step: &Step,
        said: &str,
        more: [(&str, Value); N],
    ) {
        let (said, fields) = Self::about(step, said, more);
        self.tell(level, &said, fields);
    }

    fn repeat<const N: usize>(
        &self,
        level: LogLevel,
        step: &Step,
        reason: &str,
        said: &str,
        more: [(&str, Value); N],
    ) {
        let (said, fields) = Self::about(step, said, more);
        let (said, fields) = self.line(&said, fields);
        self.log
            .repeat(&self.thing(&step.rule), reason, level, &said, &fields);
    }

    fn wait_for(&self, what: Option<String>) {
        self.clear();
        *self.line.borrow_mut() = what.map(|what| (what, self.clock.now()));
    }

    /// Draws the status line. Log lines appear above it: each first clears it.
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
