//! Two clusters on one Barman with failovers in the same second.

use super::stack::Stack;

#[test]
fn two_clusters_in_the_same_second() {
    let mut stack = Stack::start();
    let main = stack.cluster("main", &["n1", "n2"], 2);
    let other = stack.cluster("other", &["m1", "m2"], 2);
    std::thread::scope(|scope| {
        scope.spawn(|| main.switchover("n1", "n2"));
        scope.spawn(|| other.switchover("m1", "m2"));
    });
    stack.follows(&main, "n2");
    stack.follows(&other, "m2");
    for node in [main.node("n2"), other.node("m2")] {
        node.calls.ends("on_role_change primary", 0);
    }
}
