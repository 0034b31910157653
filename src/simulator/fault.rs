//! Faults on request: which requests they affect, and how often.

mod parse;

use std::fmt;
use std::time::Duration;

use super::route::Route;

pub use parse::FaultError;

/// The requests that a fault affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `GET /status`
    Status,
    /// Creating an operation.
    Post,
    /// Asking for one operation.
    Poll,
    /// Listing operations.
    List,
    /// `GET /diagnose`
    Diagnose,
    /// Every request.
    Any,
    /// Not a request: a start of Barman's WAL receiver.
    Receiver,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Post,
        Self::Poll,
        Self::List,
        Self::Diagnose,
        Self::Any,
        Self::Receiver,
    ];

    /// Its name in a fault.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Post => "post",
            Self::Poll => "poll",
            Self::List => "list",
            Self::Diagnose => "diagnose",
            Self::Any => "any",
            Self::Receiver => "receiver",
        }
    }

    /// The target of a request, if a fault can name it.
    pub fn of(method: &str, route: &Route) -> Option<Self> {
        match (method, route) {
            ("POST", Route::Operations(_)) => Some(Self::Post),
            (_, Route::Status) => Some(Self::Status),
            (_, Route::Operation(..)) => Some(Self::Poll),
            (_, Route::Operations(_)) => Some(Self::List),
            (_, Route::Diagnose) => Some(Self::Diagnose),
            (_, Route::Unknown) => None,
        }
    }
}

/// The place at which a fault occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At requests of this kind.
    Kind(Target),
    /// At requests to a path or below it.
    Path(String),
}

impl Place {
    fn is_of(&self, target: Option<Target>, path: &str, effect: &Effect) -> bool {
        match self {
            Self::Kind(Target::Any) => target.is_none_or(|target| effect.fits(target)),
            Self::Kind(kind) => Some(*kind) == target,
            Self::Path(start) => {
                let below = path.strip_prefix(start.trim_end_matches('/'));
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
                    && target.is_none_or(|target| effect.fits(target))
            }
        }
    }
}

/// The effect on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// None: it is served. This lets some requests pass before another fault begins.
    Ok,
    /// The connection is closed without an answer.
    Refuse,
    /// It is never answered.
    Hang,
    /// It is not answered, and after this time the connection is reset: gunicorn does this to a
    /// worker that hangs.
    HangFor(Duration),
    /// It is executed at once and answered later.
    Slow(Duration),
    /// The connection is reset without an answer.
    Reset,
    /// It is executed, and the answer is truncated.
    Truncate,
    /// It is accepted this much later, even if its client no longer waits.
    Late(Duration),
    /// It is answered with a status, and normally not executed.
    Answer(Answer),
    /// It is answered as a success, with something that is not JSON, and not executed.
    Garbage,
    /// It is answered as a success, with an empty JSON object, and not executed.
    Empty,
    /// A post: the operation never ends. A poll: the answer is `IN_PROGRESS`.
    Stuck,
    /// A post: the operation is executed but never found again. A poll: the answer is 404.
    Gone,
    /// The operation that a post creates ends as `FAILED` without an effect. A start of the receiver fails.
    Fail,
    /// The operation that a post creates has its effect, and ends as `FAILED`.
    FailDone,
    /// It is executed, then the connection is reset without an answer.
    LostAccept,
    /// It is answered with a redirect and not executed.
    Redirect,
}

/// An answer with nothing but a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The `Retry-After` header, in seconds.
    pub retry_after: Option<u64>,
    /// True if the request is executed anyway.
    pub accepted: bool,
    /// True if the answer comes from a web server in front, whatever the status.
    pub nginx: bool,
}

impl Effect {
    /// Returns true if it can affect requests of this kind.
    pub fn fits(&self, target: Target) -> bool {
        if target == Target::Receiver {
            return matches!(self, Self::Ok | Self::Fail | Self::Slow(_));
        }
        match self {
            Self::Stuck | Self::Gone => matches!(target, Target::Post | Target::Poll | Target::Any),
            Self::Fail | Self::FailDone => matches!(target, Target::Post | Target::Any),
            _ => true,
        }
    }
}

/// The number of times a fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Every time.
    Always,
    /// This many more times.
    Times(u32),
}

/// One `WHERE:WHAT[*COUNT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The affected requests.
    pub place: Place,
    /// The effect on them.
    pub effect: Effect,
    /// The number of times.
    pub count: Count,
    /// `WHERE:WHAT` as written.
    text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// All faults of a simulator, with the remaining count of each. The first one that affects a request and is not used up
/// takes effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    /// Appends the faults of another list.
    pub fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
    }

    /// Uses up one count of the fault that affects a request, and returns it.
    pub fn take(&mut self, target: Option<Target>, path: &str) -> Option<Fault> {
        self.take_where(|fault| fault.place.is_of(target, path, &fault.effect))
    }

    /// Uses up one count of the fault that affects a connection before anything is read from it, and returns it.
    pub fn take_at_connect(&mut self) -> Option<Fault> {
        let mut left = self
            .faults
            .iter()
            .filter(|fault| fault.count != Count::Times(0));
        let next = left.next()?;
        let refuses = next.place == Place::Kind(Target::Any) && next.effect == Effect::Refuse;
        refuses.then(|| self.take_where(|_| true))?
    }

    /// Removes the faults of Barman's receiver, which affect no request.
    pub(super) fn split_receiver(&mut self) -> Self {
        let (receiver, requests) = std::mem::take(&mut self.faults)
            .into_iter()
            .partition(|fault| fault.place == Place::Kind(Target::Receiver));
        self.faults = requests;
        Self { faults: receiver }
    }

    fn take_where(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = self.faults.iter_mut();
        let fault = faults.find(|fault| fault.count != Count::Times(0) && matches(fault))?;
        if let Count::Times(left) = &mut fault.count {
            *left = left.saturating_sub(1);
        }
        Some(fault.clone())
    }
}
