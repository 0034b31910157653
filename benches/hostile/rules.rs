//! Files with a huge number of rules.

use crate::files::{HEAD, Hostile, filled, rule};

/// This many rules, each with these extra lines.
fn rules(count: usize, more: impl Fn(usize) -> String) -> String {
    let rules: String = (1..=count)
        .map(|number| rule(number, &more(number)))
        .collect();
    format!("{HEAD}rules:\n{rules}")
}

pub const FILES: [Hostile; 16] = [
    ("rules, a cluster each", || {
        rules(10_000, |number| format!("    cluster: c{number}\n"))
    }),
    ("rules, a glob each", || {
        rules(10_000, |number| format!("    cluster: \"c{number}-*\"\n"))
    }),
    ("rules, a short glob each", || {
        rules(2_000, |number| format!("    cluster: \"*{number}*\"\n"))
    }),
    ("rules for all clusters", || {
        rules(10_000, |number| {
            format!("    when: node == \"n{number}\"\n")
        })
    }),
    ("rules with `or`", || {
        rules(5_000, |number| {
            format!(
                "    when: node == \"n{number}\" or env.A == \"a{number}\" or args.b == \"b\"\n"
            )
        })
    }),
    ("rules that contradict each other", || {
        rules(10_000, |_| String::new())
    }),
    ("rules that may contradict each other", || {
        rules(10_000, |number| {
            format!("    when: env.A{number} is defined\n")
        })
    }),
    ("rules, many clusters each", || {
        rules(1_500, |number| {
            let clusters: Vec<String> = (0..100)
                .map(|cluster| format!("c{},", cluster * 7 + number))
                .collect();
            let clusters = clusters.concat();
            format!("    cluster: [{clusters}]\n")
        })
    }),
    ("rules, first", || {
        format!(
            "match: first\n{}",
            rules(10_000, |number| format!(
                "    when: node == \"n{number}\"\n"
            ))
        )
    }),
    ("rules with one name", || {
        rules(20_000, |_| String::new()).replace("name: r", "name: r1 #")
    }),
    ("rules with a condition of many parts", || {
        let when = (0..2_000)
            .map(|number| format!("node == \"n{number}\""))
            .collect::<Vec<_>>()
            .join(" or ");
        rules(50, |_| format!("    when: {when}\n"))
    }),
    ("rules with a deep condition", || {
        rules(3, |_| {
            format!(
                "    when: {}node == \"n\"{}\n",
                "(".repeat(100_000),
                ")".repeat(100_000)
            )
        })
    }),
    ("rules with a condition of many negations", || {
        rules(3, |_| {
            format!("    when: {}(node == \"n\")\n", "not ".repeat(100_000))
        })
    }),
    ("rules with loops", || {
        rules(1_000, |_| {
            "    when: range(10000) | map(\"string\") | join(\"\") | length > 5\n".to_owned()
        })
    }),
    ("rules with a loop each", || {
        rules(10_000, |number| {
            format!(
                "    when: range({}) | map(\"string\") | join(\"\") | length > 5\n",
                500 + number
            )
        })
    }),
    ("rules with mistakes", || {
        filled(
            HEAD,
            "- {name: x, on: on_strat, rol: primary, request: {type: config_swich}}\n",
            "",
        )
        .replacen("- ", "rules:\n- ", 1)
    }),
];
