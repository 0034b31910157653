//! Files that are hard on the parsers and on the search for a position in them.

use crate::files::{HEAD, Hostile, filled, rule, with};

pub const FILES: [Hostile; 26] = [
    ("tab lines", || format!("{HEAD}{}", "\t\n".repeat(100_000))),
    ("tab keys", || filled(HEAD, "\tx: y\n", "")),
    ("open braces and empty lines", || {
        format!("{HEAD}vars: {}{}", "{".repeat(60), "\n".repeat(1_000_000))
    }),
    ("deep flow", || filled(&format!("{HEAD}vars: "), "[", "")),
    ("deep flow, closed", || {
        format!(
            "{HEAD}vars: {}{}\n",
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        )
    }),
    ("deep flow of mappings", || {
        filled(&format!("{HEAD}vars: "), "{a: ", "")
    }),
    ("deep dashes", || {
        filled(&format!("{HEAD}vars:\n  "), "- ", "x\n")
    }),
    ("deep question marks", || {
        filled(&format!("{HEAD}vars:\n  "), "? ", "x\n")
    }),
    ("deep indentation", || {
        (0..2_850).fold(HEAD.to_owned(), |text, level| {
            text + &" ".repeat(level) + "a:\n"
        })
    }),
    ("empty lines", || filled(HEAD, "\n", "rules: []\n")),
    ("carriage returns", || filled(HEAD, "\r", "rules: []\n")),
    ("comments", || {
        filled(HEAD, "#\n", &format!("rules:\n{}", rule(1, "")))
    }),
    ("allow comments", || {
        filled(
            HEAD,
            "# patroni_barman: allow(PB203) x\n",
            &format!("rules:\n{}", rule(1, "")),
        )
    }),
    ("glued comments", || filled(HEAD, "a: [b]#c\n", "")),
    ("documents", || filled(HEAD, "---\n", "")),
    ("tags", || {
        filled(
            &format!("{HEAD}vars:\n  a: ["),
            "!x y,",
            &format!("]\nrules:\n{}", rule(1, "")),
        )
    }),
    ("anchors and aliases", || {
        let anchors: Vec<String> = (0..100_000)
            .map(|number| format!("&a{number} x,*a{number},"))
            .collect();
        let anchors = anchors.concat();
        with(&format!("vars: {{a: [{anchors}]}}\n"))
    }),
    ("anchors around anchors", || {
        let open: Vec<String> = (0..60).map(|number| format!("&a{number} [")).collect();
        let open = open.concat();
        let rest = "x,".repeat(300_000);
        with(&format!(
            "vars: {{a: {open}{rest}{}, b: [{}]}}\n",
            "]".repeat(60),
            "*a59,".repeat(100)
        ))
    }),
    ("a string that is not closed", || {
        filled(&format!("{HEAD}vars:\n  a: \""), "x\n  ", "")
    }),
    ("escapes", || {
        filled(
            &format!("{HEAD}vars:\n  a: \""),
            "\\x41",
            &format!("\"\nrules:\n{}", rule(1, "")),
        )
    }),
    ("one line", || {
        with(&format!("vars: {{a: \"{}\"}}\n", "x".repeat(4_000_000)))
    }),
    ("a block of text", || {
        filled(
            &format!("{HEAD}vars:\n  a: |\n"),
            "    x y\n",
            &format!("rules:\n{}", rule(1, "")),
        )
    }),
    ("a template with many parts", || {
        filled(
            &format!("{HEAD}vars:\n  a: \""),
            "{{ node }}",
            &format!("\"\nrules:\n{}", rule(1, "    when: a != \"x\"\n")),
        )
    }),
    ("a long number", || {
        with(&format!("vars: {{a: {}}}\n", "9".repeat(4_000_000)))
    }),
    ("errors in one line", || {
        filled(&format!("{HEAD}rules: ["), "{name: 1},", "]\n")
    }),
    ("unclosed lists in lines", || {
        filled(&format!("{HEAD}vars:\n"), "  a: [\n", "")
    }),
];
