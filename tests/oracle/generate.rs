//! Random rules about targets that members share, as text.

/// Random numbers that are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.next(all.len())]
    }

    /// A random selection of these, at least one.
    fn some(&mut self, all: &[&'static str]) -> String {
        let mut some: Vec<&str> = all.iter().copied().filter(|_| self.next(2) == 0).collect();
        if some.is_empty() {
            some.push(self.one(all));
        }
        format!("[{}]", some.join(", "))
    }
}

const EVENTS: [&str; 5] = [
    "on_role_change",
    "on_start",
    "on_restart",
    "on_reload",
    "on_stop",
];

/// A rules file with up to three rules, most of them close to realistic ones.
pub fn rules(dice: &mut Dice) -> String {
    let matching = dice.one(&["all", "all", "first"]);
    let mut text = format!(
        "version: 1\nmatch: {matching}\napi: {{url: \"http://127.0.0.1:7480\"}}\npatroni: {{url: \"http://127.0.0.1:8008\"}}\nrules:\n"
    );
    for number in 0..=dice.next(3) {
        text.push_str(&rule(dice, number));
    }
    text
}

fn rule(dice: &mut Dice, number: usize) -> String {
    let on = match dice.next(3) {
        0 => dice.some(&EVENTS),
        1 => "[on_role_change]".to_owned(),
        _ => "[on_role_change, on_start]".to_owned(),
    };
    let role = match dice.next(3) {
        0 => dice.some(&["primary", "replica", "demoted"]),
        _ => "[primary]".to_owned(),
    };
    let when = dice.one(&[
        "",
        "",
        "",
        "",
        "when: 'node == \"n1\"'",
        "when: 'node != \"n1\"'",
        "when: 'env.SITE == \"paris\"'",
        "when: 'env.SITE == \"lyon\"'",
        "when: 'role != \"replica\"'",
    ]);
    let server = dice.one(&["main", "main", "{{ cluster }}", "own-{{ node }}"]);
    let to = dice.one(&[
        "model_name: \"m:{{ node }}\"",
        "model_name: \"m:{{ node }}\"",
        "model_name: \"{{ env.SITE }}\"",
        "model_name: fixed",
        "model_name: other",
        "model_name: \"{{ role }}\"",
        "model_name: \"{{ event }}\"",
        "reset: true",
    ]);
    let request = format!("{{type: config_switch, server: \"{server}\", {to}}}");
    let request = match dice.next(6) {
        0 => {
            let description = dice.one(&["a", "b", "{{ node }}"]);
            format!(
                "{{type: config_update, changes: [{{scope: server, server_name: \"{server}\", description: \"{description}\"}}]}}"
            )
        }
        _ => request,
    };
    let when = if when.is_empty() {
        String::new()
    } else {
        format!("    {when}\n")
    };
    format!("  - name: r{number}\n    on: {on}\n    role: {role}\n{when}    request: {request}\n")
}
