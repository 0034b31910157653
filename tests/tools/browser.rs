//! The HTML pages in a browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::prerequisite::find;
use crate::support::program::{root, stdout};
use crate::support::text::{has, lacks};

/// The names of browsers with this command line.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Loads a page in a window of this size, with more options, and returns the browser's document. The browser must not
/// complain about it.
pub fn load(page: &Path, (width, height): (u32, u32), options: &[&str]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new(find(&BROWSERS, "chromium"));
    browser
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
        .args(options)
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()));
    Ended::of(&mut browser)
        .exits(0)
        .never_says("CONSOLE")
        .stdout
}

#[test]
fn the_pages_load_without_a_complaint() {
    let old = root().join("rules/two-sites.yml");
    let text = fs::read_to_string(&old).unwrap();
    let folder = Folder::new();
    let new = &folder.write("<b>&new.yml", text.replace("-remote", "-far"));
    let old = old.to_str().unwrap();
    let options = ["--format", "html", "--env", "SITE=paris"];
    let html = |words: &[&str]| stdout(&[words, &options].concat(), 0);
    for (page, seen) in [
        (html(&["matrix", new]), "primary-in-paris"),
        (html(&["diff", old, new]), "body.model_name"),
    ] {
        lacks(&page, "<b>&new");
        folder.write("page.html", page);
        for width in [500, 1280] {
            has(&load(&folder.path("page.html"), (width, 900), &[]), seen);
        }
    }
}
