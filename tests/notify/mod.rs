//! Notifications: who is told of what, how often, and that nothing waits for it.

mod deliveries;
mod fleet;
mod incidents;

use std::fs;
use std::path::Path;

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

#[test]
fn the_examples_of_the_page_have_no_findings() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notify.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let mut seen = 0;
    for block in blocks {
        seen += 1;
        let indent = block.len() - block.trim_start().len();
        let lines = block
            .lines()
            .map(|line| line.get(indent..).unwrap_or_default());
        let block: Vec<_> = lines.collect();
        let receivers = "  - {name: chat, webhook: {url: \"CHAT\"}}";
        let rules = RULES.replace(&format!("notify:\n{receivers}"), &block.join("\n"));
        let stage = Stage::with(&rules.replace("defaults: {", "defaults: {fence: none, "));
        let path = stage.node.rules();
        stage
            .node
            .run(["check", path.to_str().unwrap()])
            .never_shows("error[");
    }
    assert_eq!(seen, 4);
}
