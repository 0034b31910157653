//! Links between pages.

use std::collections::BTreeSet;
use std::fs;

use super::{Page, pages};
use crate::support::program::root;

#[test]
fn links_between_pages_lead_to_a_page_and_its_heading() {
    let mut seen = 0;
    let mut all = pages();
    for other in ["CONTRIBUTING.md", "SECURITY.md"] {
        all.push(Page::read(root().join(other)));
    }
    let mut broken = Vec::new();
    for page in &all {
        for link in links(&page.text) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.path.clone(),
                file => page.path.parent().unwrap().join(file),
            };
            seen += 1;
            let there = match fs::read_to_string(&target) {
                Ok(text) if !anchor.is_empty() => anchors(&text).contains(anchor),
                _ => target.exists(),
            };
            if !there {
                broken.push(format!("{}: `{link}` leads nowhere", page.name()));
            }
        }
    }
    assert_eq!(broken, [] as [String; 0]);
    assert!(seen > 100, "{seen}");
}

#[test]
fn the_index_names_every_page() {
    let index = Page::read(root().join("docs/README.md"));
    let linked: BTreeSet<&str> = links(&index.text).collect();
    for page in pages() {
        let name = page.path.file_name().unwrap().to_str().unwrap();
        if name != "README.md" {
            assert!(linked.contains(name), "docs/README.md has no `{name}`");
        }
    }
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    let links = text.split("](").skip(1);
    let links = links.map(|link| link.split(')').next().unwrap());
    links.filter(|link| !link.contains("://"))
}

/// The anchors that GitHub and GitLab make of a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
