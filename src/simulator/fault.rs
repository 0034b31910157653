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
}

impl Target {
    /// Every word there is for a target.
    pub const ALL: [Self; 6] = [
        Self::Status,
        Self::Post,
        Self::Poll,
        Self::List,
        Self::Diagnose,
        Self::Any,
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
    /// It is answered with this status and not performed.
    Answer {
        /// The status.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// It is answered as if it went well, with something that isn't JSON, and not performed.
    Garbage,
    /// It is answered as if it went well, with an empty JSON object, and not performed.
    Empty,
    /// A post: the operation never ends. A poll: the answer is `IN_PROGRESS`.
    Stuck,
    /// A post: the operation is performed and never found again. A poll: the answer is 404.
    Gone,
    /// The operation that a post creates ends `FAILED`.
    Fail,
    /// It is performed, then the connection is reset without an answer.
    LostAccept,
    /// It is answered with a redirect and not performed.
    Redirect,
}

impl Effect {
    /// Whether it can happen to that kind of request.
    #[must_use]
    pub fn fits(&self, target: Target) -> bool {
        match self {
            Self::Stuck | Self::Gone => matches!(target, Target::Post | Target::Poll | Target::Any),
            Self::Fail => matches!(target, Target::Post | Target::Any),
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
    pub target: Target,
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
    pub fn take(&mut self, target: Option<Target>) -> Option<Fault> {
        self.take_where(|fault| {
            fault.target == Target::Any && target.is_none_or(|target| fault.effect.fits(target))
                || Some(fault.target) == target
        })
    }

    /// The fault that meets a connection before anything is read from it, used up by one.
    pub fn take_at_connect(&mut self) -> Option<Fault> {
        let first = self
            .faults
            .iter()
            .find(|fault| fault.count != Count::Times(0));
        if first.is_some_and(|fault| fault.target == Target::Any && fault.effect == Effect::Refuse)
        {
            return self.take_where(|_| true);
        }
        None
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
