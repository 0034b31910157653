//! The pages that users read first work as written.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::program;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    assert!(pages.len() > 5);
    pages
}

/// The blocks of a page that are in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let open = format!("\n```{language}\n");
    page.split(&open)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap().to_owned() + "\n")
        .collect()
}

#[test]
fn rules_files_on_the_first_pages_have_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    for page in ["README.md", "docs/quick-start.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let rules: Vec<String> = blocks(&text, "yaml")
            .into_iter()
            .filter(|block| block.starts_with("version: 1\n"))
            .collect();
        assert_eq!(rules.len(), 1, "{page}");
        for text in rules {
            let path = folder.path().join("rules.yml");
            fs::write(&path, text).unwrap();
            let output = program().arg("check").arg(&path).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{page}: {said}");
            assert!(said.ends_with("nothing found\n"), "{page}: {said}");
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            let file = link.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            seen += 1;
            let target = page.parent().unwrap().join(file);
            assert!(target.exists(), "{}: there is no `{link}`", page.display());
        }
    }
    assert!(seen > 20, "{seen}");
}
