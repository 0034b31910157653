//! `demo --fleet`: an agent with clusters that fail over.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::Duration;

use crate::http::{Clock as _, Real, block_on};
use crate::simulator::patroni::Cluster;
use crate::simulator::{Config, World};

use crate::cli::shared::{Context, Exit, Orders, STATE_VARIABLE, print};

use super::{Folder, failed, own_program};

const CLUSTERS: [&str; 20] = [
    "accounts",
    "archive",
    "billing",
    "catalog",
    "chat",
    "crm",
    "events",
    "fleet",
    "geo",
    "hr",
    "identity",
    "inventory",
    "ledger",
    "mail",
    "orders",
    "reports",
    "search",
    "shop",
    "tickets",
    "wiki",
];

const HOSTS: [&str; 2] = ["east", "west"];

const MEMBERS: [&str; 3] = ["n1", "n2", "n3"];

/// The longest pause between two failovers.
const PAUSE: Duration = Duration::from_secs(8);

/// The duration of a promotion.
const PROMOTION: &str = "400ms";

/// Runs the demo until the process is told to end.
pub(super) fn show(
    listen: SocketAddr,
    operation_time: Duration,
    context: &Context,
) -> Result<u8, Exit> {
    let orders = Orders::obey();
    let folder = Folder::new(context)?;
    let clusters = CLUSTERS.iter().map(|name| {
        let cluster = Cluster::new(name);
        MEMBERS
            .iter()
            .fold(cluster, |cluster, member| cluster.member(member))
    });
    let hosts = HOSTS.iter().map(|host| {
        let config = Config::default().operation_time(operation_time);
        let served = served_by(host).fold(config, |config, cluster| {
            let config = config.server(cluster);
            let model =
                |config: Config, member: &&str| config.model(&format!("{cluster}:{member}"));
            let config = MEMBERS.iter().fold(config, model);
            config
                .active(cluster, &format!("{cluster}:n1"))
                .backup(cluster, "20260101T000000")
        });
        ((*host).to_owned(), served)
    });
    let world = World::start(clusters.collect(), hosts)
        .map_err(|error| failed("the simulator can't be started", &error))?;
    let file = folder.put_rules(&rules(&world))?;
    print(&format!(
        "{} clusters of three members, two Barman hosts, all simulated.\n\
         $ patroni_barman agent --rules {} --listen {listen}\n\
         The page is http://{listen}/ until Ctrl-C.\n\n",
        CLUSTERS.len(),
        file.display()
    ));
    let agent = Command::new(own_program()?)
        .env(STATE_VARIABLE, folder.0.join("state.db"))
        .args(["agent", "--listen", &listen.to_string(), "--rules"])
        .arg(&file)
        .spawn()
        .map_err(|error| failed("the agent can't be started", &error))?;
    let mut agent = Agent(agent);
    let clock = Real::new();
    loop {
        let end = clock.now() + PAUSE.mul_f64(clock.random());
        while clock.now() < end {
            if orders.end() {
                return Ok(0);
            }
            if let Ok(Some(status)) = agent.0.try_wait() {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.unwrap_or(2));
            }
            block_on(clock.sleep(Duration::from_millis(100)));
        }
        if let (Some(cluster), Some(member)) = (any(&CLUSTERS, &clock), any(&MEMBERS, &clock)) {
            let leads = world.look(cluster, |cluster| cluster.leader() == Some(member));
            if leads == Some(false) {
                print(&format!("-- {cluster}: {member} takes over\n"));
                let _ = world.tell(cluster, &format!("promote {member} {PROMOTION}"));
            }
        }
    }
}

/// The agent, which ends with the demo.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn any<'a>(words: &[&'a str], clock: &Real) -> Option<&'a str> {
    let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
    let place = (clock.random() * f64::from(count)).floor();
    words
        .iter()
        .zip(0_u32..)
        .find(|(_, index)| f64::from(*index) >= place)
        .map(|(word, _)| *word)
}

/// The clusters that a Barman host backs up.
fn served_by(host: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    let hosts = HOSTS.iter().cycle();
    let pairs = CLUSTERS.iter().zip(hosts);
    pairs
        .filter(move |(_, other)| **other == host)
        .map(|(cluster, _)| *cluster)
}

fn rules(world: &World) -> String {
    let mut text = "version: 1\napis:\n".to_owned();
    for host in HOSTS {
        if let Some(barman) = world.barman(host) {
            let _ = writeln!(text, "  {host}: {{url: \"{}\"}}", barman.url());
        }
    }
    text.push_str("clusters:\n");
    for cluster in CLUSTERS {
        let urls = MEMBERS
            .iter()
            .filter_map(|member| world.url(cluster, member));
        let urls: Vec<String> = urls.map(|url| format!("\"{url}\"")).collect();
        let _ = writeln!(text, "  {cluster}: {{patroni: [{}]}}", urls.join(", "));
    }
    text.push_str("rules:\n");
    for host in HOSTS {
        let clusters: Vec<&str> = served_by(host).collect();
        let _ = write!(
            text,
            "  - name: follow-{host}\n    on: [on_role_change, on_start]\n    role: primary\n    cluster: [{}]\n    \
             request: {{type: config_switch, api: {host}, server: \"{{{{ cluster }}}}\", model_name: \"{{{{ cluster }}}}:{{{{ node }}}}\"}}\n",
            clusters.join(", ")
        );
    }
    text
}
