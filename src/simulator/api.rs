//! pg-backup-api itself: requests in, responses out, over any [`Backend`].
//!
//! The order of the checks is the same as in the real one, because the first failure determines the answer.

use serde_json::{Map, Value, json};

use super::backend::{Backend, OperationKey, Task};
use super::jobs::{Fate, Jobs, SameSecond, Status};
use super::message::{Request, Response};
use super::moment::Moment;
use super::route::{Route, Scope};
use super::version::{self, Version};

const INCOMPLETE: &str = "Make sure all options/arguments are met and try again";
const NO_SUCH_URL: &str = "The requested URL was not found on the server. If you entered the URL manually please check \
                           your spelling and try again.";

/// The first pg-backup-api with `config_switch`, `config_update` and operations of the instance.
const WITH_MODELS: Version = Version(2, 1, 0);
/// The first version whose lists have types of operations.
const WITH_TYPES: Version = Version(2, 0, 0);

/// The API's own state: the operations that it created. Their effects are up to the backend.
#[derive(Debug)]
pub struct Api<B> {
    backend: B,
    jobs: Jobs,
    prefix: String,
    same_second: SameSecond,
    version: Version,
}

impl<B: Backend> Api<B> {
    /// An API below the path `prefix` (empty, or `/` and a name).
    pub fn new(backend: B, prefix: &str, same_second: SameSecond) -> Self {
        let prefix = prefix.trim_end_matches('/').to_owned();
        Self {
            backend,
            jobs: Jobs::default(),
            prefix,
            same_second,
            version: version::PG_BACKUP_API,
        }
    }

    /// Sets the version of pg-backup-api to imitate.
    pub(super) fn of_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// The Barman behind it.
    pub fn backend(&mut self) -> &mut B {
        &mut self.backend
    }

    /// The purpose of a request.
    pub fn route(&self, request: &Request) -> Route {
        Route::of(&request.path, &self.prefix)
    }

