//! Requests to the REST APIs of the stack.

use std::time::Duration;

use serde_json::Value;

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(100)))
        .timeout_connect(Some(Duration::from_secs(2)))
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into()
}

/// `GET`, for JSON.
pub fn get(port: u16, path: &str) -> Result<Value, String> {
    let answer = agent().get(format!("http://127.0.0.1:{port}{path}")).call();
    let text = answer
        .and_then(|mut answer| answer.body_mut().read_to_string())
        .map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
}

/// `POST` of JSON; a status above 299 is an error.
pub fn post(port: u16, path: &str, body: &str) -> Result<String, String> {
    let request = agent()
        .post(format!("http://127.0.0.1:{port}{path}"))
        .header("content-type", "application/json");
    let mut answer = request.send(body).map_err(|error| error.to_string())?;
    let text = answer
        .body_mut()
        .read_to_string()
        .map_err(|error| error.to_string())?;
    if answer.status().is_success() {
        Ok(text)
    } else {
        Err(format!("{}: {text}", answer.status()))
    }
}
