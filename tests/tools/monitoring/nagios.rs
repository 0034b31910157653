//! Nagios runs the check, and its plugins' wrapper accepts it as a plugin.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{file, node};
use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::node::Node;
use crate::support::prerequisite::find;
use crate::support::program::{program, terminate};
use crate::support::text::starts;
use crate::support::wait::wait;

/// A Nagios in its own directory, which ends with this value.
struct Nagios {
    child: Child,
    folder: PathBuf,
}

impl Drop for Nagios {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

/// The command line of the check on a node.
fn line(node: &Node) -> String {
    let program = program().get_program().to_str().unwrap().to_owned();
    let (state, rules) = (node.state(), node.rules());
    format!(
        "env PATRONI_BARMAN_STATE={} {program} status --format nagios --rules {}",
        state.display(),
        rules.display()
    )
}

/// Writes a configuration with one host, on which the shipped service runs this command.
fn configure(folder: &Path, command: &str) {
    let days = [
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
    ];
    let days = days.map(|day| format!("  {day} 00:00-24:00\n")).concat();
    let objects = format!(
        "define timeperiod {{
  timeperiod_name 24x7
  alias always
{days}}}
define contact {{
  contact_name admin
  host_notification_period 24x7
  service_notification_period 24x7
  host_notification_commands check
  service_notification_commands check
  host_notification_options n
  service_notification_options n
}}
define command {{
  command_name check
  command_line {command}
}}
define host {{
  host_name n1
  address 127.0.0.1
  max_check_attempts 1
  contacts admin
  check_period 24x7
  notification_period 24x7
}}
define service {{
  use patroni_barman
  host_name n1
  contacts admin
  notification_period 24x7
  check_command check
}}
"
    );
    fs::write(folder.join("objects.cfg"), objects).unwrap();
    let shipped = file("nagios.cfg");
    let at = |name: &str| folder.join(name).display().to_string();
    let user = rustix::process::geteuid().as_raw();
    let main = format!(
        "cfg_file={}\ncfg_file={}\nlog_file={}\nobject_cache_file={}\nstatus_file={}\nstate_retention_file={}\n\
         command_file={}\nlock_file={}\ntemp_file={}\ntemp_path={}\ncheck_result_path={}\nquery_socket={}\n\
         nagios_user={user}\nnagios_group={}\ncheck_external_commands=1\nprocess_performance_data=1\n\
         status_update_interval=1\nillegal_macro_output_chars=`~$&|'<>\n",
        at("objects.cfg"),
        shipped.display(),
        at("nagios.log"),
        at("objects.cache"),
        at("status.dat"),
        at("retention.dat"),
        at("nagios.cmd"),
        at("nagios.lock"),
        at("nagios.tmp"),
        at(""),
        at(""),
        at("nagios.qh"),
        rustix::process::getegid().as_raw(),
    );
    fs::write(folder.join("main.cfg"), main).unwrap();
}

impl Nagios {
    fn start(folder: &Path) -> Self {
        let log = fs::File::create(folder.join("output")).unwrap();
        let child = Command::new(find(&["nagios4"], "nagios4-core"))
            .arg(folder.join("main.cfg"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let nagios = Self {
            child,
            folder: folder.to_owned(),
        };
        let commands = folder.join("nagios.cmd");
        let ready = wait(|| commands.exists().then_some(()));
        assert!(ready.is_some(), "{}", nagios.log());
        nagios
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("nagios.log")).unwrap_or_default()
    }

    /// Has the service checked, and returns its state, output and performance data.
    fn check(&self) -> (String, String, String) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let command =
            format!("[{now}] SCHEDULE_FORCED_SVC_CHECK;n1;Barman follows the cluster;{now}\n");
        let seen = || (self.value("last_check"), self.value("plugin_output"));
        let before = seen();
        let mut commands = fs::OpenOptions::new()
            .write(true)
            .open(self.folder.join("nagios.cmd"))
            .unwrap();
        commands.write_all(command.as_bytes()).unwrap();
        drop(commands);
        let done = wait(|| (seen() != before).then_some(()));
        assert!(done.is_some(), "{}", self.log());
        (
            self.value("current_state"),
            self.value("plugin_output"),
            self.value("performance_data"),
        )
    }

    /// A value of the service in the status file.
    fn value(&self, key: &str) -> String {
        let text = fs::read_to_string(self.folder.join("status.dat")).unwrap_or_default();
        let service = text.split("servicestatus {").nth(1).unwrap_or_default();
        let key = format!("\t{key}=");
        let line = service.lines().find_map(|line| line.strip_prefix(&key));
        line.unwrap_or_default().to_owned()
    }
}

#[test]
fn nagios_reads_state_output_and_performance_data() {
    let node = node();
    node.run(["reconcile"]).exits(0);
    let folder = Folder::new();
    configure(folder.as_ref(), &line(&node));
    let mut verify = Command::new(find(&["nagios4"], "nagios4-core"));
    Ended::of(verify.arg("-v").arg(folder.path("main.cfg")))
        .exits(0)
        .shows("Total Warnings: 0");

    let nagios = Nagios::start(folder.as_ref());
    let (state, output, data) = nagios.check();
    assert_eq!(state, "0", "{output}");
    assert_eq!(
        output,
        "OK - demo: Barman is as the rules want it, the leader is n1"
    );
    starts(&data, "'demo_wal_lag'=1984B;;;0 'demo_last_wal_age'=");
    assert!(data.ends_with(" pending=0;;;0 drift=0;;;0"), "{data}");

    node.barman().kill_receiver("demo");
    let (state, output, data) = nagios.check();
    assert_eq!(state, "2", "{output}");
    assert_eq!(
        output,
        "CRITICAL - demo: the replication slot `barman` of `demo` is not active"
    );
    assert!(data.ends_with(" pending=0;;;0 drift=1;;;0"), "{data}");
}

#[test]
fn the_wrapper_of_the_plugins_takes_it_for_one() {
    let negate = Path::new("/usr/lib/nagios/plugins/negate");
    assert!(
        negate.exists(),
        "`negate` is missing; on Debian 12, `sudo apt-get install monitoring-plugins-basic` or `.ci/run` installs it"
    );
    let node = node();
    node.run(["reconcile"]).exits(0);
    let wrapped = || {
        let mut wrapper = Command::new(negate);
        wrapper.args(["--substitute", "--critical=WARNING", "--ok=OK"]);
        Ended::of(wrapper.args(["/bin/sh", "-c", &line(&node)]))
    };
    wrapped().exits(0);
    node.barman().kill_receiver("demo");
    wrapped()
        .exits(1)
        .starts("WARNING - demo: the replication slot");
}
