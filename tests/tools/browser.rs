//! The HTML pages in a browser.

use std::fs;
use std::process::Command;

use crate::support::prerequisite::find;
use crate::support::program::{root, stdout};

/// The names of browsers with this command line.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

pub fn browser() -> std::path::PathBuf {
    find(&BROWSERS, "chromium")
}

/// Loads a page; returns the browser's document and its log.
fn load(page: &str, width: u32) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, page).unwrap();
    let output = Command::new(browser())
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--window-size={width},900"))
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_pages_load_without_a_complaint() {
    let old = root().join("rules/two-sites.yml");
    let text = fs::read_to_string(&old).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("<b>&new.yml");
    fs::write(&new, text.replace("-remote", "-far")).unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let matrix = stdout(
        &["matrix", "--format", "html", "--env", "SITE=paris", new],
        0,
    );
    let diff = stdout(
        &["diff", "--format", "html", "--env", "SITE=paris", old, new],
        0,
    );
    for (page, seen) in [(matrix, "primary-in-paris"), (diff, "body.model_name")] {
        assert!(!page.contains("<b>&new"), "the file's name is not escaped");
        for width in [500, 1280] {
            let (dom, said) = load(&page, width);
            assert!(dom.contains(seen), "{dom}");
            assert!(!said.contains("CONSOLE"), "{said}");
        }
    }
}
