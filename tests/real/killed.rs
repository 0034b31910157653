//! Callbacks killed by Patroni because the next event comes before their operation is done.

use super::stack::Stack;
use super::support::text::lacks;
use super::wait::seconds;

#[test]
fn callback_killed_by_the_next_event() {
    let (mut stack, cluster) = Stack::of_two();
    stack.barman.stop_api();
    stack.barman.start_slow_api(15);

    cluster.switchover("n1", "n2");
    let n2 = cluster.node("n2").calls.clone();
    n2.until_called("on_role_change primary");
    cluster.settle("n2", seconds(60));
    cluster.switchover("n2", "n1");
    n2.until_called("on_role_change replica");
    let killed = n2.last("on_role_change primary").expect("the first");
    assert_eq!(
        killed.end, None,
        "it was not killed, so this test has shown nothing"
    );

    stack.follows(&cluster, "n1");
    cluster.node("n1").calls.ends("on_role_change primary", 0);
    n2.ends("on_role_change replica", 1);
    let left: Vec<String> = cluster
        .tree("n2")
        .into_iter()
        .filter_map(command_line)
        .collect();
    lacks(&left.join("\n"), "patroni_barman run");

    // the next one is as good as the first
    cluster.settle("n1", seconds(60));
    stack.barman.stop_api();
    stack.barman.start_api();
    cluster.switchover("n1", "n2");
    stack.follows(&cluster, "n2");
    n2.ends("on_role_change primary", 0);
}

fn command_line(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}
