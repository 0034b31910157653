//! From a path to the texts of a rule set.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// Rules that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file or directory does not exist or is not accessible.
    #[error("can't read `{}`: {source}", path.display())]
    Io {
        /// The path as it was given, or that of a file in it.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// More than 4 MiB.
    #[error("`{}` is larger than 4 MiB, which no rules file is", .0.display())]
    TooLarge(PathBuf),
    /// Bytes that are not UTF-8.
    #[error("`{}` is not UTF-8: line {line} has other bytes in it", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first one.
        line: usize,
    },
    /// Text in UTF-16.
    #[error("`{}` is UTF-16, not UTF-8: save it as UTF-8", .0.display())]
    Utf16(PathBuf),
    /// A named pipe.
    #[error("`{}` is a pipe and no file", .0.display())]
    Pipe(PathBuf),
    /// A directory without rules.
    #[error("`{}` has no `*.yml` or `*.yaml` file in it", .0.display())]
    EmptyDirectory(PathBuf),
}

impl ReadError {
    /// The file or directory that can't be read.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::TooLarge(path)
            | Self::Utf16(path)
            | Self::Pipe(path)
            | Self::EmptyDirectory(path) => path,
        }
    }
}

/// Reads a file, or the `*.yml` and `*.yaml` files of a directory in the order of their names.
pub fn read(path: &Path) -> Result<Vec<Source>, ReadError> {
    if !path.metadata().map_err(failed(path))?.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(failed(path))? {
        let file = entry.map_err(failed(path))?.path();
        if is_rules_file(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(ReadError::EmptyDirectory(path.to_owned()));
    }
    files.iter().map(|file| read_file(file)).collect()
}

/// Reads an open file, standard input for example, with this name in findings.
pub fn read_from(reader: impl Read, name: &Path) -> Result<Source, ReadError> {
    let mut bytes = Vec::new();
    let read = reader.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(failed(name))?;
    source(name, bytes)
}

/// Returns true for files that are read as part of their directory. Editors and configuration management leave hidden files
/// behind; they are not rules.
pub(super) fn is_rules_file(path: &Path) -> bool {
    let yaml = path
        .extension()
        .is_some_and(|extension| extension == "yml" || extension == "yaml");
    yaml && !is_hidden(path) && !path.is_dir()
}

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Returns true for a named pipe. Opening one without a writer never ends; one that a shell created for
/// us has its writer.
pub fn is_pipe(path: &Path) -> io::Result<bool> {
    let fifo = path.metadata()?.file_type().is_fifo();
    Ok(fifo && !path.starts_with("/dev") && !path.starts_with("/proc"))
}

fn read_file(path: &Path) -> Result<Source, ReadError> {
    if is_pipe(path).map_err(failed(path))? {
        return Err(ReadError::Pipe(path.to_owned()));
    }
    read_from(File::open(path).map_err(failed(path))?, path)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ReadError {
    |source| ReadError::Io {
        path: path.to_owned(),
        source,
    }
}

fn source(path: &Path, bytes: Vec<u8>) -> Result<Source, ReadError> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(ReadError::TooLarge(path.to_owned()));
    }
    if is_utf16(&bytes) {
        return Err(ReadError::Utf16(path.to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let lines = error.as_bytes().iter().take(valid);
        ReadError::NotUtf8 {
            path: path.to_owned(),
            line: lines.filter(|byte| **byte == b'\n').count() + 1,
        }
    })?;
    Ok(Source::new(path.display().to_string(), text))
}

/// Recognises UTF-16 by its byte order mark or, without one, by the zero in each of the first characters, which are ASCII in
/// YAML.
fn is_utf16(bytes: &[u8]) -> bool {
    let zeros = |second: usize| {
        let mut pairs = bytes.chunks_exact(2).take(4);
        bytes.len() >= 8
            && pairs.all(|pair| pair.iter().position(|byte| *byte == 0) == Some(second))
    };
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || zeros(0) || zeros(1)
}
