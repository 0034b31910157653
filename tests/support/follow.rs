//! The rules of most tests: the server `demo` follows the leader.

use patroni_barman::simulator::Config;

/// Rules with these defaults, whose one rule `follow` switches `demo` to the leader's model.
#[allow(unused_macros, reason = "no target uses all of it")]
macro_rules! follow {
    ($defaults:literal) => {
        concat!(
            "version: 1\napi: {url: \"BARMAN\"}\npatroni: {url: \"PATRONI\"}\ndefaults: {",
            $defaults,
            "}\nrules:\n",
            "  - name: follow\n    on: [on_role_change, on_start]\n    role: primary\n",
            "    request: {type: config_switch, server: demo, model_name: \"demo:{{ node }}\"}\n",
        )
    };
}
pub(crate) use follow;

/// A Barman with the server `demo`, the models of n1 and n2, and this member's active.
pub fn demo(active: &str) -> Config {
    Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .active("demo", &format!("demo:{active}"))
}
