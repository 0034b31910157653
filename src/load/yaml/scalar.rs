//! The value of a scalar, and its errors.

use granit_parser::ScalarStyle;
use serde_json::{Number, Value};

use super::plain;

const TOO_LARGE: &str = "this number is too large to be sent to pg-backup-api";
const NOT_FINITE: &str = "this number can't be sent to pg-backup-api";

/// A scalar without a value.
pub(super) enum Bad {
    /// A number that JSON does not have.
    Number(&'static str),
    /// A value that does not match its tag.
    Misfit,
}

/// Reads a scalar according to its tag from the YAML core schema.
pub(super) fn read(text: &str, style: ScalarStyle, tag: Option<&str>) -> Result<Value, Bad> {
    let plain = style == ScalarStyle::Plain;
    match tag {
        Some("str") => Ok(text.into()),
        Some("null") if is_null(text) => Ok(Value::Null),
        Some("bool") => boolean(text).ok_or(Bad::Misfit),
        Some("int") => match number(text).ok_or(Bad::Misfit)? {
            Ok(Value::Number(number)) if number.is_f64() => Err(Bad::Misfit),
            number => number.map_err(Bad::Number),
        },
        Some("float") => match number(text).ok_or(Bad::Misfit)? {
            Ok(value) => Ok(value.as_f64().map_or(value, Value::from)),
            Err(message) => Err(Bad::Number(message)),
        },
        Some(_) => Err(Bad::Misfit),
        None if !plain => Ok(text.into()),
        None if text.is_empty() || is_null(text) => Ok(Value::Null),
        None => match boolean(text) {
            Some(value) => Ok(value),
            None => number(text).map_or_else(|| Ok(text.into()), |read| read.map_err(Bad::Number)),
        },
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "null" | "Null" | "NULL" | "~")
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(true.into()),
        "false" | "False" | "FALSE" => Some(false.into()),
        _ => None,
    }
}

/// Reads a number, or returns the reason why it is invalid; `None` for text.
fn number(text: &str) -> Option<Result<Value, &'static str>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return Some(Err(NOT_FINITE));
    }
    let may_begin = |c: char| c.is_ascii_digit() || c == '.';
    let within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
    let digit = unsigned.contains(|c: char| c.is_ascii_digit());
    if !unsigned.starts_with(may_begin) || !digit || !unsigned.chars().all(within) {
        return None;
    }
    match plain::read(text) {
        Some(Value::String(_)) => None,
        Some(value) => Some(Ok(value)),
        None => {
            let integer = unsigned.bytes().all(|byte| byte.is_ascii_digit());
            let float = text.parse().ok().filter(|_| !integer);
            let float = float.and_then(Number::from_f64).map(Value::Number);
            Some(float.ok_or(TOO_LARGE))
        }
    }
}
