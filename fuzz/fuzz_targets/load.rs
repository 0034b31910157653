//! Any text as a rules file: it loads or is explained, and the explanation can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patroni_barman::diagnostic::Severity;
use patroni_barman::report::{Colour, findings};
use patroni_barman::source::Source;
use patroni_barman::{check, load};

fuzz_target!(|text: &str| {
    // Files of a directory are told apart by a line that no rules file has.
    let sources: Vec<Source> = text
        .split("\n=====\n")
        .enumerate()
        .map(|(number, text)| Source::new(format!("{number}.yml"), text))
        .collect();
    let loaded = load::load(&sources);
    let broken = loaded
        .findings
        .iter()
        .any(|finding| finding.severity() == Severity::Error);
    assert_eq!(loaded.rules.is_none(), broken);
    let found = check::findings(&sources);
    for place in found
        .iter()
        .flat_map(|finding| finding.related.iter().map(|r| &r.place).chain([&finding.place]))
    {
        let source = sources.iter().find(|source| source.name == place.file);
        let line = source.unwrap().line(place.position.line);
        let columns = line.unwrap_or_default().chars().count();
        assert!(place.position.column <= columns + 1, "{place:?}");
    }
    let shown = findings::human(&found, &sources, Colour::Never);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
    let _ = findings::human(&found, &sources, Colour::Always);
    let careful: Vec<Source> = sources
        .iter()
        // What looks like a tag keeps the fast reading away.
        .map(|source| Source::new(source.name.clone(), format!("{}# !!\n", source.text)))
        .collect();
    if loaded.rules.is_some() && sources.iter().all(|source| source.text.ends_with('\n')) {
        assert_eq!(load::load(&careful).rules, loaded.rules);
    }
    if let Some(rules) = loaded.rules {
        for rule in &rules.rules {
            assert!(!rule.on.is_empty() && !rule.requests.is_empty());
            assert!(rule.requests.iter().all(|request| rules.apis.contains_key(&request.api)));
        }
    }
});
