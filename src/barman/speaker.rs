//! The program that answered: pg-backup-api, or a web server in front of it.
//!
//! A proxy that passes on an answer often puts its own name into the `Server` header, so the body is examined first.

use std::fmt;

use serde_json::Value;

use crate::http::Response;

/// The program that sent an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaker {
    /// pg-backup-api: the body is in one of its two forms.
    Api,
    /// Nothing in the answer says.
    Unknown,
    /// A web server in front of it, with its name if the answer has one.
    Front(Option<String>),
}

/// Servers that run pg-backup-api itself.
const OWN: [&str; 4] = ["gunicorn", "werkzeug", "waitress", "uwsgi"];

impl Speaker {
    /// Identifies the program from an unexpected body.
    pub(super) fn of(response: &Response) -> Self {
        let body = response.body.trim_ascii_start();
        if is_own_json(body) || is_own_page(body) {
            return Self::Api;
        }
        let server = response.product();
        let own = server.is_some_and(|name| OWN.iter().any(|own| name.eq_ignore_ascii_case(own)));
        match server {
            Some(name) if !own => Self::Front(Some(name.to_owned())),
            _ if is_html(&response.body) => Self::Front(None),
            Some(_) => Self::Api,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api | Self::Unknown => f.write_str("the API"),
            Self::Front(Some(name)) => write!(f, "the web server `{name}` in front of the API"),
            Self::Front(None) => f.write_str("a web server in front of the API"),
        }
    }
}

/// Returns true if the body is a page and not JSON.
pub(super) fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// The API's own `error`, in JSON.
pub(super) fn own_error(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("error")?.as_str().map(str::to_owned)
}

fn is_own_json(body: &[u8]) -> bool {
    body.starts_with(b"{") && own_error(body).is_some()
}

/// Recognises the error pages of the API's framework, old and new: a title with the status, a heading without it,
/// a paragraph, and nothing else.
fn is_own_page(body: &[u8]) -> bool {
    let body = body.get(..4096).unwrap_or(body);
    let body = String::from_utf8_lossy(body);
    let mut lines = body.lines();
    let kind = lines.next().unwrap_or_default();
    let title = match kind {
        "<!doctype html>" => lines.next().filter(|line| *line == "<html lang=en>"),
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">" => Some(""),
        _ => None,
    }
    .and_then(|_| lines.next())
    .and_then(|line| line.strip_prefix("<title>")?.strip_suffix("</title>"));
    let heading = lines
        .next()
        .and_then(|line| line.strip_prefix("<h1>")?.strip_suffix("</h1>"));
    match (title, heading) {
        (Some(title), Some(heading)) => title
            .split_once(' ')
            .is_some_and(|(status, name)| status.parse::<u16>().is_ok() && name == heading),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_decides_before_the_header() {
        let api = "<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>no</p>\n";
        let old = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>no</p>\n";
        let nginx = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>";
        let front = |name: &str| Speaker::Front(Some(name.to_owned()));
        for (body, server, speaker) in [
            (r#"{"error":"404 Not Found: x"}"#, None, Speaker::Api),
            (
                r#"{"error":"404 Not Found: x"}"#,
                Some("nginx"),
                Speaker::Api,
            ),
            (api, Some("nginx/1.18.0 (Ubuntu)"), Speaker::Api),
            (old, None, Speaker::Api),
            (nginx, Some("nginx/1.18.0 (Ubuntu)"), front("nginx")),
            (nginx, Some("gunicorn"), Speaker::Front(None)),
            (nginx, None, Speaker::Front(None)),
            ("no healthy upstream", Some("envoy"), front("envoy")),
            (r#"{"message":"no"}"#, Some("kong/3.4"), front("kong")),
            ("", Some("gunicorn"), Speaker::Api),
            ("", None, Speaker::Unknown),
            ("no", Some("`bad`"), Speaker::Unknown),
            (
                "<!doctype html>\n<html lang=en>\n<title>Sign in</title>\n<h1>Sign in</h1>",
                None,
                Speaker::Front(None),
            ),
        ] {
            let response = Response {
                body: body.into(),
                server: server.map(str::to_owned),
                ..Response::default()
            };
            assert_eq!(Speaker::of(&response), speaker, "{body} {server:?}");
        }
    }
}
