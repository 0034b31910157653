//! Files with a huge number of one thing.

use crate::files::{HEAD, Hostile, filled, rule, with};

/// This many lines, made from their numbers.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

pub const FILES: [Hostile; 19] = [
    ("clusters of one rule", || {
        let clusters = lines(20_000, |number| format!("c{number},"));
        format!(
            "{HEAD}rules:\n{}",
            rule(1, &format!("    cluster: [{clusters}]\n"))
        )
    }),
    ("clusters of one rule, more", || {
        let clusters = lines(300_000, |number| format!("c{number},"));
        format!(
            "{HEAD}rules:\n{}",
            rule(1, &format!("    cluster: [{clusters}]\n"))
        )
    }),
    ("clusters that repeat", || {
        let clusters = lines(300_000, |number| format!("c{},", number % 150_000));
        format!(
            "{HEAD}rules:\n{}",
            rule(1, &format!("    cluster: [{clusters}]\n"))
        )
    }),
    ("globs of one rule", || {
        let clusters = lines(3_000, |number| format!("\"*a{number}*b*\","));
        format!(
            "{HEAD}rules:\n{}",
            rule(1, &format!("    cluster: [{clusters}]\n"))
        )
    }),
    ("a long glob", || {
        let globs = format!("\"{}\", \"{}\"", "*a".repeat(100_000), "?".repeat(200_000));
        format!(
            "{HEAD}rules:\n{}",
            rule(1, &format!("    cluster: [{globs}]\n"))
        )
    }),
    ("variables in a chain", || {
        let vars = lines(50_000, |number| {
            format!("  v{}: \"{{{{ v{number} }}}}\"\n", number + 1)
        });
        format!(
            "{HEAD}vars:\n  v0: x\n{vars}rules:\n{}",
            rule(1, "    when: v50000 == \"x\"\n")
        )
    }),
    ("variables that double", || {
        let vars = lines(40, |number| {
            format!(
                "  v{}: [\"{{{{ v{number} }}}}\", \"{{{{ v{number} }}}}\"]\n",
                number + 1
            )
        });
        format!(
            "{HEAD}vars:\n  v0: x\n{vars}rules:\n{}",
            rule(1, "    when: v40 != \"x\"\n")
        )
    }),
    ("texts that double", || {
        let vars = lines(40, |number| {
            format!(
                "  v{}: \"{{{{ v{number} }}}}{{{{ v{number} }}}}\"\n",
                number + 1
            )
        });
        format!(
            "{HEAD}vars:\n  v0: x\n{vars}rules:\n{}",
            rule(1, "    when: v40 != \"x\"\n")
        )
    }),
    ("variables that nothing uses", || {
        with(&format!(
            "vars:\n{}",
            lines(200_000, |number| format!("  v{number}: x\n"))
        ))
    }),
    ("variables that do not exist", || {
        with(&format!(
            "vars:\n{}",
            lines(100_000, |number| format!(
                "  v{number}: \"{{{{ w{number} }}}}\"\n"
            ))
        ))
    }),
    ("names that do not exist in one template", || {
        with(&format!(
            "vars:\n  a: \"{}\"\n",
            lines(100_000, |number| format!("{{{{ w{number} }}}}"))
        ))
    }),
    ("one key many times", || {
        filled(&format!("{HEAD}vars:\n"), "  a: b\n", "")
    }),
    ("unknown keys", || {
        format!(
            "{HEAD}{}",
            lines(200_000, |number| format!("k{number}: x\n"))
        )
    }),
    ("unknown keys of a rule", || {
        format!(
            "{HEAD}rules:\n{}{}",
            rule(1, ""),
            lines(200_000, |number| format!("    rol{number}: x\n"))
        )
    }),
    ("apis", || {
        with(&format!(
            "apis:\n{}",
            lines(40_000, |number| format!(
                "  a{number}: {{url: \"http://h{number}:7480\"}}\n"
            ))
        ))
    }),
    ("headers", || {
        with(&format!(
            "apis:\n  a:\n    url: http://h:7480\n    headers:\n{}",
            lines(80_000, |number| format!(
                "      H{number}: {{env: E{number}}}\n"
            ))
        ))
    }),
    ("changes", || {
        let changes = lines(40_000, |number| {
            format!(
                "        - {{scope: server, server_name: s{number}, description: \"{{{{ node }}}}\"}}\n"
            )
        });
        format!(
            "{HEAD}rules:\n  - name: r1\n    on: on_start\n    role: primary\n    request:\n      type: config_update\n      changes:\n{changes}"
        )
    }),
    ("requests of one rule", || {
        let requests = lines(30_000, |number| {
            format!(
                "      - {{type: config_switch, server: s{number}, model_name: \"m{{{{ node }}}}\"}}\n"
            )
        });
        format!(
            "{HEAD}rules:\n  - name: r1\n    on: on_start\n    role: primary\n    requests:\n{requests}"
        )
    }),
    ("requests that contradict each other", || {
        let requests = lines(30_000, |number| {
            format!("      - {{type: config_switch, server: s, model_name: m{number}}}\n")
        });
        format!(
            "{HEAD}rules:\n  - name: r1\n    on: on_start\n    role: primary\n    requests:\n{requests}"
        )
    }),
];
