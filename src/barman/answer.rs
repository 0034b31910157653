//! From an answer to its meaning. Nothing in an answer is trusted: whatever the bytes are, each
//! function returns a value or a [`Trouble`].

use serde_json::Value;

use super::sentence::{bounded, sentence, status_line};
use super::speaker::{Speaker, is_html, own_error};
use super::{Class, Diagnosis, Listed, Listing, OperationStatus, Trouble};
use crate::http::{BODY_LIMIT, Response};
use crate::model::{Name, RequestKind};

/// Reads the answer to a new operation and returns the operation's id.
pub fn accepted(response: &Response) -> Result<Name, Trouble> {
    let body = success(response, On::Submit)?;
    let Some(id) = body.get("operation_id").and_then(Value::as_str) else {
        return Err(malformed(response, "without an `operation_id`"));
    };
    Name::new(id).map_err(|_| malformed(response, "whose `operation_id` is not an operation's id"))
}

/// Reads the answer about one operation's state.
pub fn progress(response: &Response) -> Result<OperationStatus, Trouble> {
    let body = success(response, On::Poll)?;
    match body.get("status").and_then(Value::as_str) {
        Some("IN_PROGRESS") => Ok(OperationStatus::InProgress),
        Some("DONE") => Ok(OperationStatus::Done),
        Some("FAILED") => Ok(OperationStatus::Failed),
        // Only a word that looks like a status is repeated: a server may write anything there.
        Some(word) if word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => Err(malformed(
            response,
            &format!("with the unknown status `{}`", bounded(word)),
        )),
        Some(_) => Err(malformed(response, "with a `status` that is none")),
        None => Err(malformed(response, "without a `status`")),
    }
}

/// Reads a list of operations. Entries that are not operations are left out.
pub fn operations(response: &Response) -> Result<Listing, Trouble> {
    let body = success(response, On::Look)?;
    let Some(list) = body.get("operations").and_then(Value::as_array) else {
        return Err(malformed(response, "without a list of `operations`"));
    };
    let listed = |entry: &Value| {
        // pg-backup-api 1.3.0 lists only IDs; its only operations are recoveries.
        if let Value::String(id) = entry {
            return Some(Listed {
                id: Name::new(id.as_str()).ok()?,
                kind: Some(RequestKind::Recovery),
            });
        }
        let kind = entry.get("type").and_then(Value::as_str);
        Some(Listed {
            id: Name::new(entry.get("id")?.as_str()?).ok()?,
            kind: kind.and_then(RequestKind::parse),
        })
    };
    Ok(Listing {
        operations: list.iter().filter_map(listed).collect(),
        date: response.date,
    })
}

/// Reads Barman's description of itself.
pub fn diagnosis(response: &Response) -> Result<Diagnosis, Trouble> {
    let body = success(response, On::Diagnose)?;
    if !body.get("servers").is_some_and(Value::is_object) {
        return Err(malformed(response, "without `servers`"));
    }
    Ok(Diagnosis::read(&body))
}

/// Reads the answer of the health check.
pub fn alive(response: &Response) -> Result<(), Trouble> {
    match success(response, On::Look)? {
        Value::String(word) if word == "OK" => Ok(()),
        other => Err(malformed(
            response,
            &format!("`{}` instead of `\"OK\"`", bounded(&other.to_string())),
        )),
    }
}

/// The kind of request, as far as the meaning of a status depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// A new operation.
    Submit,
    /// The state of an operation.
    Poll,
    /// Barman's description of itself.
    Diagnose,
    /// Anything else.
    Look,
}

