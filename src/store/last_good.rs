//! The last rules that passed every check, for a callback that finds the file broken, and the result of checking the current
//! file: `check` takes longer than a callback, and runs once for each change of the file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::source::Source;

use super::file;
use super::replace_private_file;

/// The version of this program: another version may find other problems.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The directory of the copies: one file for each path that rules were read from.
#[derive(Debug, Clone)]
pub struct LastGood {
    file: PathBuf,
    refused: PathBuf,
}

/// The result of checking rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// They passed every check.
    Good,
    /// They passed every check of another version of this program.
    GoodBefore,
    /// They have these errors.
    Refused(Vec<String>),
    /// There is no result.
    Nothing,
}

impl LastGood {
    /// The copy of the rules at a path, in this directory.
    #[must_use]
    pub fn of(rules: &Path, folder: &Path) -> Self {
        // Links are not resolved: a new version may be deployed by changing one.
        let rules = std::path::absolute(rules).unwrap_or_else(|_| rules.to_owned());
        let name = format!("rules-{:016x}", fnv1a(rules.as_os_str().as_encoded_bytes()));
        Self {
            file: folder.join(format!("{name}.json")),
            refused: folder.join(format!("{name}.refused.json")),
        }
    }

    /// The result of checking these rules, if any.
    pub fn known(&self, sources: &[Source]) -> Known {
        let kept = fs::read(&self.file).unwrap_or_default();
        if kept == write(sources, PROGRAM).as_bytes() {
            return Known::Good;
        }
        if let Some(program) = program(&kept)
            && kept == write(sources, &program).as_bytes()
        {
            return Known::GoodBefore;
        }
        self.refusal(sources).map_or(Known::Nothing, Known::Refused)
    }

    fn refusal(&self, sources: &[Source]) -> Option<Vec<String>> {
        let text = fs::read_to_string(&self.refused).ok()?;
        let refusal: Value = serde_json::from_str(&text).ok()?;
        let is = |key: &str, wanted: &str| refusal.get(key).and_then(Value::as_str) == Some(wanted);
        if !is("program", PROGRAM) || !is("rules", &fingerprint(sources)) {
            return None;
        }
        let errors = refusal.get("errors")?.as_array()?.iter();
        errors
            .map(|error| error.as_str().map(str::to_owned))
            .collect()
    }

    /// Records that rules have errors. The last good ones are kept.
    pub fn refuse(&self, sources: &[Source], errors: &[String]) -> io::Result<()> {
        let rules = fingerprint(sources);
        let refusal = json!({"version": 1, "program": PROGRAM, "rules": rules, "errors": errors});
        replace(&self.refused, &refusal.to_string())
    }

    /// Stores rules that passed. The file is replaced atomically.
    pub fn keep(&self, sources: &[Source]) -> io::Result<()> {
        replace(&self.file, &write(sources, PROGRAM))
    }

    /// The stored rules; `None` if there are none.
    #[must_use]
    pub fn fetch(&self) -> Option<Vec<Source>> {
        let text = fs::read_to_string(&self.file).ok()?;
        read(&serde_json::from_str(&text).ok()?)
    }
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        file::make_folder(folder)?;
    }
    replace_private_file(file, text)
}

fn write(sources: &[Source], program: &str) -> String {
    json!({"version": 1, "program": program, "files": files(sources)}).to_string()
}

fn files(sources: &[Source]) -> Vec<Value> {
    sources
        .iter()
        .map(|source| json!({"name": &*source.name, "text": &*source.text}))
        .collect()
}

/// The version of the program that wrote a copy.
fn program(kept: &[u8]) -> Option<String> {
    let kept: Value = serde_json::from_slice(kept).ok()?;
    Some(kept.get("program")?.as_str()?.to_owned())
}

/// A text that differs for different rules.
fn fingerprint(sources: &[Source]) -> String {
    let text = Value::from(files(sources)).to_string();
    format!("{}-{:016x}", text.len(), fnv1a(text.as_bytes()))
}

fn read(value: &Value) -> Option<Vec<Source>> {
    value
        .get("files")?
        .as_array()?
        .iter()
        .map(|file| {
            Some(Source::new(
                file.get("name")?.as_str()?,
                file.get("text")?.as_str()?,
            ))
        })
        .collect()
}

/// FNV-1a: the file name must stay the same in all versions.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
