//! The headers of a request, with secrets that are read when needed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::http::request::Builder;
use ureq::http::{HeaderName, HeaderValue};

use super::Failure;
use super::failure::{contents, io_reason};
use crate::model::Secret;

/// The maximum size of a secret's file, in bytes.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The values of the environment variables that headers name.
pub(super) type Variables = BTreeMap<String, String>;

/// Selects the variables for the headers, so that nothing else is kept.
pub(super) fn variables(
    headers: &BTreeMap<String, Secret>,
    environment: &BTreeMap<String, String>,
) -> Variables {
    headers
        .values()
        .filter_map(|secret| match secret {
            Secret::Env(name) => Some((name.clone(), environment.get(name)?.clone())),
            Secret::File(_) => None,
        })
        .collect()
}

/// The headers of one exchange, with their values.
#[derive(Default)]
pub(super) struct Headers(Vec<(HeaderName, HeaderValue)>);

/// Shorter parts of a secret are not searched for in an answer: they occur in any text.
const SHORTEST_PART: usize = 4;

/// The same for parts between punctuation, which can be written in many ways.
const SHORTEST_PIECE: usize = 6;

/// Words before a secret that are not secret themselves.
const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "negotiate", "token", "apikey"];

impl Headers {
    /// Reads the current values: a token's file may change while this runs.
    pub(super) fn read(
        headers: &BTreeMap<String, Secret>,
        variables: &Variables,
    ) -> Result<Self, Failure> {
        let read = |(name, secret): (&String, &Secret)| {
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Failure::Refused(format!("`{name}` can't be the name of a header")))?;
            Ok((header, value(name, secret, variables)?))
        };
        headers.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Adds them to a request.
    pub(super) fn put(&self, mut request: Builder) -> Builder {
        for (name, value) in &self.0 {
            request = request.header(name, value);
        }
        request
    }

    /// Removes their values from a text: a server may repeat a rejected value, and its
    /// message goes into the log.
    pub(super) fn hide(&self, text: &[u8]) -> Vec<u8> {
        let values = self.0.iter().map(|(_, value)| value.as_bytes());
        let mut secrets: Vec<&[u8]> = values.flat_map(secrets).collect();
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        secrets
            .into_iter()
            .fold(text.to_vec(), |text, secret| without(&text, secret))
    }
}

/// The secrets of a client's last request, which its answer may repeat. Clones
/// share them.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<Headers>>);

impl Secrets {
    /// Remembers those of a request, in place of all earlier ones.
    pub(super) fn remember(&self, sent: Headers) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sent;
    }

    /// Removes them from a text that may contain a server's words.
    pub fn hide(&self, text: &str) -> String {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hidden = sent.hide(text.as_bytes());
        String::from_utf8_lossy(&hidden).into_owned()
    }
}

/// The secret parts of a header's value: the whole, its words, and the parts that remain however the
/// punctuation between letters and digits is written in HTML or JSON.
fn secrets(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = value.trim_ascii();
    let parts = value.split(u8::is_ascii_whitespace);
    let pieces = value.split(|byte| !byte.is_ascii_alphanumeric());
    let parts = parts.filter(|part| part.len() >= SHORTEST_PART);
    let pieces = pieces.filter(|piece| piece.len() >= SHORTEST_PIECE);
    let within = parts.chain(pieces).filter(|word| !is_scheme(word));
    let all = iter::once(whole).chain(within);
    all.filter(|secret| !secret.is_empty())
}

fn is_scheme(word: &[u8]) -> bool {
    let mut schemes = SCHEMES.iter();
    schemes.any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes()))
}

/// A text with asterisks in place of each occurrence of a secret. One so short that it
/// is part of many words is only matched as a whole word.
fn without(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let anywhere = secret.len() >= SHORTEST_PART;
    let mut kept = Vec::with_capacity(text.len());
    let mut before = None;
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        match rest.strip_prefix(secret) {
            Some(after) if anywhere || !is_letter(before) && !is_letter(after.first()) => {
                kept.extend_from_slice(b"***");
                before = secret.last();
                rest = after;
            }
            _ => {
                kept.push(*first);
                before = Some(first);
                rest = others;
            }
        }
    }
    kept
}

fn value(name: &str, secret: &Secret, variables: &Variables) -> Result<HeaderValue, Failure> {
    let (text, source) = match secret {
        Secret::Env(variable) => {
            let text = variables.get(variable).ok_or_else(|| {
                Failure::NotSent(format!(
                    "the header `{name}` needs the environment variable `{variable}`, which is not set"
                ))
            })?;
            (
                text.clone().into_bytes(),
                format!("environment variable `{variable}`"),
            )
        }
        Secret::File(path) => {
            let source = format!("file `{}`", path.display());
            let text = contents(path, LARGEST_SECRET).map_err(|error| {
                let reason = io_reason(&error);
                Failure::NotSent(format!(
                    "can't read the header `{name}` from the {source}: {reason}"
                ))
            })?;
            (text, source)
        }
    };
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.is_empty() {
        return Err(Failure::NotSent(format!(
            "the {source} for the header `{name}` is empty"
        )));
    }
    let mut value = HeaderValue::from_bytes(text).map_err(|_| {
        Failure::NotSent(format!(
            "the {source} has characters that the header `{name}` can't carry, such as a line break in the middle"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}
