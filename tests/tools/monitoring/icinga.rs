//! Icinga 2 reads the shipped configuration, and applies the service to hosts that ask for it.

use std::process::Command;

use super::file;
use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::prerequisite::find;

#[test]
fn the_shipped_configuration_is_valid() {
    let folder = Folder::new();
    let shipped = file("icinga2.conf");
    let text = format!(
        "include <itl>
object Endpoint \"n1\" {{ }}
object Zone \"n1\" {{ endpoints = [ \"n1\" ] }}
object Host \"n1\" {{
  zone = \"n1\"
  check_command = \"dummy\"
  vars.patroni = true
  vars.agent_endpoint = \"n1\"
}}
object Host \"other\" {{ check_command = \"dummy\" }}
include \"{}\"
",
        shipped.display()
    );
    let main = folder.write("icinga2.conf", text);
    let data = folder.named("");
    let own = |name: &str| format!("-D{name}={data}");
    let mut icinga = Command::new(find(&["icinga2", "/usr/sbin/icinga2"], "icinga2-bin"));
    icinga
        .args(["daemon", "--validate", "--config", &main])
        .args(["DataDir", "LogDir", "CacheDir", "SpoolDir", "InitRunDir"].map(own))
        .args(["-DNodeName=n1", "-DZoneName=n1"])
        .args(["-DRunAsUser=root", "-DRunAsGroup=root"]);
    Ended::of(&mut icinga)
        .exits(0)
        .shows("Instantiated 1 Service.")
        .shows("Finished validating the configuration file")
        .never_shows("warning");
}
