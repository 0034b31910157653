//! What goes wrong on request: which fault meets which request, and how often.

mod parse;

use std::fmt;
use std::time::Duration;

use super::route::Route;

pub use parse::FaultError;

/// The requests that a fault is for.
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
    /// No request: a start of Barman's WAL receiver.
    Receiver,
}

impl Target {
    /// Every word there is for a target.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Post,
        Self::Poll,
        Self::List,
        Self::Diagnose,
        Self::Any,
        Self::Receiver,
    ];

    /// Its word in a fault.
    #[must_use]
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

    /// What a request is, if it is one that a fault can name.
    #[must_use]
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

/// Where a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At requests of one kind.
    Kind(Target),
    /// At requests to a path and what lies below it.
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

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is served. It lets requests by before another fault begins.
    Ok,
    /// The connection is closed without an answer.
    Refuse,
    /// It is never answered.
    Hang,
    /// It is not answered, and after that time the connection is reset: what gunicorn does to a
    /// worker that does not come back.
    HangFor(Duration),
    /// It is performed at once and answered later.
    Slow(Duration),
    /// The connection is reset without an answer.
    Reset,
    /// It is performed, and the answer breaks off.
    Truncate,
    /// It is taken up that much later, whether or not its client still waits.
    Late(Duration),
    /// It is answered with a status, and as a rule not performed.
    Answer(Answer),
    /// It is answered as if it went well, with something that isn't JSON, and not performed.
    Garbage,
    /// It is answered as if it went well, with an empty JSON object, and not performed.
    Empty,
    /// A post: the operation never ends. A poll: the answer is `IN_PROGRESS`.
    Stuck,
    /// A post: the operation is performed and never found again. A poll: the answer is 404.
    Gone,
    /// The operation that a post creates ends `FAILED` and has changed nothing. A start of the receiver fails.
    Fail,
    /// The operation that a post creates does what it is for, and ends `FAILED`.
    FailDone,
    /// It is performed, then the connection is reset without an answer.
    LostAccept,
    /// It is answered with a redirect and not performed.
    Redirect,
}

/// An answer that is nothing but a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The `Retry-After` header, in seconds.
    pub retry_after: Option<u64>,
    /// Whether the request is performed all the same.
    pub accepted: bool,
    /// Whether a web server in front answers, whatever the status.
    pub nginx: bool,
}

impl Effect {
    /// Whether it can happen to that kind of request.
    #[must_use]
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

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Every time.
    Always,
    /// This many times more.
    Times(u32),
}

/// One `WHERE:WHAT[*COUNT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which requests it is for.
    pub place: Place,
    /// What happens to them.
    pub effect: Effect,
    /// How often.
    pub count: Count,
    /// `WHERE:WHAT` as it was written.
    text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// All faults of a simulator, with what is left of each. The first that is for a request and has something left
/// happens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    /// Appends the faults of another list.
    pub fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
    }

    /// The fault that meets a request, used up by one.
    pub fn take(&mut self, target: Option<Target>, path: &str) -> Option<Fault> {
        self.take_where(|fault| fault.place.is_of(target, path, &fault.effect))
    }

    /// The fault that meets a connection before anything is read from it, used up by one.
    pub fn take_at_connect(&mut self) -> Option<Fault> {
        let is_first = |fault: &Fault| {
            fault.place == Place::Kind(Target::Any) && fault.effect == Effect::Refuse
        };
        let mut left = self
            .faults
            .iter()
            .filter(|fault| fault.count != Count::Times(0));
        if left.next().is_some_and(is_first) {
            return self.take_where(|_| true);
        }
        None
    }

    /// Takes out the faults of Barman's receiver, which no request meets.
    #[must_use]
    pub fn split_receiver(&mut self) -> Self {
        let (receiver, requests) = std::mem::take(&mut self.faults)
            .into_iter()
            .partition(|fault| fault.place == Place::Kind(Target::Receiver));
        self.faults = requests;
        Self { faults: receiver }
    }

    fn take_where(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let fault = self
            .faults
            .iter_mut()
            .find(|fault| fault.count != Count::Times(0) && matches(fault))?;
        if let Count::Times(left) = &mut fault.count {
            *left = left.saturating_sub(1);
        }
        Some(fault.clone())
    }
}
