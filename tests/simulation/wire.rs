//! The network: messages arrive, or arrive late, twice, or not at all.

use std::rc::Rc;
use std::time::Duration;

use patroni_barman::http::{Failure, Http, Request, Response};
use patroni_barman::simulator;
use patroni_barman::simulator::backend::Backend as _;
use patroni_barman::simulator::service::Delivery;

use super::mutation::Mutation;
use super::process::Process;
use super::scheduler::Slot;
use super::universe::{APIS, Universe, name};

/// The time limit of an exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time that a message is under way.
pub const LATEST: u64 = 20_000;

/// The possible faults of a request that arrives.
const POST_FAULTS: [&str; 12] = [
    "500",
    "502",
    "503",
    "503+retry-after=1",
    "garbage",
    "empty",
    "lost-accept",
    "truncate",
    "hang",
    "fail",
    "stuck",
    "gone",
];
const GET_FAULTS: [&str; 8] = [
    "500", "502", "503", "garbage", "empty", "reset", "truncate", "hang",
];

/// The server that a process talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Barman(usize),
    Patroni,
}

type Answer = Result<Response, Failure>;

/// A process's connection.
pub struct Wire {
    universe: Rc<Universe>,
    process: Rc<Process>,
    to: To,
}

impl Wire {
    pub fn new(universe: &Rc<Universe>, process: &Rc<Process>, to: To) -> Self {
        Self {
            universe: Rc::clone(universe),
            process: Rc::clone(process),
            to,
        }
    }

    fn slot(&self) -> Slot<Answer> {
        Slot::new(&self.universe.scheduler, self.process.pid)
    }

    /// The time that a message is under way.
    fn travel(&self) -> Duration {
        let universe = &self.universe;
        if universe.unlucky(universe.profile.delayed) {
            universe.between(300, LATEST)
        } else {
            universe.between(1, 30)
        }
    }

    async fn ask_barman(&self, api: usize, request: &Request) -> Answer {
        let universe = &self.universe;
        let profile = universe.profile;
        let slot = self.slot();
        let limit = limit(request);
        let (_, path) = request.url.split_once(":7480").unwrap();
        let request = simulator::Request {
            method: if request.body.is_some() {
                "POST"
            } else {
                "GET"
            }
            .to_owned(),
            path: path.to_owned(),
            content_type: Some("application/json".to_owned()),
            body: request
                .body
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
                .into_bytes(),
        };
        if request.method == "POST" {
            universe.sends(&self.process, api, &request.body);
        }
        if universe.unlucky(profile.refused) {
            slot.fill_after(
                Duration::from_millis(5),
                Err(Failure::NotSent("connection refused".to_owned())),
            );
        } else if universe.unlucky(profile.lost) {
            let pause = universe.between(1, 12_000);
            slot.fill_after(pause, Err(Failure::Unknown("connection reset".to_owned())));
        } else {
            self.arrive(api, self.travel(), &request, Some(&slot));
            let is_recovery = String::from_utf8_lossy(&request.body).contains("recovery");
            if !is_recovery && universe.unlucky(profile.doubled) {
                self.arrive(api, universe.between(1, LATEST), &request, None);
            }
        }
        slot.fill_after(limit, Err(Failure::Unknown("no answer in time".to_owned())));
        let answer = slot.wait().await;
        match answer {
            Err(Failure::Unknown(why)) if universe.mutation == Mutation::LostIsNotSent => {
                Err(Failure::NotSent(why))
            }
            Ok(response)
                if universe.mutation == Mutation::BlindDiagnosis && path.ends_with("/diagnose") =>
            {
                Ok(blinded(response))
            }
            answer => answer,
        }
    }

    /// Schedules the arrival of a request, and of its answer.
    fn arrive(
        &self,
        api: usize,
        pause: Duration,
        request: &simulator::Request,
        slot: Option<&Slot<Answer>>,
    ) {
        let (universe, request, slot) = (Rc::clone(&self.universe), request.clone(), slot.cloned());
        let back = self.travel();
        universe.scheduler.clone().after(pause, move || {
            let answer = universe.serve(api, &request);
            if let (Some(slot), Some(answer)) = (slot, answer) {
                slot.fill_after(back, answer);
            }
        });
    }

    async fn ask_patroni(&self, request: &Request) -> Answer {
        let universe = &self.universe;
        let slot = self.slot();
        let limit = limit(request);
        if !universe.unlucky(universe.profile.silent) {
            let (universe, slot) = (Rc::clone(universe), slot.clone());
            let (node, url) = (self.process.node, request.url.clone());
            let (there, back) = (universe.between(1, 20), universe.between(1, 300));
            universe.scheduler.clone().after(there, move || {
                let to = (0..universe.nodes())
                    .find(|to| url.starts_with(&patroni_url(*to)))
                    .unwrap_or(node);
                if universe.cluster.borrow().reaches(node, to) {
                    slot.fill_after(back, universe.ask_patroni(to, &url));
                }
            });
        }
        slot.fill_after(limit, Err(Failure::Unknown("no answer in time".to_owned())));
        let answer = slot.wait().await;
        self.process
            .patroni_answered
            .set(answer.as_ref().is_ok_and(|response| response.body != b"{}"));
        answer
    }
}

