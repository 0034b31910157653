//! Nesting that is far too deep, found before the parser sees it: the time that it takes grows with
//! the square of the depth.

use super::{Fault, MAX_DEPTH};
use crate::diagnostic::Code;

/// Brackets that are open at once, and list items that begin on one line. Brackets in strings and comments
/// count as well, which is why there may be more of them than levels.
const MAX_OPEN: usize = 4 * MAX_DEPTH;

/// The fault, if there is one.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let mut open: usize = 0;
    // How many `- ` or `? ` in a row begin this line.
    let mut items: Option<usize> = Some(0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        items = match byte {
            b'\n' | b'\r' => Some(0),
            b' ' | b'\t' => items,
            b'-' | b'?' | b':' => items.map(|items| items + 1),
            _ => None,
        };
        if open > MAX_OPEN || items.is_some_and(|items| items > MAX_OPEN) {
            return Some(too_deep(at..at + 1));
        }
    }
    None
}

/// The fault of what stands here.
pub(super) fn too_deep(range: std::ops::Range<usize>) -> Fault {
    Fault::new(Code::TooDeep, range, "this is nested too deeply").help(format!(
        "{MAX_DEPTH} levels are allowed; does an alias stand inside its own anchor?"
    ))
}