/// The JSON of a success, or the meaning of the status.
fn success(response: &Response, on: On) -> Result<Value, Trouble> {
    let (status, body) = (response.status, &response.body);
    if (200..300).contains(&status) && !is_html(body) {
        let is_cut = matches!(on, On::Submit | On::Poll) && body.len() >= BODY_LIMIT;
        return if is_cut {
            Err(malformed(response, "with more than 16 MiB"))
        } else {
            serde_json::from_slice(body).map_err(|_| malformed(response, "that is not JSON"))
        };
    }
    let speaker = Speaker::of(response);
    let class = class(response, on, &speaker);
    let message = match status {
        200..300 => {
            let status = status_line(status);
            format!("{speaker} answered {status} with a page instead of JSON")
        }
        300..=399 => redirected(response, &speaker),
        401 | 407 => format!(
            "{speaker} answered {}; does it want a token or password in `headers`?",
            sentence(status, body)
        ),
        500 if on == On::Submit && speaker == Speaker::Api => format!(
            "{speaker} answered {}, as it does when two operations begin in the same second; if it repeats, its log has the reason",
            status_line(status)
        ),
        500 if on == On::Diagnose && !matches!(speaker, Speaker::Front(_)) => format!(
            "{speaker} answered {} to `/diagnose`; if it always does, this pg-backup-api does not fit this Barman: \
             2.0.0 needs Barman before 3.10, 2.1.0 needs 3.10 or later",
            status_line(status)
        ),
        _ => format!("{speaker} answered {}", sentence(status, body)),
    };
    Err(Trouble::new(class, message))
}

/// The class of an answer that is not a success. Statuses of temporary problems count whoever sent them;
/// a refusal counts only in the API's own words.
fn class(response: &Response, on: On, speaker: &Speaker) -> Class {
    let is_front = matches!(speaker, Speaker::Front(_));
    match response.status {
        408 | 421 | 425 | 429 | 503 => Class::Busy {
            retry_after: response.retry_after,
        },
        404 if on == On::Poll && !is_front => Class::Gone,
        404 if *speaker == Speaker::Api => Class::Refused {
            unknown_server: own_error(&response.body).is_some_and(|error| names_a_server(&error)),
        },
        400 if !is_front => Class::Refused {
            unknown_server: false,
        },
        // A success says that the request was accepted, whoever wrote the page.
        200..300 if on == On::Submit => Class::Malformed,
        200..500 => Class::Between,
        500 if on == On::Submit => Class::Collision,
        500 => Class::Busy { retry_after: None },
        // 502 and 504 come from a proxy; with any other status, a proxy may have passed the request on.
        _ => Class::Unknown,
    }
}

/// Distinguishes an unknown server from an unknown backup or path: the API has one status for all of them, and no code.
fn names_a_server(error: &str) -> bool {
    let error = error.strip_prefix("404 Not Found: ").unwrap_or(error);
    error.starts_with("Server '") || error.starts_with("No barman config found for '")
}

fn malformed(response: &Response, what: &str) -> Trouble {
    let status = status_line(response.status);
    Trouble::new(
        Class::Malformed,
        format!("the API answered {status} {what}"),
    )
}

