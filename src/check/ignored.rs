//! Files next to or below a rules directory that are not read, though they look like rules.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Finding, Place};
use crate::source::Position;

/// One finding for each file that [`load::ignored`](crate::load::ignored) finds for a directory.
pub fn ignored(directory: &Path, files: &[PathBuf]) -> Vec<Finding> {
    let finding = |file: &PathBuf| {
        let nested = file.strip_prefix(directory).is_ok_and(is_nested);
        let directory = directory.display();
        let (message, help) = match file.parent() {
            Some(folder) if nested => (
                format!(
                    "`{}` is not read: the rules of `{directory}` are the files in it, not those below",
                    folder.display()
                ),
                format!(
                    "move the file to `{directory}`, or check `{}` as a rule set of its own",
                    folder.display()
                ),
            ),
            _ => (
                format!(
                    "this file is not read: the rules of `{directory}` are its `*.yml` and `*.yaml` files"
                ),
                "rename it, or move it away if it is not meant to be used".to_owned(),
            ),
        };
        Finding {
            code: Code::IgnoredFile,
            message,
            place: Place {
                file: file.display().to_string().into(),
                position: Position::START,
                length: 1,
            },
            help: Some(help),
            related: Vec::new(),
        }
    };
    files.iter().map(finding).collect()
}

fn is_nested(path: &Path) -> bool {
    path.components().count() > 1
}
