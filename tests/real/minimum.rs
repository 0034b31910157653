//! The oldest supported Patroni and Barman. This Patroni uses the role `master`, and does not report a member's name.

use super::prerequisites::Versions;
use super::stack::Stack;
use super::wait::seconds;

#[test]
fn the_oldest_supported_versions() {
    let mut stack = Stack::start_with(Versions::Minimum);
    let cluster = stack.cluster("main", &["n1", "n2"], 2);
    let asked = |stack: &Stack, command: &str, code| {
        stack.ask(&cluster, "n2", &[command]).exits(code);
    };
    stack.moves(&cluster, "n1", "n2");
    let n2 = &cluster.node("n2").calls;
    n2.ends("on_role_change master", 0);
    asked(&stack, "status", 0);

    // an operator sets it by hand
    stack
        .barman
        .must(&["config-switch", "main", "main:n1"], seconds(30));
    asked(&stack, "status", 1);
    asked(&stack, "reconcile", 0);
    asked(&stack, "status", 0);
    stack.follows(&cluster, "n2");

    // the API goes down, and comes back
    stack.barman.stop_api();
    cluster.switchover("n2", "n1");
    cluster.settle("n1", seconds(60));
    stack.barman.start_api();
    stack.follows(&cluster, "n1");
    let n1 = &cluster.node("n1").calls;
    n1.ends("on_role_change master", 0);
}
