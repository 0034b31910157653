//! `demo`: a complete switchover on a machine with nothing installed.

mod fleet;

use std::fmt::{Display, Write as _};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::model::duration;
use crate::simulator::{Config, Served, Simulator};

use crate::cli::shared::{Command, Context, Exit, Group, STATE_VARIABLE, parse_duration, print};

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
        let config = Config::default()
            .server("demo")
            .model("demo:n1")
            .model("demo:n2")
            .active("demo", "demo:n1")
            .operation_time(self.operation_time);
        let simulator = Simulator::start(config)
            .map_err(|error| failed("the simulator can't be started", &error))?;
        let program = own_program()?;
        let folder = Folder::new(context)?;
        let rules = folder.put_rules(RULES)?;

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
                .args(["run", "--format", "json", "--log-level", "error"])
                .args(["--node", node, "--api-url", url, "--rules"])
                .arg(&rules)
                .args([event, role, "demo"])
                .stderr(Stdio::inherit())
                .output()
                .map_err(|error| failed("the callback can't be started", &error))?;
            let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            print(&fired(&result));
            let served = simulator.served();
            print(&exchanges(served.get(before..).unwrap_or_default()));
            let code = output.status.code().unwrap_or(-1);
            print(&format!("   exit code {code}\n"));
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

fn failed(what: &str, error: &dyn Display) -> Exit {
    Exit::new(2, format!("{what}: {error}"))
}

fn own_program() -> Result<PathBuf, Exit> {
    std::env::current_exe().map_err(|error| failed("this program does not find itself", &error))
}

fn active(simulator: &Simulator) -> String {
    let model = simulator.active_model("demo");
    let model = model.as_deref().unwrap_or("none");
    format!("Barman's active model of `demo`: {model}\n")
}

/// The rules that fired, and the reasons why the others did not.
fn fired(result: &Value) -> String {
    let mut text = String::new();
    let word = |value: &Value, key: &str| {
        let word = value.get(key).and_then(Value::as_str);
        word.unwrap_or("?").to_owned()
    };
    let traces = result.get("trace").and_then(Value::as_array);
    for trace in traces.into_iter().flatten() {
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
        let status = one.status.map(|status| status.to_string());
        let status = status.as_deref().unwrap_or("no answer");
        let line = format!("{} {}{body} -> {status}", one.method, one.path);
        match lines.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => lines.push((line, 1)),
        }
    }
    let line = |(line, count): (String, u32)| match count {
        1 => format!("   {line}\n"),
        count => format!("   {line} ({count} times)\n"),
    };
    lines.into_iter().map(line).collect()
}

/// A directory that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(context: &Context) -> Result<Self, Exit> {
        let below = context.environment.get("TMPDIR").unwrap_or("/tmp");
        let path = Path::new(below).join(format!("patroni_barman-demo-{}", process::id()));
        fs::create_dir(&path).map_err(|error| failed("no folder for the demo's rules", &error))?;
        Ok(Self(path))
    }

    fn put_rules(&self, text: &str) -> Result<PathBuf, Exit> {
        let file = self.0.join("rules.yml");
        fs::write(&file, text)
            .map_err(|error| failed("the demo's rules can't be written", &error))?;
        Ok(file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
