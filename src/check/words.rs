//! Words for messages.

/// `a`, `b` and `c`.
pub(super) fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    join(all, "and")
}

/// `a`, `b` or `c`.
pub(super) fn either<'a>(all: impl Iterator<Item = &'a str>) -> String {
    join(all, "or")
}

fn join<'a>(all: impl Iterator<Item = &'a str>, last_word: &str) -> String {
    let words: Vec<_> = all.map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} {last_word} {last}", most.join(", ")),
    }
}
