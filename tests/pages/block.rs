//! The fenced blocks of a page.

/// A fenced block, without the indentation that it has inside a list.
pub struct Block {
    /// The word behind the fence.
    pub language: String,
    pub text: String,
    /// The line of its fence, counted from 1.
    pub line: usize,
    /// The file that it is the content of: a paragraph before it ends with "`PATH`:", or the heading is the path.
    pub file: Option<String>,
    /// The text is added to the file: the paragraph before it begins with "Add".
    pub added: bool,
}

/// All blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut before = "";
    let mut heading = "";
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            if line.starts_with('#') {
                heading = line;
            }
            if !line.trim().is_empty() {
                before = line.trim();
            }
            continue;
        };
        let indentation = line.len() - line.trim_start().len();
        let mut text = String::new();
        for (_, line) in lines.by_ref() {
            if line.trim_start().starts_with("```") {
                break;
            }
            text += line.get(indentation..).unwrap_or_default();
            text.push('\n');
        }
        found.push(Block {
            language: language.to_owned(),
            text,
            line: number + 1,
            file: named(before).or_else(|| titled(heading)),
            added: before
                .trim_start_matches(|c: char| !c.is_alphabetic())
                .starts_with("Add"),
        });
        before = "";
        heading = "";
    }
    found
}

/// The path at the end of "Write the rules to `PATH`:".
fn named(sentence: &str) -> Option<String> {
    let path = sentence.strip_suffix("`:")?.rsplit('`').next()?;
    is_path(path).then(|| path.to_owned())
}

/// The path that is a heading.
fn titled(heading: &str) -> Option<String> {
    let path = heading.trim_start_matches(['#', ' ']).strip_prefix('`')?;
    let path = path.strip_suffix('`')?;
    is_path(path).then(|| path.to_owned())
}

fn is_path(word: &str) -> bool {
    word.contains(['/', '.']) && !word.contains(' ')
}