    /// The path of a request below the prefix, as it was sent.
    pub fn path<'r>(&self, request: &'r Request) -> &'r str {
        let path = &request.path;
        path.strip_prefix(&self.prefix).unwrap_or(path)
    }

    /// Serves one request.
    pub fn handle(&mut self, now: Moment, request: &Request) -> Response {
        self.handle_with(now, request, Fate::Runs)
    }

    /// Serves one request; an operation that it creates meets `fate`.
    pub fn handle_with(&mut self, now: Moment, request: &Request, fate: Fate) -> Response {
        let route = self.route(request);
        if route == Route::Unknown || (route.is_of_instance() && self.version < WITH_MODELS) {
            return Response::not_found(NO_SUCH_URL);
        }
        match (request.method.as_str(), route) {
            ("GET" | "HEAD", Route::Status) => Response::html(200, "\"OK\"".to_owned()),
            ("GET" | "HEAD", Route::Diagnose) => self.diagnose(now),
            ("GET" | "HEAD", Route::Operations(scope)) => self.list(&scope),
            ("GET" | "HEAD", Route::Operation(scope, id)) => {
                self.poll(now, &OperationKey { scope, id })
            }
            ("POST", Route::Operations(scope)) => self
                .create(now, scope, request, fate)
                .unwrap_or_else(|refusal| refusal),
            (method, route) => {
                let answer = match method {
                    "OPTIONS" => Response::html(200, String::new()),
                    _ => Response::error_page(
                        405,
                        "The method is not allowed for the requested URL.",
                    ),
                };
                answer.with_header("Allow", route.allowed())
            }
        }
    }

    /// The answer to a poll if the operation were still running.
    pub fn poll_unfinished(&self, route: &Route) -> Response {
        match route {
            Route::Operation(_, id) => Response::json(200, &poll_answer(id, Status::InProgress)),
            _ => Response::not_found(NO_SUCH_URL),
        }
    }

    fn diagnose(&mut self, now: Moment) -> Response {
        let has_models = self.backend.barman_version() >= version::BARMAN_WITH_MODELS;
        // These two call Barman's own code, whose arguments changed between the releases.
        if (self.version == Version(2, 0, 0) && has_models)
            || (self.version == Version(2, 1, 0) && !has_models)
        {
            return Response::internal_error();
        }
        match self.backend.diagnose(now) {
            Some(state) => Response::json(200, &state),
            None => Response::internal_error(),
        }
    }

    fn list(&mut self, scope: &Scope) -> Response {
        if let Some(missing) = self.missing_server(scope) {
            return missing;
        }
        let jobs = self.jobs.list(scope).into_iter();
        let operation = |(id, kind): (&str, &str)| match self.version {
            version if version < WITH_TYPES => id.into(),
            _ => json!({"id": id, "type": kind}),
        };
        let operations: Vec<Value> = jobs.map(operation).collect();
        Response::json(200, &json!({"operations": operations}))
    }

    fn poll(&mut self, now: Moment, key: &OperationKey) -> Response {
        if let Some(missing) = self.missing_server(&key.scope) {
            return missing;
        }
        let failing_takes = self.backend.operation_time();
        let ask = || self.backend.outcome(now, key);
        match self.jobs.status(now, key, failing_takes, ask) {
            Some(status) => Response::json(200, &poll_answer(&key.id, status)),
            None => Response::not_found("Resource not found"),
        }
    }

    fn missing_server(&mut self, scope: &Scope) -> Option<Response> {
        match scope {
            Scope::Server(name) if !self.backend.has_server(name) => {
                let message = format!("No barman config found for '{name}'.");
                Some(Response::not_found(&message))
            }
            _ => None,
        }
    }

    fn create(
        &mut self,
        now: Moment,
        scope: Scope,
        request: &Request,
        fate: Fate,
    ) -> Result<Response, Response> {
        let body = json_body(request)?;
        let task = match &scope {
            Scope::Server(server) => self.server_task(now, server, &body)?,
            Scope::Instance => instance_task(&body)?,
        };
        let key = OperationKey {
            scope,
            id: now.operation_id(),
        };
        let accepted = Response::json(202, &json!({"operation_id": key.id}));
        if self.jobs.contains(&key) {
            return match self.same_second {
                SameSecond::Refuse => Err(Response::internal_error()),
                SameSecond::KeepFirst => Ok(accepted),
                SameSecond::KeepLast => {
                    self.backend.start(now, &key, task);
                    Ok(accepted)
                }
            };
        }
        self.jobs.insert(now, key.clone(), task.name(), fate);
        if matches!(fate, Fate::Runs | Fate::Gone | Fate::FailsDone) {
            self.backend.start(now, &key, task);
        }
        Ok(accepted)
    }

    fn server_task(&mut self, now: Moment, server: &str, body: &Value) -> Result<Task, Response> {
        if is_falsy(body) {
            let message = format!("Minimum barman options not met for server '{server}'");
            return Err(Response::bad_request(&message));
        }
        if !self.backend.has_server(server) {
            let message = format!("Server '{server}' does not exist");
            return Err(Response::not_found(&message));
        }
        let body = body.as_object().ok_or_else(Response::internal_error)?;
        match body.get("type").map_or(Some("recovery"), Value::as_str) {
            Some("recovery") => self.recovery(now, server, body),
            Some("config_switch") if self.version >= WITH_MODELS => config_switch(server, body),
            _ => Err(Response::internal_error()),
        }
    }

    fn recovery(
        &mut self,
        now: Moment,
        server: &str,
        body: &Map<String, Value>,
    ) -> Result<Task, Response> {
        let Some(backup_id) = body.get("backup_id") else {
            let message = "Request body is missing ``backup_id``";
            return Err(Response::bad_request(message));
        };
        let backup_id = backup_id.as_str().ok_or_else(Response::internal_error)?;
        if !self.backend.has_backup(now, server, backup_id) {
            if self.version < WITH_TYPES {
                return Err(Response::internal_error());
            }
            let message = format!("Backup '{backup_id}' does not exist");
            return Err(Response::not_found(&message));
        }
        let text = |key: &str| match body.get(key) {
            // Only presence is checked; a value of another type fails when the command line is built.
            Some(value) => Ok(value.as_str().unwrap_or_default().to_owned()),
            None => Err(Response::bad_request(INCOMPLETE)),
        };
        Ok(Task::Recovery {
            server: server.to_owned(),
            backup_id: backup_id.to_owned(),
            remote_ssh_command: text("remote_ssh_command")?,
            destination_directory: text("destination_directory")?,
        })
    }
}

fn poll_answer(id: &str, status: Status) -> Value {
    json!({"operation_id": id, "status": status.name()})
}

fn config_switch(server: &str, body: &Map<String, Value>) -> Result<Task, Response> {
    let model = match (body.get("model_name"), body.get("reset")) {
        (Some(Value::String(model)), None) => Some(model.clone()),
        (None, Some(Value::Bool(true))) => None,
        _ => return Err(Response::bad_request(INCOMPLETE)),
    };
    Ok(Task::ConfigSwitch {
        server: server.to_owned(),
        model,
    })
}

fn instance_task(body: &Value) -> Result<Task, Response> {
    if is_falsy(body) {
        let message = "Minimum barman options not met for instance operation";
        return Err(Response::bad_request(message));
    }
    let body = body.as_object().ok_or_else(Response::internal_error)?;
    if body.get("type").and_then(Value::as_str) != Some("config_update") {
        return Err(Response::internal_error());
    }
    match body.get("changes") {
        Some(changes) => Ok(Task::ConfigUpdate {
            changes: changes.clone(),
        }),
        None => Err(Response::bad_request(INCOMPLETE)),
    }
}

fn json_body(request: &Request) -> Result<Value, Response> {
    let header = request.content_type.as_deref().unwrap_or_default();
    let media_type = header.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let is_json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if !is_json {
        return Err(Response::error_page(
            415,
            "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
        ));
    }
    serde_json::from_slice(&request.body).map_err(|_| Response::not_understood())
}

/// The values that Python treats as false, and pg-backup-api therefore as an empty body.
fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}
