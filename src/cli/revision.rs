//! Rules as they are in a folder, or as they were in a git revision: `git:REV:PATH`.

use std::path::Path;
use std::process::Command;

use crate::load::read;
use crate::source::Source;

use super::exit::{Exit, USAGE};

/// What a place in git's history begins with.
const PREFIX: &str = "git:";

/// Reads the rules at a path or in a revision.
///
/// # Errors
/// [`Exit`] if they can't be read.
pub fn sources(place: &str) -> Result<Vec<Source>, Exit> {
    let Some(rest) = place.strip_prefix(PREFIX) else {
        return read(Path::new(place)).map_err(|error| Exit::new(USAGE, error.to_string()));
    };
    let (revision, path) = rest
        .split_once(':')
        .filter(|(revision, path)| !revision.is_empty() && !path.is_empty())
        .ok_or_else(|| {
            Exit::new(USAGE, format!("`{place}` is no place in git's history"))
                .help("write `git:REVISION:PATH`, for example `git:main:rules.yml`")
        })?;
    if revision.starts_with('-') {
        return Err(Exit::new(USAGE, format!("`{revision}` is no revision")));
    }
    let object = format!("{revision}:{}", path.trim_end_matches('/'));
    if git(place, &["cat-file", "-t", &object])?.trim() != "tree" {
        let text = git(place, &["cat-file", "blob", &object])?;
        return Ok(vec![Source::new(place, text)]);
    }
    let listed = git(place, &["ls-tree", "-z", "--name-only", &object])?;
    let mut names: Vec<&str> = listed.split('\0').filter(|name| is_rules(name)).collect();
    names.sort_unstable();
    if names.is_empty() {
        let message = format!("`{place}` has no `*.yml` or `*.yaml` file in it");
        return Err(Exit::new(USAGE, message));
    }
    let source = |name: &&str| {
        let text = git(place, &["cat-file", "blob", &format!("{object}/{name}")])?;
        Ok(Source::new(format!("{place}/{name}"), text))
    };
    names.iter().map(source).collect()
}

fn is_rules(name: &str) -> bool {
    let yaml = Path::new(name).extension();
    let yaml = yaml.is_some_and(|extension| extension == "yml" || extension == "yaml");
    yaml && !name.starts_with('.')
}

/// What git prints.
fn git(place: &str, arguments: &[&str]) -> Result<String, Exit> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .map_err(|error| {
            Exit::new(
                USAGE,
                format!("can't read `{place}`: git does not run: {error}"),
            )
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or_default();
        let said = said.strip_prefix("fatal: ").unwrap_or(said);
        return Err(Exit::new(
            USAGE,
            format!("can't read `{place}`: git says: {said}"),
        ));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Exit::new(USAGE, format!("`{place}` is not UTF-8")))
}