fn redirected(response: &Response, speaker: &Speaker) -> String {
    let status = status_line(response.status);
    match &response.location {
        Some(location) => format!(
            "{speaker} answered {status}, which points to `{}`; redirects are not followed",
            bounded(location)
        ),
        None => format!("{speaker} answered {status} without a `Location`"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Lsn;

    fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
        Response {
            status,
            body: body.into(),
            ..Response::default()
        }
    }

    /// An exchange as this program understands it, on one line.
    fn reading(method: &str, path: &str, response: &Response) -> String {
        let line = |result: Result<String, Trouble>| {
            result.unwrap_or_else(|trouble| {
                let class = match trouble.class {
                    Class::Refused {
                        unknown_server: true,
                    } => "Unknown server".to_owned(),
                    Class::Refused { .. } => "Refused".to_owned(),
                    class => format!("{class:?}"),
                };
                format!("{class}: {}", trouble.message)
            })
        };
        let is_operation = path.split('/').next_back() != Some("operations");
        line(match (method, path) {
            ("POST", _) => accepted(response).map(|id| format!("accepted {id}")),
            (_, "/status") => alive(response).map(|()| "alive".to_owned()),
            (_, "/diagnose") => diagnosis(response).map(|_| "diagnosis".to_owned()),
            _ if is_operation => progress(response).map(|status| format!("{status:?}")),
            _ => operations(response).map(|list| format!("{} operations", list.operations.len())),
        })
    }

    #[test]
    fn every_recorded_exchange_is_read_for_what_it_was() {
        const FAULT: &str = "Collision: the API answered 500 Internal Server Error, as it does when two operations begin in the same second; if it repeats, its log has the reason";
        const OPTIONS: &str = "Refused: the API answered 400 Bad Request: Make sure all options/arguments are met and try again";
        const NO_PATH: &str = "404 Not Found: The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
        let wanted = |name: &str, id: &str| {
            match name {
            "status" => "alive".to_owned(),
            "status of a running operation" => "InProgress".to_owned(),
            "second operation for the same server within the same second"
            | "unknown operation type"
            | "config_update sent to a server"
            | "config_switch sent to the instance" => FAULT.to_owned(),
            "config_switch to a model that does not exist: final status"
            | "config_switch to a model of another cluster: final status" => "Failed".to_owned(),
            "config_switch for a server that does not exist" => {
                "Unknown server: the API answered 404 Not Found: Server 'nope' does not exist".to_owned()
            }
            "config_switch without model_name or reset"
            | "config_switch with both"
            | "config_switch with reset false"
            | "recovery without destination"
            | "config_update without changes" => OPTIONS.to_owned(),
            "body is not JSON" => "Refused: the API answered 400 Bad Request: The browser (or proxy) sent a request that this server could not understand.".to_owned(),
            "empty JSON object" => "Refused: the API answered 400 Bad Request: Minimum barman options not met for server 'demo'".to_owned(),
            "no content type" => "Between: the API answered 415 Unsupported Media Type: Did not attempt to load JSON data because the request Content-Type was not 'application/json'.".to_owned(),
            "recovery without backup_id" => "Refused: the API answered 400 Bad Request: Request body is missing ``backup_id``".to_owned(),
            "recovery of an unknown backup" => "Refused: the API answered 404 Not Found: Backup '20200101T000000' does not exist".to_owned(),
            "status of an unknown operation" => "Gone: the API answered 404 Not Found: Resource not found".to_owned(),
            "status for an unknown server" => "Gone: the API answered 404 Not Found: No barman config found for 'nope'.".to_owned(),
            "operations of a server" => "13 operations".to_owned(),
            "operations of the instance" => "1 operations".to_owned(),
            "operations of an unknown server" => "Unknown server: the API answered 404 Not Found: No barman config found for 'nope'.".to_owned(),
            "server name with a slash" => format!("Refused: the API answered {NO_PATH}"),
            "server name with a space" => "Unknown server: the API answered 404 Not Found: No barman config found for 'a b'.".to_owned(),
            "unknown path" => format!("Gone: the API answered {NO_PATH}"),
            "wrong method" => "Between: the API answered 405 Method Not Allowed: The method is not allowed for the requested URL.".to_owned(),
            name if name.ends_with(": final status") || name == "status of a finished operation" => "Done".to_owned(),
            _ => format!("accepted {id}"),
        }
        };
        let recorded: Value =
            serde_json::from_str(include_str!("../../tests/simulator/exchanges.json")).unwrap();
        let recorded = recorded.as_array().unwrap();
        assert_eq!(recorded.len(), 38);
        for exchange in recorded {
            let text = |pointer| exchange.pointer(pointer).and_then(Value::as_str).unwrap();
            let status = exchange.pointer("/response/status").and_then(Value::as_u64);
            let response = response(
                u16::try_from(status.unwrap()).unwrap(),
                text("/response/body"),
            );
            let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let id = body
                .get("operation_id")
                .and_then(Value::as_str)
                .unwrap_or("?");
            let name = text("/name");
            let got = reading(text("/request/method"), text("/request/path"), &response);
            assert_eq!(got, wanted(name, id), "{name}");
        }
    }

    #[test]
    fn each_status_has_its_class() {
        let page = "<html><title>x</title><p>sorry</p></html>";
        let busy = Class::Busy { retry_after: None };
        let refused = Class::Refused {
            unknown_server: false,
        };
        let own = r#"{"error":"404 Not Found: Backup 'x' does not exist"}"#;
        for (status, body, submit, poll) in [
            (200, "", Class::Malformed, Class::Malformed),
            (202, "{}", Class::Malformed, Class::Malformed),
            (202, page, Class::Malformed, Class::Between),
            (204, "", Class::Malformed, Class::Malformed),
            (301, page, Class::Between, Class::Between),
            (304, "", Class::Between, Class::Between),
            (400, "", refused, refused),
            (400, page, Class::Between, Class::Between),
            (401, page, Class::Between, Class::Between),
            (403, page, Class::Between, Class::Between),
            (404, page, Class::Between, Class::Between),
            (404, "", Class::Between, Class::Gone),
            (404, own, refused, Class::Gone),
            (407, page, Class::Between, Class::Between),
            (408, page, busy, busy),
            (409, page, Class::Between, Class::Between),
            (421, page, busy, busy),
            (425, page, busy, busy),
            (429, page, busy, busy),
            (499, page, Class::Between, Class::Between),
            (500, page, Class::Collision, busy),
            (501, page, Class::Unknown, Class::Unknown),
            (502, page, Class::Unknown, Class::Unknown),
            (503, page, busy, busy),
            (504, page, Class::Unknown, Class::Unknown),
            (524, page, Class::Unknown, Class::Unknown),
            (999, page, Class::Unknown, Class::Unknown),
        ] {
            let answer = response(status, body);
            assert_eq!(
                accepted(&answer).unwrap_err().class,
                submit,
                "{status} {body}"
            );
            assert_eq!(
                progress(&answer).unwrap_err().class,
                poll,
                "{status} {body}"
            );
        }
        let busy = Response {
            retry_after: Some(Duration::from_secs(7)),
            ..response(503, "")
        };
        let trouble = accepted(&busy).unwrap_err();
        assert_eq!(
            trouble.class,
            Class::Busy {
                retry_after: busy.retry_after
            }
        );
        assert_eq!(trouble.message, "the API answered 503 Service Unavailable");
    }

    #[test]
    fn a_success_that_lacks_what_it_should_hold_says_what() {
        let sizeable = vec![b' '; BODY_LIMIT];
        for (body, message) in [
            (&b"{}"[..], "202 Accepted without an `operation_id`"),
            (b"[]", "202 Accepted without an `operation_id`"),
            (
                b"{\"operation_id\": 7}",
                "202 Accepted without an `operation_id`",
            ),
            (
                b"{\"operation_id\": \"../../x\"}",
                "202 Accepted whose `operation_id` is not an operation's id",
            ),
            (
                b"{\"operation_id\": \"\"}",
                "202 Accepted whose `operation_id` is not an operation's id",
            ),
            (b"html", "202 Accepted that is not JSON"),
            (b"\xff", "202 Accepted that is not JSON"),
            (b"", "202 Accepted that is not JSON"),
            (&sizeable, "202 Accepted with more than 16 MiB"),
        ] {
            let trouble = accepted(&response(202, body)).unwrap_err();
            assert_eq!(trouble.message, format!("the API answered {message}"));
        }
        for (body, message) in [
            (
                "{\"status\": \"PAUSED\"}",
                "with the unknown status `PAUSED`",
            ),
            ("{\"status\": null}", "without a `status`"),
        ] {
            let trouble = progress(&response(200, body)).unwrap_err();
            assert_eq!(
                trouble.message,
                format!("the API answered 200 OK {message}")
            );
        }
        let trouble = alive(&response(200, "\"NO\"")).unwrap_err();
        assert_eq!(
            trouble.message,
            "the API answered 200 OK `\"NO\"` instead of `\"OK\"`"
        );
    }

    #[test]
    fn the_message_says_who_answered() {
        let page = "<html><head><title>404 Not Found</title></head></html>";
        for (status, body, server, message) in [
            (
                404,
                page,
                Some("nginx/1.18.0 (Ubuntu)"),
                "the web server `nginx` in front of the API answered 404 Not Found",
            ),
            (
                502,
                page,
                None,
                "a web server in front of the API answered 502 Bad Gateway: 404 Not Found",
            ),
            (
                202,
                page,
                Some("Apache"),
                "the web server `Apache` in front of the API answered 202 Accepted with a page instead of JSON",
            ),
            (
                401,
                "",
                None,
                "the API answered 401 Unauthorized; does it want a token or password in `headers`?",
            ),
        ] {
            let answer = Response {
                server: server.map(str::to_owned),
                ..response(status, body)
            };
            assert_eq!(accepted(&answer).unwrap_err().message, message);
        }
    }

    #[test]
    fn a_redirect_says_where_it_points() {
        let redirect = Response {
            location: Some("https://elsewhere.example/\u{7}".to_owned()),
            ..response(308, "")
        };
        assert_eq!(
            accepted(&redirect).unwrap_err().message,
            "the API answered 308 Permanent Redirect, which points to `https://elsewhere.example/`; redirects are not followed"
        );
    }

    #[test]
    fn a_diagnosis_tells_what_rules_need() {
        use super::super::{ActiveModel, Slot};

        let status = r#"{"streaming": true, "is_in_recovery": true, "timeline": 6, "xlogpos": "0/60007C0", "replication_slot": ["barman", true, "0/6000000"]}"#;
        let body = format!(
            r#"{{"global": {{"system_info": {{"barman_ver": "3.19.1"}}}},
                "models": {{"demo:n1": {{"config": {{"cluster": "demo", "model": true}}}}}},
                "servers": {{"demo": {{"active_model": null, "config": {{"description": "changed"}}, "status": {status},
                    "backups": {{"20261123T032313": {{"status": "DONE", "timeline": 3, "end_time": "2026-11-23T03:23:14.441748+00:00"}}}}}}}}}}"#
        );
        let diagnosis = diagnosis(&response(200, body)).unwrap();
        assert_eq!(diagnosis.version.as_deref(), Some("3.19.1"));
        assert_eq!(diagnosis.models["demo:n1"].cluster.as_deref(), Some("demo"));
        let server = &diagnosis.servers["demo"];
        assert_eq!(server.active_model, ActiveModel::None);
        assert_eq!(server.config["description"], "changed");
        assert_eq!(server.backups["20261123T032313"].timeline, Some(3));
        assert_eq!((server.streaming, server.timeline), (Some(true), Some(6)));
        let slot = Slot {
            name: "barman".to_owned(),
            active: true,
            restart: Lsn::parse("0/6000000"),
        };
        assert_eq!(server.slot, Some(slot));
    }

    #[test]
    fn a_list_of_ids_is_one_of_recoveries() {
        let body = r#"{"operations": ["20261125T005823", {"id": "20261125T005824", "type": "config_switch"}, 7, "../x"]}"#;
        let listed = operations(&response(200, body)).unwrap().operations;
        let kinds: Vec<_> = listed
            .iter()
            .map(|one| (one.id.as_str(), one.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("20261125T005823", Some(RequestKind::Recovery)),
                ("20261125T005824", Some(RequestKind::ConfigSwitch)),
            ]
        );
    }

    #[test]
    fn versions_that_do_not_fit_are_named() {
        let trouble = diagnosis(&response(500, "")).unwrap_err();
        assert_eq!(trouble.class, Class::Busy { retry_after: None });
        assert!(trouble.message.contains("2.0.0 needs Barman before 3.10"));
    }

    proptest::proptest! {
        #[test]
        fn no_answer_does_harm(status: u16, body: Vec<u8>, markup in "[<>/pP&#;{}\":a-c ]{0,40}") {
            for body in [body, markup.into_bytes()] {
                let response = response(status, body);
                for path in ["/status", "/diagnose", "/operations", "/operations/x"] {
                    for method in ["GET", "POST"] {
                        let line = reading(method, path, &response);
                        proptest::prop_assert!(line.chars().count() < 600 && !line.contains('\n'));
                    }
                }
            }
        }
    }
}
