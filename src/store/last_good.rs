//! The last rules that passed every check, for a callback that finds the file broken.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::source::Source;

use super::file;
use super::replace_private_file;

/// Where the copies are: a file for each path that rules were read from.
#[derive(Debug, Clone)]
pub struct LastGood {
    file: PathBuf,
}

impl LastGood {
    /// The copy of the rules at a path, in this folder.
    #[must_use]
    pub fn of(rules: &Path, folder: &Path) -> Self {
        // Links are not followed: a new version may come by pointing one somewhere else.
        let rules = std::path::absolute(rules).unwrap_or_else(|_| rules.to_owned());
        let name = format!(
            "rules-{:016x}.json",
            fnv1a(rules.as_os_str().as_encoded_bytes())
        );
        Self {
            file: folder.join(name),
        }
    }

    /// Keeps rules that passed, unless they are kept already. The file appears as a whole or not at all.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn keep(&self, sources: &[Source]) -> io::Result<()> {
        let text = write(sources).to_string();
        if fs::read(&self.file).is_ok_and(|kept| kept == text.as_bytes()) {
            return Ok(());
        }
        if let Some(folder) = self.file.parent() {
            file::make_folder(folder)?;
        }
        replace_private_file(&self.file, &text)
    }

    /// The rules that were kept; `None` if there are none.
    #[must_use]
    pub fn fetch(&self) -> Option<Vec<Source>> {
        let text = fs::read_to_string(&self.file).ok()?;
        read(&serde_json::from_str(&text).ok()?)
    }
}

fn write(sources: &[Source]) -> Value {
    let files: Vec<Value> = sources
        .iter()
        .map(|source| json!({"name": &*source.name, "text": &*source.text}))
        .collect();
    json!({"version": 1, "files": files})
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

/// FNV-1a: a file name that stays the same from version to version.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
