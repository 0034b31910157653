//! What becomes of one request: the fault that meets it, and what the API makes of it.
//!
//! Still without network and clock; what is left to do on the wire is said by [`Delivery`].

use std::time::Duration;

use serde_json::Value;

use super::api::Api;
use super::backend::Backend;
use super::fault::{Effect, Faults, Target};
use super::jobs::Fate;
use super::message::{Request, Response};
use super::moment::Moment;
use super::route::Route;

/// A request that was served, as the log shows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Served {
    /// The method; empty when the connection was closed before anything was read.
    pub method: String,
    /// The path with its query, as it was sent.
    pub path: String,
    /// The body: JSON if it is that, else text; null if there was none.
    pub body: Value,
    /// The status of the answer; null if there is none.
    pub status: Option<u16>,
    /// The fault that met it, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// How the answer goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// As it is.
    Send(Response),
    /// After a while.
    SendAfter(Duration, Response),
    /// With less of a body than its length says.
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
    fn status(&self) -> Option<u16> {
        match self {
            Self::Send(response) | Self::SendAfter(_, response) | Self::Truncate(response) => {
                Some(response.status)
            }
            Self::Close | Self::Reset | Self::ResetAfter(_) | Self::Never => None,
        }
    }
}

/// An API that things go wrong with.
#[derive(Debug)]
pub struct Service<B> {
    api: Api<B>,
    faults: Faults,
}

impl<B: Backend> Service<B> {
    /// An API with faults.
    pub fn new(api: Api<B>, faults: Faults) -> Self {
        Self { api, faults }
    }

    /// The API.
    pub fn api(&mut self) -> &mut Api<B> {
        &mut self.api
    }

    /// The faults that are left; they can be changed at any time.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Whether a new connection is closed before anything is read from it.
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

    /// Serves one request.
    pub fn serve(&mut self, now: Moment, request: &Request) -> (Served, Delivery) {
        let route = self.api.route(request);
        let target = Target::of(&request.method, &route);
        let fault = self.faults.take(target);
        let effect = fault.as_ref().map_or(Effect::Ok, |fault| fault.effect);
        let delivery = self.deliver(now, request, &route, effect);
        let served = Served {
            method: request.method.clone(),
            path: request.path.clone(),
            body: log_body(&request.body),
            status: delivery.status(),
            fault: fault.map(|fault| fault.to_string()),
        };
        (served, delivery)
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
            Effect::HangFor(time) => return Delivery::ResetAfter(time),
            Effect::Reset => return Delivery::Reset,
            Effect::Slow(time) => return Delivery::SendAfter(time, self.api.handle(now, request)),
            Effect::Truncate => return Delivery::Truncate(self.api.handle(now, request)),
            Effect::LostAccept => {
                self.api.handle(now, request);
                return Delivery::Reset;
            }
            Effect::Answer {
                status,
                retry_after,
            } => answer(status, retry_after, request),
            Effect::Garbage => Response::html(as_if_well, "<h1>It works!</h1>\n".to_owned()),
            Effect::Empty => Response::json(as_if_well, &Value::Object(serde_json::Map::new())),
            Effect::Redirect => {
                Response::proxy_page(302).with_header("Location", format!("/moved{}", request.path))
            }
            Effect::Stuck if is_poll => self.api.poll_unfinished(route),
            Effect::Gone if is_poll => Response::not_found("Resource not found"),
            Effect::Stuck => self.api.handle_with(now, request, Fate::Stuck),
            Effect::Gone => self.api.handle_with(now, request, Fate::Gone),
            Effect::Fail => self.api.handle_with(now, request, Fate::Fails),
        })
    }
}

/// The page that whoever answers with that status sends: pg-backup-api, or a web server in front of it.
fn answer(status: u16, retry_after: Option<u64>, request: &Request) -> Response {
    let response = match status {
        404 => Response::not_found("Resource not found"),
        400 => Response::bad_request(
            "The browser (or proxy) sent a request that this server could not understand.",
        ),
        500 => Response::internal_error(),
        300..=399 => {
            Response::proxy_page(status).with_header("Location", format!("/moved{}", request.path))
        }
        _ => Response::proxy_page(status),
    };
    match retry_after {
        Some(seconds) => response.with_header("Retry-After", seconds.to_string()),
        None => response,
    }
}

fn log_body(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
