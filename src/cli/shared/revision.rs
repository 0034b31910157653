//! Rules in a directory, in a git revision (`git:REV:PATH`), or in git's index (`git::PATH`).

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::load::{ReadError, read};
use crate::source::Source;

use super::exit::{Exit, USAGE};

/// The prefix of a place in git.
const PREFIX: &str = "git:";

/// The content of a place.
pub enum Found {
    /// Rules, or a text that should be rules.
    Rules(Vec<Source>),
    /// An empty file such as `/dev/null`: no rules, on purpose.
    Empty,
    /// Nothing, with the error message.
    Missing(Exit),
}

/// Reads the rules at a path, in a revision, or in git's index.
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
    // The index as a tree can be read like any other.
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
        // A link named like rules may lead to a directory, which is not read.
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

/// The object at a path of a revision.
enum Entry {
    File(String),
    /// The object name of a directory's tree.
    Folder(String),
    None,
}

/// Resolves a path as a file system would: links are followed as long as they stay in the revision.
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
            // Git ends both the header and the content with a line feed.
            let content = content.strip_prefix(b"\n").unwrap_or(content);
            let content = content.strip_suffix(b"\n").unwrap_or(content);
            Ok(Entry::File(text(place, content.to_vec())?))
        }
        ["symlink", _] => Err(failed("the link leads out of what git has of the revision")),
        ["dangling", _] => Err(failed("the link leads nowhere in the revision")),
        ["loop", _] => Err(failed("the link leads to itself")),
        // This command reports that nothing was found; the next one says why.
        _ => match git(place, &["cat-file", "-t", object]) {
            Ok(kind) => Err(failed(&format!("a {} is no rules file", kind.trim()))),
            Err(_) if is_revision(place, object) => Ok(Entry::None),
            Err(why) => Err(why),
        },
    }
}

/// Returns true if git knows the revision of a missing object.
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

/// The name in a line of git's tree listing, if it may be a rules file. The line is `MODE TYPE ID<tab>NAME`.
fn rules_file(line: &str) -> Option<&str> {
    let (what, name) = line.split_once('\t')?;
    (what.contains(" blob ") && is_rules(name)).then_some(name)
}

fn is_rules(name: &str) -> bool {
    let yaml = Path::new(name).extension();
    let yaml = yaml.is_some_and(|extension| extension == "yml" || extension == "yaml");
    yaml && !name.starts_with('.')
}

/// The output of git, as text.
fn git(place: &str, arguments: &[&str]) -> Result<String, Exit> {
    text(place, ask(place, arguments, "")?)
}

fn text(place: &str, bytes: Vec<u8>) -> Result<String, Exit> {
    String::from_utf8(bytes).map_err(|_| Exit::new(USAGE, format!("`{place}` is not UTF-8")))
}

/// The output of git with this line on its standard input.
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
            // If git has ended without reading it, its own message says more.
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

/// The reason for git's failure, from its messages.
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
