//! The headers of a request, their secrets read when they are needed.

use std::collections::BTreeMap;
use std::fs;

use ureq::http::request::Builder;
use ureq::http::{HeaderName, HeaderValue};

use super::Failure;
use super::failure::{capped, io_reason};
use crate::model::Secret;

/// A secret's file may hold this many bytes.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The values of the environment variables that some headers name.
pub(super) type Variables = BTreeMap<String, String>;

/// Picks what the headers need out of the environment, so that nothing else is kept.
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
pub(super) struct Headers(Vec<(HeaderName, HeaderValue)>);

/// Shorter words of a secret are not looked for in an answer: they stand in any text.
const SHORTEST_SECRET: usize = 6;

impl Headers {
    /// Reads the values as they are now: a token's file may change while this runs.
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

    /// Puts them on a request.
    pub(super) fn put(&self, mut request: Builder) -> Builder {
        for (name, value) in &self.0 {
            request = request.header(name, value);
        }
        request
    }

    /// Takes their values out of a text: a server may repeat what it does not accept, and what it
    /// says goes into the log.
    pub(super) fn hide(&self, text: &[u8]) -> Vec<u8> {
        let words = self.0.iter().flat_map(|(_, value)| {
            let words = value.as_bytes().split(u8::is_ascii_whitespace);
            // However the signs between them are written in HTML or JSON, letters and digits stay as they are.
            let parts = value.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
            words.chain(parts)
        });
        words
            .filter(|word| word.len() >= SHORTEST_SECRET)
            .fold(text.to_vec(), |text, word| without(&text, word))
    }
}

/// A text with another in the place of each occurrence of a word.
fn without(text: &[u8], word: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(word) {
            kept.extend_from_slice(b"***");
            rest = after;
        } else {
            kept.push(*first);
            rest = others;
        }
    }
    kept
}

fn value(name: &str, secret: &Secret, variables: &Variables) -> Result<HeaderValue, Failure> {
    let (text, source) = match secret {
        Secret::Env(variable) => {
            let text = variables.get(variable).ok_or_else(|| {
                Failure::Refused(format!(
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
            let text = fs::File::open(path).and_then(|file| capped(file, LARGEST_SECRET));
            let text = text.map_err(|error| {
                let reason = io_reason(&error);
                Failure::Refused(format!(
                    "can't read the header `{name}` from the {source}: {reason}"
                ))
            })?;
            (text, source)
        }
    };
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.is_empty() {
        return Err(Failure::Refused(format!(
            "the {source} for the header `{name}` is empty"
        )));
    }
    let mut value = HeaderValue::from_bytes(text).map_err(|_| {
        Failure::Refused(format!(
            "the {source} has characters that the header `{name}` can't carry, such as a line break in the middle"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}
