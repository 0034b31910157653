//! The rules of most tests: the server `demo` follows the leader.

use patroni_barman::simulator::patroni::Cluster;
use patroni_barman::simulator::{Config, Simulator, World};

/// Rules with these defaults, whose one rule `follow` switches the server, by default `demo`, to the leader's model.
#[allow(unused_macros, reason = "no target uses all of it")]
macro_rules! follow {
    ($defaults:literal) => {
        $crate::support::follow::follow!("demo", $defaults)
    };
    ($server:literal, $defaults:literal) => {
        concat!(
            "version: 1\napi: {url: \"BARMAN\"}\npatroni: {url: \"PATRONI\"}\ndefaults: {",
            $defaults,
            "}\nrules:\n",
            "  - name: follow\n    on: [on_role_change, on_start]\n    role: primary\n",
            "    request: {type: config_switch, server: ",
            $server,
            ", model_name: \"",
            $server,
            ":{{ node }}\"}\n",
        )
    };
}
pub(crate) use follow;

/// A rule `rebuild` that recovers `demo` for a new replica.
#[allow(unused_macros, reason = "no target uses all of it")]
macro_rules! rebuild {
    () => {
        "  - name: rebuild
    on: create_replica
    request:
      type: recovery
      server: demo
      backup_id: latest
      remote_ssh_command: \"ssh postgres@{{ node }}\"
      destination_directory: \"{{ datadir }}\"
"
    };
}
pub(crate) use rebuild;

/// A Barman with the server `demo`, the models of n1 and n2, and this member's active.
pub fn demo(active: &str) -> Config {
    Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .active("demo", &format!("demo:{active}"))
}

/// A server with these faults, in the place of Patroni or of Barman.
pub fn faulty(faults: &str) -> Simulator {
    Simulator::start(Config::default().faults(faults.parse().unwrap())).unwrap()
}

/// This cluster `demo`, with the members n1 and n2 and controlled WAL, and a Barman with a backup. The backup begins in
/// the fifth segment, which is archived; the leader n1 is writing the sixth.
pub fn receiving(cluster: Cluster) -> World {
    let barman = demo("n1")
        .option("demo", "slot_name", "barman")
        .backup("demo", "20260101T000000");
    let cluster = cluster.member("n1").member("n2");
    let world = World::start(vec![cluster], [("barman".to_owned(), barman)]).unwrap();
    world.tell("demo", "wal 0/6000028").unwrap();
    world
}

/// Rules with the addresses of this Barman and of a member's Patroni.
pub fn for_member(rules: &str, world: &World, member: &str) -> String {
    rules
        .replace("BARMAN", world.barman("barman").unwrap().url())
        .replace("PATRONI", world.url("demo", member).unwrap())
}
