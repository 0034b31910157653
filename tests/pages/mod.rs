//! The README and the pages of `docs`: links, configuration files and commands work as they are written.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::root;

mod block;
mod commands;
mod files;
mod links;
mod messages;
mod output;
mod session;
mod shell;

/// A page of the documentation.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        Self { path, text }
    }

    /// Its path in the repository.
    fn name(&self) -> String {
        let inside = self.path.strip_prefix(root()).unwrap();
        inside.display().to_string()
    }
}

/// The README and every page of `docs`.
fn pages() -> Vec<Page> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = docs.filter(|path| is_page(path)).collect();
    paths.sort();
    paths.insert(0, root().join("README.md"));
    assert!(paths.len() > 15);
    paths.into_iter().map(Page::read).collect()
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}
