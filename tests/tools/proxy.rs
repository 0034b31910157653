//! The web servers of `packaging/proxy`, with certificates made by the commands of `docs/connection.md`, in front of a
//! simulated pg-backup-api.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command};

use patroni_barman::simulator::Config;

use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::http::nowhere;
use crate::support::node::Node;
use crate::support::prerequisite::find;
use crate::support::program::{root, terminate};
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
    folder: Folder,
    port: u16,
}

impl Drop for WebServer {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

impl WebServer {
    /// Starts a program with a configuration that has the shipped file in place of `SITE`, in the directory `FOLDER`.
    fn start(command: &mut Command, rest: &str, site: &str, node: &Node) -> Self {
        let folder = Folder::new();
        certificates(&folder, "");
        certificates(&folder, "other");
        let port = nowhere().port();
        let site = shipped(site, &folder, port, node);
        let main = rest.replace("FOLDER", &folder.named("."));
        let main = main.replace("SITE", &site);
        let main = folder.write("main.conf", main);
        let mut child = command.arg(main).spawn().unwrap();
        let answers = wait(|| {
            let ended = child.try_wait().unwrap().is_some();
            (ended || TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(!ended)
        });
        let server = Self {
            child,
            folder,
            port,
        };
        assert_eq!(answers, Some(true), "{}", server.log());
        server
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path("error.log")).unwrap_or_default()
    }

    /// Writes rules for a client with these keys under `api`.
    fn rules(&self, keys: &str) -> String {
        RULES
            .replace("PORT", &self.port.to_string())
            .replace("TLS", keys)
            .replace("FOLDER", &self.folder.named("."))
    }

    /// Runs a callback without a certificate, with one of another authority, and with the right one.
    fn admits_only_its_clients(&self, node: &Node, code: i32, missing: &str, foreign: &str) {
        for (keys, words) in [("", missing), (&client("other/n1"), foreign)] {
            node.write_rules(&self.rules(keys));
            node.promoted().exits(code).says(words);
            assert_eq!(node.posts().len(), 0, "{keys}");
        }
        node.write_rules(&self.rules(&client("n1")));
        node.promoted().exits(0);
        assert_eq!(node.accepted("config_switch"), 1, "{}", self.log());
    }
}

fn client(name: &str) -> String {
    format!(", cert_file: FOLDER/{name}.crt, key_file: FOLDER/{name}.key")
}

/// Runs the commands of the page in a directory, with `localhost` as the Barman host.
fn certificates(folder: &Folder, within: &str) {
    find(&["openssl"], "openssl");
    let page = fs::read_to_string(root().join("docs/connection.md")).unwrap();
    let (_, section) = page.split_once("\n## A web server in front").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let commands = commands.replace("barman.example", "localhost");
    fs::create_dir_all(folder.path(within)).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &commands]);
    Ended::of(shell.current_dir(folder.path(within))).exits(0);
}

/// A shipped file, for this folder, port and API.
fn shipped(name: &str, folder: &Folder, port: u16, node: &Node) -> String {
    let path = root().join("packaging/proxy").join(name);
    let api = node.barman().url().trim_start_matches("http://").to_owned();
    fs::read_to_string(path)
        .unwrap()
        .replace("127.0.0.1:7480", &api)
        .replace("10.0.0.20:7480", &format!("127.0.0.1:{port}"))
        .replace("barman.example", "localhost")
        .replace("/etc/patroni_barman", &folder.named("."))
}

fn node() -> Node {
    let config = Config::default().server("demo").model("demo:n1");
    Node::new(RULES).with_barman(config)
}

#[test]
fn nginx_admits_clients_with_a_certificate() {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path FOLDER/{kind};\n"))
        .concat();
    let rest = format!(
        "daemon off;\nmaster_process off;\npid FOLDER/pid;\nerror_log FOLDER/error.log;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}SITE}}\n"
    );
    let mut nginx = Command::new(find(&["nginx"], "nginx"));
    nginx.args(["-e", "stderr", "-c"]);
    let node = node();
    let server = WebServer::start(&mut nginx, &rest, "nginx.conf", &node);
    let refused = "the web server `nginx` in front of the API answered 400 Bad Request: ";
    server.admits_only_its_clients(
        &node,
        2,
        &format!("{refused}No required SSL certificate was sent"),
        &format!("{refused}The SSL certificate error"),
    );
}

#[test]
fn apache_admits_clients_with_a_certificate() {
    let modules = ["mpm_event", "authz_core", "ssl", "proxy", "proxy_http"]
        .map(|module| {
            format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n")
        })
        .concat();
    let rest = format!(
        "ServerRoot FOLDER\nDefaultRuntimeDir FOLDER\nPidFile FOLDER/pid\nErrorLog FOLDER/error.log\nServerName localhost\n\
         User www-data\nGroup www-data\n{modules}SITE"
    );
    let mut apache = Command::new(find(&["apache2", "httpd"], "apache2-bin"));
    apache.args(["-D", "FOREGROUND", "-f"]);
    let node = node();
    let server = WebServer::start(&mut apache, &rest, "apache.conf", &node);
    server.admits_only_its_clients(
        &node,
        3,
        "wants a client certificate",
        "does not accept the client certificate",
    );
}
