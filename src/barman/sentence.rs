//! The message in an error's body: the API's own, or that of a proxy in front of it.

use serde_json::Value;

/// Longer messages are cut after this many characters.
const LONGEST: usize = 300;

/// A status and the message of the body, for people: `400 Bad Request: Make sure …`.
pub(super) fn sentence(status: u16, body: &[u8]) -> String {
    let line = status_line(status);
    match text(body) {
        Some(text) if text.starts_with(&line) => text,
        Some(text) => {
            let number = format!("{status} ");
            format!("{line}: {}", text.strip_prefix(&number).unwrap_or(&text))
        }
        None => line,
    }
}

/// A status code with its name.
pub(super) fn status_line(status: u16) -> String {
    let reason = ureq::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// A text on one line, without control characters, truncated if it is long.
pub(super) fn bounded(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().take(4 * LONGEST).map(visible).collect();
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match folded.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", folded.get(..end).unwrap_or_default()),
        None => folded,
    }
}

/// The body's own words; `None` if there are none that a person would read.
fn text(body: &[u8]) -> Option<String> {
    let body = body.get(..64 * 1024).unwrap_or(body);
    let body = String::from_utf8_lossy(body);
    let body = body.trim();
    let found = if body.starts_with(['{', '[', '"']) {
        json(body)?
    } else if body.starts_with('<') {
        html(body)?
    } else {
        body.to_owned()
    };
    let found = bounded(&found);
    (!found.is_empty()).then_some(found)
}

/// pg-backup-api uses `error`; gateways use `message` or `detail`.
fn json(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    ["error", "message", "detail"]
        .iter()
        .find_map(|key| value.get(key)?.as_str())
        .map(str::to_owned)
}

/// pg-backup-api has its message in `<p>`; web servers have theirs in the title or a heading.
fn html(body: &str) -> Option<String> {
    ["p", "title", "h1"]
        .iter()
        .filter_map(|tag| element(body, tag))
        .map(|inner| decode(&without_tags(inner)))
        .find(|text| !text.trim().is_empty())
}

/// The content of the first element of this name; its end tag may be missing.
fn element<'a>(body: &'a str, tag: &str) -> Option<&'a str> {
    let start = body.match_indices('<').find_map(|(at, _)| {
        let rest = body.get(at + 1..)?;
        let name = rest.get(..tag.len())?;
        let after = rest.get(tag.len()..)?;
        let is_it = name.eq_ignore_ascii_case(tag)
            && after.starts_with(|c: char| c == '>' || c.is_ascii_whitespace());
        is_it.then_some(after)
    })?;
    let (_, inner) = start.split_once('>')?;
    let end = inner.match_indices("</").find_map(|(at, _)| {
        let name = inner.get(at + 2..at + 2 + tag.len())?;
        name.eq_ignore_ascii_case(tag).then_some(at)
    });
    inner.get(..end.unwrap_or(inner.len()))
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}

/// Replaces `&#39;`, `&#x27;`, `&quot;` and the like; anything that is not an entity stays as it is.
fn decode(text: &str) -> String {
    let mut parts = text.split('&');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut decoded, part| {
        let entity = part
            .split_once(';')
            .and_then(|(name, rest)| Some((character(name)?, rest)));
        if let Some((character, rest)) = entity {
            decoded.push(character);
            decoded.push_str(rest);
        } else {
            decoded.push('&');
            decoded.push_str(part);
        }
        decoded
    })
}

fn character(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_found_wherever_servers_put_it() {
        let long = "x".repeat(1000);
        for (status, body, wanted) in [
            (
                404,
                r#"{"error":"404 Not Found: Server 'nope' does not exist"}"#,
                "404 Not Found: Server 'nope' does not exist",
            ),
            (
                404,
                r#"{"error":"no such server"}"#,
                "404 Not Found: no such server",
            ),
            (
                403,
                r#"{"message":"no Route matched"}"#,
                "403 Forbidden: no Route matched",
            ),
            (403, r#"{"error":{"code":1}}"#, "403 Forbidden"),
            (403, r#"{"error""#, "403 Forbidden"),
            (
                400,
                "<!doctype html>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>Minimum barman options not met for server &#39;demo&#39;</p>\n",
                "400 Bad Request: Minimum barman options not met for server 'demo'",
            ),
            (
                400,
                "<P class=x>one\n  <b>two</b> &amp;amp; &#x1f980; &unknown; & more",
                "400 Bad Request: one two &amp; 🦀 &unknown; & more",
            ),
            (400, "<pre>no</pre><p>yes</p>", "400 Bad Request: yes"),
            (
                502,
                "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr></body></html>",
                "502 Bad Gateway",
            ),
            (
                400,
                "<html><head><title>400 No required SSL certificate was sent</title></head></html>",
                "400 Bad Request: No required SSL certificate was sent",
            ),
            (
                503,
                "no healthy upstream",
                "503 Service Unavailable: no healthy upstream",
            ),
            (503, "", "503 Service Unavailable"),
            (503, "<p></p>", "503 Service Unavailable"),
            (599, "\u{1b}[31mred\u{7}", "599: [31mred"),
            (
                400,
                &long,
                &format!("400 Bad Request: {}…", "x".repeat(300)),
            ),
            (
                400,
                "<p>&#0;&#xd800;&#99999999999;&#x;</p>",
                "400 Bad Request: &#xd800;&#99999999999;&#x;",
            ),
        ] {
            assert_eq!(sentence(status, body.as_bytes()), wanted, "{body}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        for body in [
            &b"\xff\xfe\x00"[..],
            b"<",
            b"</p",
            b"<p",
            b"<p>",
            b"<p><",
            b"<p>\xff</p>",
            b"&",
            b"<p>&#;",
        ] {
            let _ = sentence(500, body);
        }
    }
}
