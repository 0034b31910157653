//! `demo`: a complete switchover on a machine with nothing installed.

mod fleet;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::model::duration;
use crate::simulator::{Config, Served, Simulator};

use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::duration::parse_duration;
use crate::cli::shared::exit::Exit;
use crate::cli::shared::output::print;
use crate::cli::shared::state::STATE_VARIABLE;

/// The rules of the demo: the first example for operators.
const RULES: &str = include_str!("../../../rules/follow-the-primary.yml");

/// Shows a switchover, from Patroni's callbacks to Barman's model.
///
/// Everything runs on this machine and is removed afterwards: a pg-backup-api with one server and a model for
/// each of two nodes is simulated on a free loopback port, and each callback that Patroni would fire is
/// run as a process of its own, with Patroni's arguments.
///
///     patroni_barman demo
///
/// With --fleet, an agent follows 20 simulated clusters on two Barman hosts and serves its status page.
///
/// Exit codes: 0 Barman followed; 2 it did not.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Demo {
    /// The duration of a switch in Barman.
    #[arg(long, value_name = "DURATION", default_value = "700ms", value_parser = parse_duration)]
    pub operation_time: Duration,
    /// Run an agent with 20 clusters, one of which fails over every few seconds, until Ctrl-C.
    #[arg(long)]
    pub fleet: bool,
    /// With --fleet: the address for the agent's status page.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:9187",
        requires = "fleet"
    )]
    pub listen: SocketAddr,
}

/// The callbacks of a switchover from n1 to n2, as recorded from two nodes of Patroni 4.1.
const SWITCHOVER: [(&str, [&str; 2], &str); 3] = [
    ("n1", ["on_stop", "demoted"], "n1 is asked to step down"),
    (
        "n2",
        ["on_role_change", "primary"],
        "n2 holds the leader key and is promoted",
    ),
    (
        "n1",
        ["on_role_change", "replica"],
        "n1 comes back as a replica",
    ),
];

impl Command for Demo {
    const GROUP: Group = Group::Rehearsal;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        if self.fleet {
            return fleet::show(self.listen, self.operation_time, context);
        }
        let failed =
            |what: &str, error: &dyn std::fmt::Display| Exit::new(2, format!("{what}: {error}"));
        let config = Config::default()
            .server("demo")
            .model("demo:n1")
            .model("demo:n2")
            .active("demo", "demo:n1")
            .operation_time(self.operation_time);
        let simulator = Simulator::start(config)
            .map_err(|error| failed("the simulator can't be started", &error))?;
        let program = std::env::current_exe()
            .map_err(|error| failed("this program does not find itself", &error))?;
        let folder = Folder::new(context.environment.get("TMPDIR").unwrap_or("/tmp"))
            .map_err(|error| failed("no folder for the demo's rules", &error))?;
        let rules = folder.0.join("rules.yml");
        fs::write(&rules, RULES)
            .map_err(|error| failed("the demo's rules can't be written", &error))?;

        let url = simulator.url();
        print(
            "A cluster `demo` of two nodes, n1 and n2; n1 is the primary. Barman archives it as server `demo`.\n",
        );
        print(&format!(
            "pg-backup-api (simulated) listens on {url}; a switch takes {}.\n",
            duration::format(self.operation_time)
        ));
        print("The rules are rules/follow-the-primary.yml.\n\n");
        print(&active(&simulator));
        print("\nNow a switchover from n1 to n2. Patroni fires three callbacks:\n");
        for (node, [event, role], why) in SWITCHOVER {
            print(&format!(
                "\n-- {why}\n$ patroni_barman run --rules rules.yml --node {node} {event} {role} demo\n"
            ));
            let before = simulator.served().len();
            let output = process::Command::new(&program)
                .env(STATE_VARIABLE, folder.0.join("state.db"))
                .args([
                    "run",
                    "--format",
                    "json",
                    "--log-level",
                    "error",
                    "--node",
                    node,
                    "--api-url",
                    url,
                ])
                .arg("--rules")
                .arg(&rules)
                .args([event, role, "demo"])
                .stderr(Stdio::inherit())
                .output()
                .map_err(|error| failed("the callback can't be started", &error))?;
            let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            print(&fired(&result));
            print(&exchanges(
                simulator.served().get(before..).unwrap_or_default(),
            ));
            print(&format!(
                "   exit code {}\n",
                output.status.code().unwrap_or(-1)
            ));
        }
        print("\n");
        print(&active(&simulator));
        let followed = simulator.active_model("demo").as_deref() == Some("demo:n2");
        print(if followed {
            "\nBarman followed the primary.\n"
        } else {
            "\nBarman did not follow the primary.\n"
        });
        Ok(if followed { 0 } else { 2 })
    }
}

fn active(simulator: &Simulator) -> String {
    let model = simulator
        .active_model("demo")
        .unwrap_or_else(|| "none".to_owned());
    format!("Barman's active model of `demo`: {model}\n")
}

/// The rules that fired, and the reasons why the others did not.
fn fired(result: &Value) -> String {
    let mut text = String::new();
    let word = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or("?")
            .to_owned()
    };
    for trace in result
        .get("trace")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let rule = word(trace, "rule");
        let because = trace.get("because").filter(|because| because.is_object());
        let _ = match because {
            None => writeln!(text, "   rule {rule} fires"),
            Some(because) => writeln!(
                text,
                "   rule {rule} does not fire: `{}` wants {}, got {}",
                word(because, "field"),
                word(because, "wanted"),
                word(because, "got")
            ),
        };
    }
    text
}

/// The API's requests and answers; polls of the same operation count as one line.
fn exchanges(served: &[Served]) -> String {
    let mut lines: Vec<(String, u32)> = Vec::new();
    for one in served {
        let body = if one.body.is_null() {
            String::new()
        } else {
            format!(" {}", one.body)
        };
        let status = one
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let line = format!("{} {}{body} -> {status}", one.method, one.path);
        match lines.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => lines.push((line, 1)),
        }
    }
    lines.iter().fold(String::new(), |mut text, (line, count)| {
        let times = if *count > 1 {
            format!(" ({count} times)")
        } else {
            String::new()
        };
        let _ = writeln!(text, "   {line}{times}");
        text
    })
}

/// A directory that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(below: &str) -> std::io::Result<Self> {
        let path = Path::new(below).join(format!("patroni_barman-demo-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
