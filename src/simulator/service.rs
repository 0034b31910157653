//! The result of one request: the fault that affects it, and the API's answer.
//!
//! Still without network and clock; [`Delivery`] says what remains to be done on the connection.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::api::Api;
use super::backend::Backend;
use super::fault::{Answer, Effect, FaultError, Faults, Target};
use super::filled::Filled;
use super::filler::Filler;
use super::jobs::Fate;
use super::message::{Request, Response};
use super::moment::Moment;
use super::route::Route;

/// The path for users of a simulator. The real programs do not have it, and faults do not affect it.
pub const CONTROL: &str = "/simulator";

/// A request that was served, in the form of the log.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Served {
    /// The method; empty when the connection was closed before anything was read.
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// The body: as JSON if it is valid JSON, otherwise as text; null if there was none.
    pub body: Value,
    /// The status of the answer; null if there is none.
    pub status: Option<u16>,
    /// The fault that affected it, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The delivery of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Complete.
    Send(Response),
    /// After a while.
    SendAfter(Duration, Response),
    /// With a body shorter than its declared length.
    Truncate(Response),
    /// Not at all; the connection is closed.
    Close,
    /// Not at all; the connection is reset.
    Reset,
    /// Not at all; the connection is reset after a while.
    ResetAfter(Duration),
    /// Not at all; the connection stays open.
    Never,
}

impl Delivery {
    /// The status of the answer, if there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Send(response) | Self::SendAfter(_, response) | Self::Truncate(response) => {
                Some(response.status)
            }
            Self::Close | Self::Reset | Self::ResetAfter(_) | Self::Never => None,
        }
    }
}

/// The identity of a request that is accepted later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// The result of a request for a server that can wait and stream.
#[derive(Debug)]
pub enum Reaction {
    /// It is settled.
    Deliver(Delivery),
    /// It is accepted after this time; its answer is then [`Service::late_answer`].
    Late(Duration, Ticket),
    /// The answer of `/diagnose`, whose body is sent in pieces.
    Stream(Filled),
}

impl From<Response> for Reaction {
    fn from(response: Response) -> Self {
        Self::Deliver(Delivery::Send(response))
    }
}

/// A request that is waiting to be accepted.
#[derive(Debug)]
struct Waiting {
    due: Moment,
    ticket: Ticket,
    request: Request,
}

/// An API with faults.
#[derive(Debug)]
pub struct Service<B> {
    api: Api<B>,
    faults: Faults,
    filler: Option<Filler>,
    waiting: Vec<Waiting>,
    late_answers: BTreeMap<Ticket, Response>,
    tickets: u64,
}

impl<B: Backend> Service<B> {
    /// An API with faults.
    pub fn new(api: Api<B>, faults: Faults) -> Self {
        let mut service = Self {
            api,
            faults: Faults::default(),
            filler: None,
            waiting: Vec::new(),
            late_answers: BTreeMap::new(),
            tickets: 0,
        };
        service.set_faults(faults);
        service
    }

    /// Adds servers to `/diagnose`.
    #[must_use]
    pub fn filled(mut self, filler: Option<Filler>) -> Self {
        self.filler = filler;
        self
    }

    /// Replaces the remaining faults, including those of Barman itself.
    pub fn set_faults(&mut self, mut faults: Faults) {
        self.api.backend().trouble(faults.split_receiver());
        self.faults = faults;
    }

    /// The API.
    pub fn api(&mut self) -> &mut Api<B> {
        &mut self.api
    }

    /// The remaining faults; they can be changed at any time.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Returns the record of a new connection that is closed before anything is read from it.
    pub fn refuse_connection(&mut self) -> Option<Served> {
        let fault = self.faults.take_at_connect()?;
        Some(Served {
            method: String::new(),
            path: String::new(),
            body: Value::Null,
            status: None,
            fault: Some(fault.to_string()),
        })
    }

    /// Serves a request to [`CONTROL`]: a query of the state, or a command.
    pub fn control(&mut self, now: Moment, request: &Request) -> Response {
        self.advance(now);
        let line = String::from_utf8_lossy(&request.body).into_owned();
        let words: Vec<&str> = line.split_whitespace().collect();
        let done = match (request.method.as_str(), words.as_slice()) {
            ("GET", _) => Ok(()),
            (_, ["no-faults"]) => {
                self.set_faults(Faults::default());
                Ok(())
            }
            (_, ["fault", faults]) => faults
                .parse()
                .map(|faults| self.set_faults(faults))
                .map_err(|error: FaultError| error.to_string()),
            (_, words) => self.api.backend().control(now, words),
        };
        match done {
            Ok(()) => Response::json(200, &self.api.backend().state(now)),
            Err(problem) => Response::text(400, problem),
        }
    }

    /// Accepts the requests that are due.
    pub fn advance(&mut self, now: Moment) {
        self.waiting.sort_by_key(|waiting| waiting.due);
        let count = self
            .waiting
            .partition_point(|waiting| waiting.due.elapsed <= now.elapsed);
        for waiting in self.waiting.drain(..count) {
            let response = self.api.handle(waiting.due, &waiting.request);
            self.late_answers.insert(waiting.ticket, response);
        }
    }

