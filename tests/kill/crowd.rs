//! Many callbacks to one API, half of them killed at random moments.

use std::thread;
use std::time::{Duration, Instant};

use patroni_barman::simulator::{Config, Simulator};

use crate::simulation::random::Random;
use crate::support::call::Running;
use crate::support::node::Node;
use crate::support::patroni::Patroni;

const CALLBACKS: usize = 200;

/// A node whose callback switches the server of this number.
fn node(number: usize, barman: &str, patroni: &str) -> Node {
    let server = server(number);
    Node::new(&format!(
        "version: 1
api: {{url: \"{barman}\", timeout: 30s, connect_timeout: 30s}}
patroni: {{url: \"{patroni}\", timeout: 30s, connect_timeout: 30s}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: {server}, model_name: \"{server}:{{{{ node }}}}\"}}
"
    ))
}

fn server(number: usize) -> String {
    format!("s{number}")
}

#[test]
fn every_target_ends_as_wanted_though_half_of_the_callbacks_are_killed() {
    let seed = 20_261_123;
    let mut random = Random::new(seed);
    let config = (0..CALLBACKS).fold(Config::default(), |config, number| {
        let server = server(number);
        let (old, new) = (format!("{server}:n2"), format!("{server}:n1"));
        config
            .server(&server)
            .model(&old)
            .model(&new)
            .active(&server, &old)
    });
    let barman = Simulator::start(config.operation_time(Duration::from_millis(100))).unwrap();
    let patroni = Patroni::start("n1", "n1");
    let nodes: Vec<Node> = (0..CALLBACKS)
        .map(|number| node(number, barman.url(), &patroni.url))
        .collect();

    let started = Instant::now();
    let mut running: Vec<Running> = nodes.iter().map(|node| node.callback().start()).collect();
    let took = started.elapsed();
    // between the start of the first one and some time after the last one's
    let longest = u64::try_from(took.as_millis()).unwrap() + 500;
    let mut kills: Vec<(Duration, usize)> = (0..CALLBACKS / 2)
        .map(|number| (random.between(0, longest), number * 2))
        .collect();
    kills.sort_unstable();
    for (at, number) in kills {
        thread::sleep((took + at / 2).saturating_sub(started.elapsed()));
        running[number].kill();
    }
    for running in running {
        running.end();
    }

    let numbers: Vec<usize> = (0..CALLBACKS).collect();
    for group in numbers.chunks(10) {
        let reconciling: Vec<Running> = group
            .iter()
            .map(|number| nodes[*number].call(["reconcile"]).start())
            .collect();
        for (running, number) in reconciling.into_iter().zip(group) {
            let server = server(*number);
            let ended = running
                .end()
                .case(format!("seed {seed}, {server}"))
                .exits(0);
            let active = barman.active_model(&server);
            assert_eq!(
                active,
                Some(format!("{server}:n1")),
                "seed {seed}: {ended:?}"
            );
        }
    }
}
