//! Texts that were reviewed once and recorded.

use std::fs;
use std::path::Path;

use crate::support::program::root;

/// Compares a text with its record. With `UPDATE_CASES` set, the text becomes the record.
pub fn compare(record: &Path, text: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(record, text).unwrap();
    }
    let expected = fs::read_to_string(record).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    let name = record.strip_prefix(root()).unwrap_or(record).display();
    let line = expected
        .lines()
        .zip(text.lines())
        .take_while(|(recorded, now)| recorded == now)
        .count()
        + 1;
    Err(format!(
        "{name} differs from line {line} on; `UPDATE_CASES=1` records this text:\n{text}"
    ))
}
