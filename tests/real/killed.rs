//! Callbacks killed by Patroni because the next event comes before their operation is done.

use super::stack::Stack;
use super::wait::{self, seconds};

#[test]
fn callback_killed_by_the_next_event() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1", "n2"], 2);
    stack.barman.stop_api();
    stack.barman.start_slow_api(15);

    cluster.switchover("n1", "n2");
    let n2 = cluster.node("n2").calls.clone();
    wait::until_true(seconds(30), "the callback on n2", || {
        n2.last("on_role_change primary").is_some()
    });
    cluster.settle("n2", seconds(60));
    cluster.switchover("n2", "n1");
    wait::until_true(seconds(30), "the next callback on n2", || {
        n2.last("on_role_change replica").is_some()
    });
    let killed = n2.last("on_role_change primary").expect("the first");
    assert_eq!(
        killed.end, None,
        "it was not killed, so this test has shown nothing"
    );

    stack.follows(&cluster, "n1");
    assert_eq!(
        cluster
            .node("n1")
            .calls
            .exit_of_last("on_role_change primary", seconds(60)),
        0
    );
    assert_eq!(n2.exit_of_last("on_role_change replica", seconds(10)), 1);
    let left: Vec<String> = cluster
        .tree("n2")
        .into_iter()
        .filter_map(command_line)
        .collect();
    assert!(
        !left.iter().any(|line| line.contains("patroni_barman run")),
        "{left:#?}"
    );

    // the next one is as good as the first
    cluster.settle("n1", seconds(60));
    stack.barman.stop_api();
    stack.barman.start_api();
    cluster.switchover("n1", "n2");
    stack.follows(&cluster, "n2");
    assert_eq!(n2.exit_of_last("on_role_change primary", seconds(30)), 0);
}

fn command_line(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}
