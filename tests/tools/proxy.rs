//! The web servers of `packaging/proxy`, with certificates made by the commands of `docs/connection.md`, in front of a
//! simulated pg-backup-api.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use patroni_barman::simulator::Config;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::node::Node;
use crate::support::prerequisite::find;
use crate::support::wait::wait;

/// In them, `TLS` becomes the keys that name a client certificate.
const RULES: &str = "
version: 1
api: {url: \"https://localhost:PORT\", ca_file: FOLDER/ca.crtTLS}
rules:
  - name: follow-the-primary
    on: on_role_change
    role: primary
    request: {type: config_switch, server: demo, model_name: \"demo:n1\"}
    fence: none
    retry: {attempts: 2, wait: 10ms, max_wait: 10ms}
";

/// A running web server, which ends with this value.
struct WebServer {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Drop for WebServer {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

impl WebServer {
    /// Starts a web server whose configuration, with the shipped file in it, was written to `FOLDER/main.conf`.
    fn start(folder: &Path, command: &mut Command, port: u16) -> Self {
        let mut child = command.spawn().unwrap();
        let answers = wait(|| {
            let ended = child.try_wait().unwrap().is_some();
            (ended || TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(!ended)
        });
        let server = Self {
            child,
            folder: folder.to_owned(),
            port,
        };
        assert_eq!(answers, Some(true), "{}", server.log());
        server
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("error.log")).unwrap_or_default()
    }

    /// Writes rules for a client with these keys under `api`.
    fn rules(&self, keys: &str) -> String {
        RULES
            .replace("PORT", &self.port.to_string())
            .replace("TLS", keys)
            .replace("FOLDER", &self.folder.display().to_string())
    }

    /// Runs a callback without a certificate, with one of another authority, and with the right one.
    fn admits_only_its_clients(&self, node: &Node, missing: (i32, &str), foreign: (i32, &str)) {
        for (keys, (code, words)) in [("", missing), (&client("other/n1"), foreign)] {
            node.write_rules(&self.rules(keys));
            node.callback().run().exits(code).says(words);
            assert_eq!(node.posts().len(), 0, "{keys}");
        }
        node.write_rules(&self.rules(&client("n1")));
        node.callback().run().exits(0);
        assert_eq!(node.accepted("config_switch"), 1, "{}", self.log());
    }
}

fn client(name: &str) -> String {
    format!(", cert_file: FOLDER/{name}.crt, key_file: FOLDER/{name}.key")
}

/// Runs the commands of the page in a folder, with `localhost` as the Barman host.
fn certificates(folder: &Path) {
    find(&["openssl"], "openssl");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connection.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n## A web server in front").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let commands = commands.replace("barman.example", "localhost");
    fs::create_dir_all(folder).unwrap();
    let output = Command::new("sh")
        .args(["-e", "-c", &commands])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// A shipped file, for this folder, port and API.
fn shipped(name: &str, folder: &Path, port: u16, node: &Node) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/proxy");
    let text = fs::read_to_string(path.join(name)).unwrap();
    let api = node.barman().url().trim_start_matches("http://").to_owned();
    text.replace("127.0.0.1:7480", &api)
        .replace("10.0.0.20:7480", &format!("127.0.0.1:{port}"))
        .replace("barman.example", "localhost")
        .replace("/etc/patroni_barman", &folder.display().to_string())
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn node() -> Node {
    let config = Config::default().server("demo").model("demo:n1");
    Node::new(RULES).with_barman(config)
}

#[test]
fn nginx_admits_clients_with_a_certificate() {
    let node = node();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    certificates(&folder.join("other"));
    let port = free_port();
    let at = folder.display();
    let site = shipped("nginx.conf", folder, port, &node);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
        .concat();
    let main = format!(
        "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{site}}}\n"
    );
    fs::write(folder.join("main.conf"), main).unwrap();
    let mut command = Command::new(find(&["nginx"], "nginx"));
    command.arg("-e").arg(folder.join("error.log"));
    command.arg("-c").arg(folder.join("main.conf"));
    let server = WebServer::start(folder, &mut command, port);

    server.admits_only_its_clients(
        &node,
        (
            2,
            "the web server `nginx` in front of the API answered 400 Bad Request: No required SSL certificate was sent",
        ),
        (
            2,
            "the web server `nginx` in front of the API answered 400 Bad Request: The SSL certificate error",
        ),
    );
}

#[test]
fn apache_admits_clients_with_a_certificate() {
    let node = node();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    certificates(&folder.join("other"));
    let port = free_port();
    let at = folder.display();
    let site = shipped("apache.conf", folder, port, &node);
    let apache = find(&["apache2", "httpd"], "apache2-bin");
    let modules: String = ["mpm_event", "authz_core", "ssl", "proxy", "proxy_http"]
        .map(|module| {
            format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n")
        })
        .concat();
    let main = format!(
        "ServerRoot {at}\nDefaultRuntimeDir {at}\nPidFile {at}/pid\nErrorLog {at}/error.log\nServerName localhost\n\
         User www-data\nGroup www-data\n{modules}{site}"
    );
    fs::write(folder.join("main.conf"), main).unwrap();
    let mut command = Command::new(apache);
    command.arg("-D").arg("FOREGROUND");
    command.arg("-f").arg(folder.join("main.conf"));
    let server = WebServer::start(folder, &mut command, port);

    server.admits_only_its_clients(
        &node,
        (3, "wants a client certificate"),
        (3, "does not accept the client certificate"),
    );
}
