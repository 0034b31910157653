//! Rules as they are in a folder, as they were in a git revision: `git:REV:PATH`, or as they are staged: `git::PATH`.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::load::{ReadError, read};
use crate::source::Source;

use super::exit::{Exit, USAGE};

/// What a place in git's history begins with.
const PREFIX: &str = "git:";

/// What is at a place.
pub enum Found {
    /// Rules, or what ought to be some.
    Rules(Vec<Source>),
    /// An empty file, as `/dev/null` is: no rules, on purpose.
    Empty,
    /// Nothing, and the sentence that says so.
    Missing(Exit),
}

/// Reads the rules at a path, in a revision, or in git's index.
///
/// # Errors
/// [`Exit`] if they can't be read.
pub fn sources(place: &str) -> Result<Found, Exit> {
    let found = match place.strip_prefix(PREFIX) {
        Some(rest) => of_git(place, rest)?,
        None => of_disk(Path::new(place))?,
    };
    Ok(match found {
        Found::Rules(sources) if sources.iter().all(|source| source.text.trim().is_empty()) => {
            Found::Empty
        }
        found => found,
    })
}

fn of_disk(path: &Path) -> Result<Found, Exit> {
    match read(path) {
        Ok(sources) => Ok(Found::Rules(sources)),
        Err(ReadError::Io { source, path }) if source.kind() == io::ErrorKind::NotFound => {
            let error = ReadError::Io { path, source };
            Ok(Found::Missing(Exit::new(USAGE, error.to_string())))
        }
        Err(error) => Err(Exit::new(USAGE, error.to_string())),
    }
}

fn of_git(place: &str, rest: &str) -> Result<Found, Exit> {
    let (revision, path) = split(rest).filter(|(_, path)| !path.is_empty()).ok_or_else(|| {
        Exit::new(USAGE, format!("`{place}` is no place in git's history")).help(
            "write `git:REVISION:PATH`, for example `git:main:rules.yml`, or `git::PATH` for what is staged",
        )
    })?;
    if revision.starts_with('-') {
        return Err(Exit::new(USAGE, format!("`{revision}` is no revision")));
    }
    // The index as a tree: then it is read as any other.
    let tree = match revision {
        "" => git(place, &["write-tree"])?.trim().to_owned(),
        revision => revision.to_owned(),
    };
    let object = format!("{tree}:{path}");
    let tree = match look(place, &object)? {
        Entry::File(text) => return Ok(Found::Rules(vec![Source::new(place, text)])),
        Entry::Folder(tree) => tree,
        Entry::None => {
            let of = match revision {
                "" => "what is staged".to_owned(),
                revision => format!("`{revision}`"),
            };
            let message = format!("there is no `{path}` in {of}");
            return Ok(Found::Missing(Exit::new(USAGE, message)));
        }
    };
    let listed = git(place, &["ls-tree", "-z", "--full-tree", &tree])?;
    let mut names: Vec<&str> = listed.split('\0').filter_map(rules_file).collect();
    names.sort_unstable();
    let mut sources = Vec::new();
    for name in names {
        // What a link named like rules leads to may be a folder, and those are no rules.
        if let Entry::File(text) = look(place, &within(&object, name))? {
            sources.push(Source::new(within(place, name), text));
        }
    }
    if sources.is_empty() {
        let message = format!("`{place}` has no `*.yml` or `*.yaml` file in it");
        return Err(Exit::new(USAGE, message));
    }
    Ok(Found::Rules(sources))
}

