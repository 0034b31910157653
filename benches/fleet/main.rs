//! An agent with a fleet: processor time, memory, and the time from a new leader to the request.
//!
//! `cargo bench --bench fleet` simulates 1,000 clusters of 3 members and 10 Barman hosts in one process, and runs the agent in another. With
//! `-- CLUSTERS` it takes that many clusters. It prints a table.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    dead_code,
    unused_imports,
    reason = "these rules are the program's; a measurement that meets something unexpected has failed"
)]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use patroni_barman::simulator::fault::Faults;
use serde_json::json;
use support::etcd::Etcd;
use support::fleet::{Agent, Fleet};

const HOSTS: usize = 10;

fn main() {
    let clusters = std::env::args().find_map(|word| word.parse().ok());
    let clusters = clusters.unwrap_or(1_000);
    let names: Vec<(String, String)> = (0..clusters)
        .map(|number| (format!("c{number:04}"), format!("h{}", number % HOSTS)))
        .collect();
    let pairs: Vec<(&str, &str)> = names
        .iter()
        .map(|(cluster, host)| (cluster.as_str(), host.as_str()))
        .collect();
    println!("{clusters} clusters of 3 members, {HOSTS} Barman hosts\n");
    for by_watch in [false, true] {
        let fleet = Fleet::new(&pairs);
        fleet.write_rules(&rules(&fleet, &pairs));
        let etcd = by_watch.then(|| publish(&fleet, &pairs));
        println!("{}:", if by_watch { "by watch" } else { "by polling" });
        measure(&fleet, etcd.as_ref(), &pairs);
    }
}

/// One rule for each Barman host, as an operator would write them.
fn rules(fleet: &Fleet, pairs: &[(&str, &str)]) -> String {
    let all = fleet.rules(pairs);
    let (head, _) = all.split_once("rules:\n").unwrap();
    let mut rules = format!("{head}rules:\n");
    for host in 0..HOSTS {
        let host = format!("h{host}");
        let of: Vec<&str> = pairs
            .iter()
            .filter(|(_, on)| *on == host)
            .map(|(name, _)| *name)
            .collect();
        let _ = write!(
            rules,
            "  - name: follow-{host}\n    on: [on_role_change, on_start]\n    role: primary\n    cluster: [{}]\n    \
             request: {{type: config_switch, api: {host}, server: \"{{{{ cluster }}}}\", model_name: \"{{{{ cluster }}}}:{{{{ node }}}}\"}}\n    \
             verify: streaming\n",
            of.join(", ")
        );
    }
    rules
}

fn publish(fleet: &Fleet, pairs: &[(&str, &str)]) -> Etcd {
    let etcd = Etcd::start();
    for (cluster, _) in pairs {
        for member in ["n1", "n2", "n3"] {
            let url = fleet.world.url(cluster, member).unwrap();
            let value =
                json!({"api_url": format!("{url}/patroni"), "state": "running", "timeline": 1});
            etcd.put(&format!("{cluster}/members/{member}"), &value.to_string());
        }
        etcd.put(&format!("{cluster}/leader"), "n1");
    }
    let text = fs::read_to_string(fleet.rules_path()).unwrap();
    let (head, rest) = text.split_once("clusters:\n").unwrap();
    let (_, rest) = rest.split_once("rules:\n").unwrap();
    fleet.write_rules(&format!(
        "{head}discover:\n  etcd: {{endpoints: [\"{}\"]}}\nrules:\n{rest}",
        etcd.url
    ));
    etcd
}

