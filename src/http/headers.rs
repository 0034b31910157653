//! The headers of a request, their secrets read when they are needed.

use std::collections::BTreeMap;
use std::fs;

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

/// The headers with their values as they are now: a token's file may change while this runs.
pub(super) fn read(
    headers: &BTreeMap<String, Secret>,
    variables: &Variables,
) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    headers
        .iter()
        .map(|(name, secret)| {
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Failure::Refused(format!("`{name}` can't be the name of a header")))?;
            Ok((header, value(name, secret, variables)?))
        })
        .collect()
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
