//! From an answer to what it means. Nothing in an answer is trusted: whatever the bytes are, each
//! function gives a value or a [`Trouble`].

use serde_json::Value;

use super::sentence::{bounded, sentence, status_line};
use super::{Class, Diagnosis, Listed, OperationStatus, Trouble};
use crate::http::{BODY_LIMIT, Response};
use crate::model::{Name, RequestKind};

/// Reads the answer to a new operation: the operation's id.
///
/// # Errors
/// [`Trouble`] for anything but a success that carries an id.
pub fn accepted(response: &Response) -> Result<Name, Trouble> {
    let body = success(response, On::Submit)?;
    let Some(id) = body.get("operation_id").and_then(Value::as_str) else {
        return Err(malformed(response, "without an `operation_id`"));
    };
    Name::new(id).map_err(|_| malformed(response, "whose `operation_id` is not an operation's id"))
}

/// Reads the answer to a question about one operation.
///
/// # Errors
/// [`Trouble`]; [`Class::Gone`] for a 404.
pub fn progress(response: &Response) -> Result<OperationStatus, Trouble> {
    let body = success(response, On::Poll)?;
    match body.get("status").and_then(Value::as_str) {
        Some("IN_PROGRESS") => Ok(OperationStatus::InProgress),
        Some("DONE") => Ok(OperationStatus::Done),
        Some("FAILED") => Ok(OperationStatus::Failed),
        Some(other) => Err(malformed(
            response,
            &format!("with the unknown status `{}`", bounded(other)),
        )),
        None => Err(malformed(response, "without a `status`")),
    }
}

/// Reads a list of operations. Entries that are not operations are left out.
///
/// # Errors
/// [`Trouble`] for anything but a success that carries a list.
pub fn operations(response: &Response) -> Result<Vec<Listed>, Trouble> {
    let body = success(response, On::Look)?;
    let Some(list) = body.get("operations").and_then(Value::as_array) else {
        return Err(malformed(response, "without a list of `operations`"));
    };
    let listed = |entry: &Value| {
        Some(Listed {
            id: Name::new(entry.get("id")?.as_str()?).ok()?,
            kind: entry
                .get("type")
                .and_then(Value::as_str)
                .and_then(RequestKind::parse),
        })
    };
    Ok(list.iter().filter_map(listed).collect())
}

/// Reads Barman's description of itself.
///
/// # Errors
/// [`Trouble`] for anything but a success that carries `servers`.
pub fn diagnosis(response: &Response) -> Result<Diagnosis, Trouble> {
    let body = success(response, On::Look)?;
    if !body.get("servers").is_some_and(Value::is_object) {
        return Err(malformed(response, "without `servers`"));
    }
    Ok(Diagnosis::read(&body))
}

/// Reads the answer of the API's health check.
///
/// # Errors
/// [`Trouble`] for anything but the JSON string `"OK"`.
pub fn alive(response: &Response) -> Result<(), Trouble> {
    match success(response, On::Look)? {
        Value::String(word) if word == "OK" => Ok(()),
        other => Err(malformed(
            response,
            &format!("`{}` instead of `\"OK\"`", bounded(&other.to_string())),
        )),
    }
}

/// What was asked, as far as the meaning of a status depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// For a new operation.
    Submit,
    /// For the state of an operation.
    Poll,
    /// For anything else.
    Look,
}

/// The JSON of a success, or what the status means.
fn success(response: &Response, on: On) -> Result<Value, Trouble> {
    let class = match response.status {
        200..300 if response.body.len() >= BODY_LIMIT => {
            return Err(malformed(response, "with more than 16 MiB"));
        }
        200..300 => {
            return serde_json::from_slice(&response.body)
                .map_err(|_| malformed(response, "that is not JSON"));
        }
        300..400 => return Err(redirected(response)),
        404 if on == On::Poll => Class::Gone,
        429 | 503 => Class::Busy {
            retry_after: response.retry_after,
        },
        400..500 => Class::Refused,
        500 if on == On::Submit => Class::Collision,
        500 => Class::Busy { retry_after: None },
        // 502 and 504 are a proxy's; whatever else a proxy makes up, it can have passed the request on.
        _ => Class::Unknown,
    };
    Err(Trouble::new(
        class,
        format!(
            "the API answered {}",
            sentence(response.status, &response.body)
        ),
    ))
}

fn malformed(response: &Response, what: &str) -> Trouble {
    let status = status_line(response.status);
    Trouble::new(
        Class::Malformed,
        format!("the API answered {status} {what}"),
    )
}

fn redirected(response: &Response) -> Trouble {
    let status = status_line(response.status);
    let message = match &response.location {
        Some(location) => format!(
            "the API answered {status}, which points to `{}`; redirects are not followed",
            bounded(location)
        ),
        None => format!("the API answered {status}, which does not say where to"),
    };
    Trouble::new(Class::Refused, message)
}
