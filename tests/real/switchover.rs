//! A switchover and back, twice: Barman follows each time. Then the same with the Python tool as the callback.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cluster::Cluster;
use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};

const MOVES: [(&str, &str); 4] = [("n1", "n2"), ("n2", "n1"), ("n1", "n2"), ("n2", "n1")];

#[test]
fn switchover_and_back_twice() {
    let (stack, cluster) = Stack::of_two();
    let ours = MOVES.map(|(from, to)| switch(&stack, &cluster, from, to, " run "));
    for node in &cluster.nodes {
        node.call_python(&stack.settings("main"));
    }
    cluster.reload();
    let python = MOVES.map(|(from, to)| switch(&stack, &cluster, from, to, "config-switch"));
    show(&ours, &python);
}

/// Seconds from the start of the callback `on_role_change primary`.
struct Took {
    until_streaming: f64,
    until_callback_ended: f64,
}

impl std::fmt::Display for Took {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{:>5.2} {:>5.2}",
            self.until_streaming, self.until_callback_ended
        )
    }
}

fn switch(stack: &Stack, cluster: &Cluster, from: &str, to: &str, command: &str) -> Took {
    cluster.switchover(from, to);
    let node = cluster.node(to);
    wait::until(seconds(60), "Barman streaming from the new primary", || {
        postgres::barman_streams(node.port)
    });
    let streaming = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64();
    node.calls.ends("on_role_change primary", 0);
    stack.follows(cluster, to);
    cluster.settle(to, seconds(60));
    let call = node
        .calls
        .last("on_role_change primary")
        .expect("the callback");
    assert!(
        format!(" {} ", call.arguments).contains(command),
        "called by `{}`",
        call.arguments
    );
    let (ended, _) = call.end.expect("it has ended");
    Took {
        until_streaming: streaming - call.at,
        until_callback_ended: ended - call.at,
    }
}

/// Writes to the terminal, because captured output is not shown when the test passes.
fn show(ours: &[Took], python: &[Took]) {
    let mut table = vec![
        String::new(),
        "seconds from `on_role_change primary` until Barman streams from the new primary, and until the callback has ended"
            .to_owned(),
        "switchover   patroni_barman         Python tool".to_owned(),
    ];
    for (((from, to), ours), python) in MOVES.iter().zip(ours).zip(python) {
        table.push(format!("{from} -> {to}     {ours}           {python}"));
    }
    table.push(String::new());
    let table = table.join("\n");
    std::io::stderr()
        .write_all(table.as_bytes())
        .expect("standard error");
}