    /// The answer to a request that was accepted late; `None` while it is waiting.
    pub fn late_answer(&mut self, now: Moment, ticket: Ticket) -> Option<Response> {
        self.advance(now);
        self.late_answers.remove(&ticket)
    }

    /// Serves one request, for a client that is answered at once or not at all: if its request is accepted later,
    /// the connection is closed.
    pub fn serve(&mut self, now: Moment, request: &Request) -> (Served, Delivery) {
        let (served, reaction) = self.react(now, request);
        let delivery = match reaction {
            Reaction::Deliver(delivery) => delivery,
            Reaction::Late(time, _) => Delivery::ResetAfter(time),
            Reaction::Stream(pieces) => Delivery::Send(Response {
                body: pieces.collect(),
                ..Response::json(200, &Value::Null)
            }),
        };
        (served, delivery)
    }

    /// Serves one request.
    pub fn react(&mut self, now: Moment, request: &Request) -> (Served, Reaction) {
        self.advance(now);
        let route = self.api.route(request);
        let target = Target::of(&request.method, &route);
        let fault = self.faults.take(target, self.api.path(request));
        let effect = fault.as_ref().map_or(Effect::Ok, |fault| fault.effect);
        let reaction = match effect {
            Effect::Late(time) => self.postpone(now, time, request),
            effect => {
                let delivery = self.deliver(now, request, &route, effect);
                match (&delivery, self.filler) {
                    (Delivery::Send(response), Some(filler))
                        if route == Route::Diagnose && response.status == 200 =>
                    {
                        Filled::new(&response.body, filler)
                            .map_or(Reaction::Deliver(delivery), Reaction::Stream)
                    }
                    _ => Reaction::Deliver(delivery),
                }
            }
        };
        let served = Served {
            method: request.method.clone(),
            path: request.path.clone(),
            body: log_body(&request.body),
            status: match &reaction {
                Reaction::Deliver(delivery) => delivery.status(),
                Reaction::Late(..) => None,
                Reaction::Stream(_) => Some(200),
            },
            fault: fault.map(|fault| fault.to_string()),
        };
        (served, reaction)
    }

    fn postpone(&mut self, now: Moment, time: Duration, request: &Request) -> Reaction {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.push(Waiting {
            due: now.later(time),
            ticket,
            request: request.clone(),
        });
        Reaction::Late(time, ticket)
    }

    fn deliver(
        &mut self,
        now: Moment,
        request: &Request,
        route: &Route,
        effect: Effect,
    ) -> Delivery {
        let is_poll = matches!(route, Route::Operation(..));
        let as_if_well = if Target::of(&request.method, route) == Some(Target::Post) {
            202
        } else {
            200
        };
        Delivery::Send(match effect {
            Effect::Ok => self.api.handle(now, request),
            Effect::Refuse => return Delivery::Close,
            Effect::Hang => return Delivery::Never,
            Effect::HangFor(time) | Effect::Late(time) => return Delivery::ResetAfter(time),
            Effect::Reset => return Delivery::Reset,
            Effect::Slow(time) => return Delivery::SendAfter(time, self.api.handle(now, request)),
            Effect::Truncate => return Delivery::Truncate(self.api.handle(now, request)),
            Effect::LostAccept => {
                self.api.handle(now, request);
                return Delivery::Reset;
            }
            Effect::Answer(with) => {
                if with.accepted {
                    self.api.handle(now, request);
                }
                answer(with, request)
            }
            Effect::Garbage => Response::html(as_if_well, "<h1>It works!</h1>\n".to_owned()),
            Effect::Empty => Response::json(as_if_well, &Value::Object(serde_json::Map::new())),
            Effect::Redirect => moved(Response::proxy_page(302), request),
            Effect::Stuck if is_poll => self.api.poll_unfinished(route),
            Effect::Gone if is_poll => Response::not_found("Resource not found"),
            Effect::Stuck => self.api.handle_with(now, request, Fate::Stuck),
            Effect::Gone => self.api.handle_with(now, request, Fate::Gone),
            Effect::Fail => self.api.handle_with(now, request, Fate::Fails),
            Effect::FailDone => self.api.handle_with(now, request, Fate::FailsDone),
        })
    }
}

/// The page of the program that answers with this status: pg-backup-api, or a web server in front of it.
fn answer(with: Answer, request: &Request) -> Response {
    let in_front = if with.nginx {
        Response::nginx
    } else {
        Response::proxy_page
    };
    let response = match with.status {
        404 if !with.nginx => Response::not_found("Resource not found"),
        400 if !with.nginx => Response::bad_request(
            "The browser (or proxy) sent a request that this server could not understand.",
        ),
        500 if !with.nginx => Response::internal_error(),
        status @ 300..=399 => moved(in_front(status), request),
        status => in_front(status),
    };
    match with.retry_after {
        Some(seconds) => response.with_header("Retry-After", seconds.to_string()),
        None => response,
    }
}

fn moved(response: Response, request: &Request) -> Response {
    response.with_header("Location", format!("/moved{}", request.path))
}

fn log_body(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
