//! Requests and responses as plain data, and the two forms in which pg-backup-api reports errors.

use serde_json::{Value, json};

/// A request as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path with its query, still percent-encoded.
    pub path: String,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, empty if there was none.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// Further headers, by name.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Response {
    /// A JSON answer, ending in a newline as Flask's do.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", format!("{value}\n"))
    }

    /// An answer with type HTML, whatever the text is.
    pub fn html(status: u16, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    /// An answer in plain text.
    pub fn text(status: u16, text: String) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text + "\n")
    }

    fn new(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body,
        }
    }

    /// A 404, the only error that pg-backup-api reports as JSON.
    pub fn not_found(description: &str) -> Self {
        let error = format!("404 Not Found: {description}");
        Self::json(404, &json!({"error": error}))
    }

    /// The HTML page of every other error, with `message` in its `<p>`.
    pub fn error_page(status: u16, message: &str) -> Self {
        let reason = reason(status);
        let message = escape(message);
        let body = format!(
            "<!doctype html>\n<html lang=en>\n<title>{status} {reason}</title>\n<h1>{reason}</h1>\n<p>{message}</p>\n"
        );
        Self::html(status, body)
    }

    /// A 400 with `message`.
    pub fn bad_request(message: &str) -> Self {
        Self::error_page(400, message)
    }

    /// A 400 for a request that can't be read.
    pub fn not_understood() -> Self {
        Self::bad_request(
            "The browser (or proxy) sent a request that this server could not understand.",
        )
    }

    /// The answer to any exception inside pg-backup-api.
    pub fn internal_error() -> Self {
        Self::error_page(
            500,
            "The server encountered an internal error and was unable to complete your request. \
             Either the server is overloaded or there is an error in the application.",
        )
    }

    /// The page of an anonymous proxy; with a status that means success, a login
    /// page.
    pub fn proxy_page(status: u16) -> Self {
        Self::page_of("proxy", status)
    }

    /// The same page, from an nginx that names itself.
    pub fn nginx(status: u16) -> Self {
        Self::page_of("nginx", status).with_header("Server", "nginx")
    }

    fn page_of(who: &str, status: u16) -> Self {
        let line = if status < 300 {
            "Sign in".to_owned()
        } else {
            format!("{status} {}", reason(status))
        };
        let body = format!(
            "<html>\r\n<head><title>{line}</title></head>\r\n<body>\r\n<center><h1>{line}</h1></center>\r\n\
             <hr><center>{who}</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", body)
    }

    /// The same answer with an additional header.
    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The reason phrase of a status code.
fn reason(status: u16) -> &'static str {
    let code = hyper::StatusCode::from_u16(status).ok();
    code.and_then(|code| code.canonical_reason())
        .unwrap_or("Unknown")
}

/// Escapes like Flask, so that a client has to decode `&#39;` and the like.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}