/// The time limit of an exchange. This Barman is small: its `/diagnose` times out sooner than that of hundreds of
/// servers, so that a run need not last for hours.
fn limit(request: &Request) -> Duration {
    const DIAGNOSE: Duration = Duration::from_secs(40);
    request.effort.limit(TIMEOUT, request.limit).min(DIAGNOSE)
}

impl Http for Wire {
    async fn exchange(&self, request: &Request) -> Answer {
        let universe = &self.universe;
        match self.to {
            To::Barman(api) => {
                while universe.mutation == Mutation::OneLane && self.process.busy.get() {
                    let slot = Slot::new(&universe.scheduler, self.process.pid);
                    slot.fill_after(Duration::from_millis(10), ());
                    slot.wait().await;
                }
                self.process.busy.set(true);
                let answer = self.ask_barman(api, request).await;
                self.process.busy.set(false);
                answer
            }
            To::Patroni => self.ask_patroni(request).await,
        }
    }
}

impl Universe {
    /// Serves a request that arrives at the API; `None` if there is no answer.
    fn serve(&self, api: usize, request: &simulator::Request) -> Option<Answer> {
        let site = &self.apis[api];
        if site.hangs.get() {
            return None;
        }
        if !site.up.get() {
            return Some(Err(Failure::NotSent("connection refused".to_owned())));
        }
        let faults = if request.method == "POST" {
            &POST_FAULTS[..]
        } else {
            &GET_FAULTS[..]
        };
        let fault = if self.unlucky(self.profile.failing) {
            self.scheduler.draw(|random| random.pick(faults))
        } else {
            "ok"
        };
        let mut service = site.service.borrow_mut();
        *service.faults() = format!("any:{fault}*1").parse().unwrap();
        let (served, delivery) = service.serve(self.moment(), request);
        drop(service);
        if request.method == "POST" {
            self.note(|| {
                format!(
                    "{} gets {} and answers {:?} ({fault})",
                    APIS[api], served.body, served.status
                )
            });
            let taken_up = served.status == Some(202) && !matches!(fault, "garbage" | "empty")
                || matches!(fault, "lost-accept" | "truncate");
            if taken_up {
                let due = self.now() + site.service.borrow_mut().api().backend().operation_time();
                self.truth
                    .borrow_mut()
                    .taken_up(api, &served.body, self.now(), due);
            }
        }
        match delivery {
            Delivery::Send(response) | Delivery::SendAfter(_, response) => {
                Some(Ok(received(response, self.moment().wall)))
            }
            Delivery::Truncate(_) | Delivery::Close | Delivery::Reset => {
                Some(Err(Failure::Unknown("connection reset".to_owned())))
            }
            Delivery::ResetAfter(_) | Delivery::Never => None,
        }
    }

    fn ask_patroni(&self, node: usize, path: &str) -> Answer {
        let cluster = self.cluster.borrow();
        if !cluster.nodes[node].patroni_up {
            return Err(Failure::NotSent("connection refused".to_owned()));
        }
        let asks_for_lease = path.ends_with("/leader") || path.ends_with("/standby-leader");
        let leader = match self.mutation {
            Mutation::NoFence => Some(node),
            _ if asks_for_lease => cluster.nodes[node].knows,
            _ => cluster.nodes[node].lists,
        };
        let (status, body) = match cluster.answer(node, path, leader, self.now()) {
            Some(answer) if asks_for_lease && leader != Some(node) => (503, answer.to_string()),
            Some(answer) => (200, answer.to_string()),
            None => (503, "{}".to_owned()),
        };
        Ok(Response {
            status,
            body: body.into_bytes(),
            ..Response::default()
        })
    }
}

/// The address of a node's Patroni, as known to the others.
pub fn patroni_url(node: usize) -> String {
    format!("http://{}.test:8008", name(node))
}

fn received(response: simulator::Response, date: Duration) -> Response {
    let header = |name: &str| {
        let found = response.headers.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value.clone())
    };
    Response {
        status: response.status,
        retry_after: header("Retry-After")
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs),
        location: header("Location"),
        server: header("Server"),
        date: Some(Duration::from_secs(date.as_secs())),
        body: response.body.into_bytes(),
    }
}

/// An answer of `/diagnose` that always shows the same model.
fn blinded(mut response: Response) -> Response {
    if let Ok(mut all) = serde_json::from_slice::<serde_json::Value>(&response.body)
        && let Some(active) = all.pointer_mut("/servers/demo/active_model")
    {
        *active = "demo:n1".into();
        response.body = all.to_string().into_bytes();
    }
    response
}
