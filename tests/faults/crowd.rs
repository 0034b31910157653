//! Many callbacks at once.

use patroni_barman::simulator::{Config, Simulator};

use crate::support::node::Node;

#[test]
fn two_hundred_callbacks_at_once_each_get_what_they_asked_for() {
    let servers: Vec<String> = (0..200).map(|number| format!("s{number}")).collect();
    let config = servers.iter().fold(Config::default(), |config, server| {
        config.server(server).model(&format!("{server}:n1"))
    });
    let simulator = Simulator::start(config).unwrap();
    let nodes: Vec<Node> = servers
        .iter()
        .map(|server| {
            Node::new(&format!(
                "version: 1
api: {{url: \"{}\", timeout: 30s, connect_timeout: 30s}}
defaults: {{fence: none, verify: applied}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: {server}, model_name: \"{server}:n1\"}}
",
                simulator.url()
            ))
        })
        .collect();
    let running: Vec<_> = nodes.iter().map(|node| node.callback().start()).collect();
    for (running, server) in running.into_iter().zip(&servers) {
        running.end().case(server).exits(0);
        assert_eq!(simulator.active_model(server), Some(format!("{server}:n1")));
    }
    let posts = simulator
        .served()
        .into_iter()
        .filter(|request| request.method == "POST");
    assert_eq!(posts.count(), 200);
}
