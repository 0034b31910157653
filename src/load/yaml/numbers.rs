//! Numbers that are too large for the parser.
//!
//! It makes text of a float that is not finite, and a float of an integer beyond 128 bits.

use serde_json::Number;

/// Integers beyond this are floats to the parser.
const LARGEST_INTEGER: f64 = 1e38;

/// Whether YAML reads a number in this text of which the parser has made text.
pub(super) fn is_number(text: &str) -> bool {
    is_float(text) || is_integer(text, "0x", 16) || is_integer(text, "0o", 8)
}

/// Whether this float may be what the parser has made of an integer.
pub(super) fn may_be_integer(value: f64) -> bool {
    value.abs() >= LARGEST_INTEGER
}

/// Whether the parser has made this float of an integer.
pub(super) fn was_integer(number: &Number, text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    number.is_f64()
        && number.as_f64().is_some_and(may_be_integer)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && rest.parse().is_ok_and(f64::is_infinite)
}

fn is_integer(text: &str, prefix: &str, radix: u32) -> bool {
    // With fewer digits the parser has seen it.
    let digits = text.strip_prefix(prefix).filter(|rest| rest.len() > 32);
    digits.is_some_and(|digits| digits.chars().all(|c| c.is_digit(radix)))
}
