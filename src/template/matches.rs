//! The filter `matches`: tests a text against a regular expression.
//!
//! The time of a match is linear in the text's length, whatever the expression is.

use std::cell::RefCell;
use std::collections::HashMap;

use minijinja::{Environment, Error, ErrorKind, State, Value};
use regex::{Regex, RegexBuilder};

/// The longest expression, in bytes.
const LONGEST_PATTERN: usize = 1_000;
/// The longest text to match, in bytes: names are shorter.
const LONGEST_TEXT: usize = 4_096;
/// The maximum size of a compiled expression, in bytes.
const MOST_COMPILED: usize = 256 << 10;
/// The maximum memory that a match may use for speed, in bytes.
const MOST_CACHED: usize = 1 << 20;
/// The maximum number of compiled expressions to keep.
const MOST_KEPT: usize = 100;
/// The number of bytes of text that are matched for one step of a template's budget.
const BYTES_PER_STEP: usize = 16;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// Adds the filter to an engine.
pub(super) fn add_to(engine: &mut Environment<'static>) {
    engine.add_filter("matches", matches);
}

fn matches(state: &State<'_, '_>, text: &Value, pattern: &Value) -> Result<bool, Error> {
    let refuse = |message: String| Error::new(ErrorKind::InvalidOperation, message);
    let Some(text) = text.as_str() else {
        let kind = text.kind();
        return Err(refuse(format!(
            "`matches` is for texts, and this is a {kind}"
        )));
    };
    let Some(pattern) = pattern.as_str() else {
        let kind = pattern.kind();
        return Err(refuse(format!(
            "the pattern of `matches` is a text, and this is a {kind}"
        )));
    };
    if text.len() > LONGEST_TEXT {
        return Err(refuse(format!(
            "`matches` is for texts of at most {LONGEST_TEXT} bytes"
        )));
    }
    state.consume_fuel(1 + (text.len() / BYTES_PER_STEP) as u64)?;
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(pattern) {
            return Ok(regex.is_match(text));
        }
        let regex = compile(pattern)
            .map_err(|why| refuse(format!("the pattern `{pattern}` can't be used: {why}")))?;
        let fits = regex.is_match(text);
        if compiled.len() >= MOST_KEPT {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex);
        Ok(fits)
    })
}

/// Checks a pattern for `matches`; the error is the reason why it can't be used.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    compile(pattern).map(|_| ())
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("it is longer than {LONGEST_PATTERN} bytes"));
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(MOST_COMPILED)
        .dfa_size_limit(MOST_CACHED)
        .build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large: what `{…}` repeats counts as often as it repeats, and `[0-9]` is smaller than `\\d`".to_owned(),
        // The crate also draws the pattern, and puts the reason last.
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    })
}
