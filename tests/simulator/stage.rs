//! A simulated API whose clock stands still until it is moved, and what a client asks it for.

use std::time::Duration;

use patroni_barman::simulator::{Config, Receiving, Simulator};
use serde_json::{Value, json};

use super::client::{Answer, Broken, Still, exchange_within, get, post};

/// The path of the operations of the server `demo`.
pub const OPERATIONS: &str = "/servers/demo/operations";

pub struct Stage {
    pub simulator: Simulator,
    pub still: Still,
}

/// A request that makes a model active.
pub fn switch_to(model: &str) -> Value {
    json!({"type": "config_switch", "model_name": model})
}

impl Stage {
    pub fn start(config: Config) -> Self {
        let still = Still::default();
        let simulator = Simulator::start_with_clock(config, still.clock()).unwrap();
        Self { simulator, still }
    }

    pub fn get(&self, path: &str) -> Answer {
        get(self.simulator.address(), path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        post(self.simulator.address(), path, body)
    }

    /// Posts to the operations of `demo`; the answer may break off, or take longer than this time.
    pub fn try_post(&self, time: Duration, body: &Value) -> Result<Answer, Broken> {
        let (json, body) = (Some("application/json"), body.to_string());
        let request = ("POST", OPERATIONS, json, body.as_str());
        exchange_within(time, self.simulator.address(), request)
    }

    pub fn pass_seconds(&self, seconds: u64) {
        self.still.pass_seconds(seconds);
    }

    /// The status of an operation.
    pub fn status(&self, scope: &str, id: &str) -> String {
        let operation = self.get(&format!("{scope}/{id}")).json();
        operation["status"].as_str().unwrap().to_owned()
    }

    /// Creates an operation, lets it end, and asserts its status then.
    #[track_caller]
    pub fn ends(&self, scope: &str, body: &Value, status: &str) {
        let id = self.post(scope, body).operation_id();
        assert_eq!(self.status(scope, &id), "IN_PROGRESS");
        self.pass_seconds(2);
        assert_eq!(self.status(scope, &id), status, "{body}");
    }

    /// The number of operations of `demo`.
    pub fn operations(&self) -> usize {
        let list = self.get(OPERATIONS).json();
        list["operations"].as_array().unwrap().len()
    }

    /// The active model of `demo`.
    pub fn active(&self) -> String {
        self.simulator.active_model("demo").unwrap_or_default()
    }

    pub fn receiving(&self) -> Receiving {
        self.simulator.receiving("demo").unwrap()
    }

    pub fn diagnose(&self) -> Value {
        self.get("/diagnose").json()
    }

    /// The server `demo` in `/diagnose`.
    pub fn demo(&self) -> Value {
        self.diagnose()["servers"]["demo"].clone()
    }
}
