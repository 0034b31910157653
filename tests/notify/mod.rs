//! Notifications: who is told of what, how often, and that nothing waits for it.

mod deliveries;
mod incidents;

use std::fs;

use patroni_barman::simulator::Config;

use crate::support::listener::Listener;
use crate::support::node::Node;

const RULES: &str = r#"version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
defaults: {retry: {attempts: 2, wait: 10ms, max_wait: 10ms}}
notify:
  - {name: chat, webhook: {url: "CHAT"}}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, server: demo, model_name: "demo:{{ node }}"}
  - name: rebuild
    on: create_replica
    request: {type: recovery, server: demo, backup_id: latest, remote_ssh_command: ssh n1, destination_directory: "{{ datadir }}"}
"#;

/// A node with a Barman, a Patroni, and a receiver of notifications.
struct Stage {
    chat: Listener,
    node: Node,
}

impl Stage {
    fn new() -> Self {
        Self::with(RULES)
    }

    fn with(rules: &str) -> Self {
        let chat = Listener::start();
        let rules = rules.replace("CHAT", &chat.url);
        let config = Config::default()
            .server("demo")
            .model("demo:n1")
            .model("demo:n2");
        let node = Node::new(&rules).with_patroni("n1").with_barman(config);
        Self { chat, node }
    }

    /// Replaces the rules.
    fn write_rules(&self, rules: &str) {
        self.node
            .write_rules(&rules.replace("CHAT", &self.chat.url));
    }

    fn path(&self, name: &str) -> String {
        self.node.folder().join(name).display().to_string()
    }

    /// Writes a file and returns its path.
    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}
