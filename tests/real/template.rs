//! The files of `templates/`: complete configurations as in the documentation, with the
//! addresses, ports and paths of one test in place of the documented ones.

use std::path::Path;

/// The file `name` of `templates/`.
pub fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/real/templates")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces each first word by the second one. A first word that does not occur is an error.
pub fn fill(text: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(
            text.contains(from),
            "`{from}` is not in the template:\n{text}"
        );
        text.replace(from, to)
    })
}
