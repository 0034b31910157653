//! Assertions about texts, which show the whole text.

/// Asserts that a text contains this.
#[track_caller]
pub fn has(text: &str, words: &str) {
    assert!(text.contains(words), "no `{words}` in\n{text}");
}

/// Asserts that a text does not contain this.
#[track_caller]
pub fn lacks(text: &str, words: &str) {
    assert!(!text.contains(words), "`{words}` in\n{text}");
}

/// Asserts that a text starts with this.
#[track_caller]
pub fn starts(text: &str, words: &str) {
    assert!(
        text.starts_with(words),
        "no `{words}` at the start of\n{text}"
    );
}