fn measure(fleet: &Fleet, etcd: Option<&Etcd>, pairs: &[(&str, &str)]) {
    let started = Instant::now();
    let mut agent = fleet.agent(&["--log-level", "info"]);
    until_ok(&mut agent, pairs.len());
    println!(
        "  all clusters seen and compared after {:.1} s",
        started.elapsed().as_secs_f64()
    );
    let share = quiet(&agent, Duration::from_secs(30));
    println!("  quiet: {share:.1} % of a core, {} MB", memory(&agent));

    let mut times: Vec<f64> = Vec::new();
    for (cluster, host) in pairs.iter().take(20) {
        let changed = Instant::now();
        promote(fleet, etcd, cluster, "n2");
        until(|| !fleet.posts(host, cluster).is_empty());
        times.push(changed.elapsed().as_secs_f64());
    }
    println!("  one new leader at a time: {}", summary(&mut times));

    // 5 % of the Patronis are dead, two Barman hosts hang, and 50 clusters fail over at once.
    for (number, (cluster, _)) in pairs.iter().enumerate() {
        if number % 7 == 3 {
            fleet.world.tell(cluster, "silence n3").unwrap();
        }
    }
    let hang: Faults = "any:hang".parse().unwrap();
    for host in ["h0", "h1"] {
        fleet.world.barman(host).unwrap().set_faults(hang.clone());
    }
    thread::sleep(Duration::from_secs(15));
    let step = (pairs.len() / 50).max(1) | 1;
    let failing: Vec<&(&str, &str)> = pairs.iter().skip(20).step_by(step).take(50).collect();
    let changed = Instant::now();
    for (cluster, _) in &failing {
        promote(fleet, etcd, cluster, "n2");
    }
    let healthy: Vec<_> = failing
        .iter()
        .filter(|(_, host)| !matches!(*host, "h0" | "h1"))
        .collect();
    let mut times = vec![None; healthy.len()];
    until(|| {
        for (time, (cluster, host)) in times.iter_mut().zip(&healthy) {
            if time.is_none() && !fleet.posts(host, cluster).is_empty() {
                *time = Some(changed.elapsed().as_secs_f64());
            }
        }
        times.iter().all(Option::is_some)
    });
    let mut times: Vec<f64> = times.into_iter().flatten().collect();
    println!(
        "  {} failovers at once, {} of them on hosts that answer: {}",
        failing.len(),
        healthy.len(),
        summary(&mut times)
    );
    for host in ["h0", "h1"] {
        fleet
            .world
            .barman(host)
            .unwrap()
            .set_faults(Faults::default());
    }
    let mended = Instant::now();
    until(|| {
        failing
            .iter()
            .all(|(cluster, host)| fleet.active(host, cluster) == format!("{cluster}:n2"))
    });
    println!(
        "  the others {:.1} s after their hosts answered again",
        mended.elapsed().as_secs_f64()
    );
    let share = quiet(&agent, Duration::from_secs(15));
    println!(
        "  with 5 % of the Patronis dead: {share:.1} % of a core, {} MB",
        memory(&agent)
    );
    let posts: usize = failing
        .iter()
        .map(|(cluster, host)| fleet.posts(host, cluster).len())
        .sum();
    println!("  requests for these failovers: {posts}\n");
}

fn promote(fleet: &Fleet, etcd: Option<&Etcd>, cluster: &str, member: &str) {
    fleet
        .world
        .tell(cluster, &format!("promote {member}"))
        .unwrap();
    if let Some(etcd) = etcd {
        etcd.put(&format!("{cluster}/leader"), member);
    }
}

fn until(mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(
            started.elapsed() < Duration::from_secs(400),
            "it never became so"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn until_ok(agent: &mut Agent, count: usize) {
    let wanted = format!("patroni_barman_agent_clusters{{condition=\"ok\"}} {count}\n");
    until(|| {
        thread::sleep(Duration::from_millis(200));
        agent.get("/metrics").contains(&wanted)
    });
}

/// The agent's share of one core.
fn quiet(agent: &Agent, time: Duration) -> f64 {
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", agent.child.id())).unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    thread::sleep(time);
    // A tick is a hundredth of a second.
    (ticks() - before) as f64 / time.as_secs_f64()
}

/// The agent's memory, in MB.
fn memory(agent: &Agent) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", agent.child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

fn summary(times: &mut [f64]) -> String {
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    format!("request after {median:.2} s (median), {worst:.2} s (worst)")
}
