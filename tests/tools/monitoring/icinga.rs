//! Icinga 2 reads the shipped configuration, and applies the service to hosts that ask for it.

use std::fs;
use std::process::Command;

use super::file;
use crate::support::prerequisite::find;

#[test]
fn the_shipped_configuration_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("icinga2.conf");
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
    fs::write(&main, text).unwrap();
    let data = folder.path().display();
    let own = |name: &str| format!("-D{name}={data}");
    let checked = Command::new(find(&["icinga2", "/usr/sbin/icinga2"], "icinga2-bin"))
        .args(["daemon", "--validate", "--config"])
        .arg(&main)
        .args(["DataDir", "LogDir", "CacheDir", "SpoolDir", "InitRunDir"].map(own))
        .args([
            "-DNodeName=n1",
            "-DZoneName=n1",
            "-DRunAsUser=root",
            "-DRunAsGroup=root",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    assert!(said.contains("Instantiated 1 Service."), "{said}");
    assert!(
        said.contains("Finished validating the configuration file"),
        "{said}"
    );
    assert!(!said.contains("warning"), "{said}");
}