/// The revision and the path. A colon in braces, as in `main@{2026-11-26 10:00}`, belongs to the revision.
fn split(rest: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return Some((rest.get(..at)?, rest.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// What is at a path of a revision.
enum Entry {
    /// A file's text.
    File(String),
    /// The name that git has for a folder's list.
    Folder(String),
    /// Nothing.
    None,
}

/// Looks at a path as a disk would: links are followed as long as they stay in the revision.
fn look(place: &str, object: &str) -> Result<Entry, Exit> {
    let failed = |why: &str| Exit::new(USAGE, format!("can't read `{place}`: {why}"));
    if object.contains('\n') {
        return Err(failed("a path of two lines can't be looked up"));
    }
    let answer = ask(place, &["cat-file", "--batch", "--follow-symlinks"], object)?;
    let end = answer.iter().position(|byte| *byte == b'\n');
    let (head, content) = answer.split_at(end.unwrap_or(answer.len()));
    let head = String::from_utf8_lossy(head);
    match head.split(' ').collect::<Vec<_>>().as_slice() {
        [tree, "tree", _] => Ok(Entry::Folder((*tree).to_owned())),
        [_, "blob", _] => {
            // Behind the head and behind the content git ends a line.
            let content = content.strip_prefix(b"\n").unwrap_or(content);
            let content = content.strip_suffix(b"\n").unwrap_or(content);
            Ok(Entry::File(text(place, content.to_vec())?))
        }
        ["symlink", _] => Err(failed("the link leads out of what git has of the revision")),
        ["dangling", _] => Err(failed("the link leads nowhere in the revision")),
        ["loop", _] => Err(failed("the link leads to itself")),
        // Here git says that it found nothing, and there it says why.
        _ => match git(place, &["cat-file", "-t", object]) {
            Ok(kind) => Err(failed(&format!("a {} is no rules file", kind.trim()))),
            Err(_) if is_revision(place, object) => Ok(Entry::None),
            Err(why) => Err(why),
        },
    }
}

/// Whether git knows the revision of an object that it does not have.
fn is_revision(place: &str, object: &str) -> bool {
    let revision = split(object).map_or("", |(revision, _)| revision);
    let tree = format!("{revision}^{{tree}}");
    git(place, &["rev-parse", "--verify", "--quiet", &tree]).is_ok()
}

fn within(folder: &str, name: &str) -> String {
    let slash = if folder.ends_with(['/', ':']) {
        ""
    } else {
        "/"
    };
    format!("{folder}{slash}{name}")
}

/// The name in a line of git's list, if it may be one of a rules file. The line is `MODE TYPE ID<tab>NAME`.
fn rules_file(line: &str) -> Option<&str> {
    let (what, name) = line.split_once('\t')?;
    (what.contains(" blob ") && is_rules(name)).then_some(name)
}

fn is_rules(name: &str) -> bool {
    let yaml = Path::new(name).extension();
    let yaml = yaml.is_some_and(|extension| extension == "yml" || extension == "yaml");
    yaml && !name.starts_with('.')
}

/// What git prints, as text.
fn git(place: &str, arguments: &[&str]) -> Result<String, Exit> {
    text(place, ask(place, arguments, "")?)
}

fn text(place: &str, bytes: Vec<u8>) -> Result<String, Exit> {
    String::from_utf8(bytes).map_err(|_| Exit::new(USAGE, format!("`{place}` is not UTF-8")))
}

/// What git prints when it is asked this line on its standard input.
fn ask(place: &str, arguments: &[&str], line: &str) -> Result<Vec<u8>, Exit> {
    let failed = |why: String| Exit::new(USAGE, format!("can't read `{place}`: {why}"));
    let run = || {
        let mut git = Command::new("git")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = git.stdin.take() {
            // If git has ended without reading it, what it says tells more.
            let _ = writeln!(stdin, "{line}");
        }
        git.wait_with_output()
    };
    let output = run().map_err(|error| failed(format!("git does not run: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(format!("git says: {}", reason(&said))));
    }
    Ok(output.stdout)
}

/// Why git failed, among what else it says.
fn reason(said: &str) -> &str {
    let fatal = said.lines().find_map(|line| line.strip_prefix("fatal: "));
    fatal.unwrap_or_else(|| said.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_colon_in_braces_belongs_to_the_revision() {
        for (rest, expected) in [
            ("main:a.yml", Some(("main", "a.yml"))),
            (
                "main@{2026-11-26 10:00}:a.yml",
                Some(("main@{2026-11-26 10:00}", "a.yml")),
            ),
            (
                "HEAD^{/fix: it}:a:b.yml",
                Some(("HEAD^{/fix: it}", "a:b.yml")),
            ),
            (":a.yml", Some(("", "a.yml"))),
            ("main", None),
        ] {
            assert_eq!(split(rest), expected, "{rest}");
        }
    }
}
