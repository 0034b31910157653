//! Clusters in a real etcd with TLS, client certificates and authentication; their Patronis and Barman are simulated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use patroni_barman::dcs::Etcd as Watched;
use patroni_barman::http::{Client, Http as _, Request, block_on};
use patroni_barman::model::{Api, Clusters, Discover, Origin, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::folder;
use super::support::fleet::Fleet;
use super::support::tls::certificates::Certificates;
use super::support::wait::until;

use super::support::text::lacks;

/// An etcd with one member.
struct Etcd {
    folder: TempDir,
    certificates: Certificates,
    ports: (u16, u16),
    child: Child,
    api: Api,
    token: Option<String>,
}

impl Etcd {
    fn start() -> Self {
        let certificates = Certificates::make();
        let folder = tempfile::tempdir().unwrap();
        let ports = (folder::port(), folder::port());
        let mut api = Api::at(Url::new(&format!("https://127.0.0.1:{}", ports.0)).unwrap());
        api.ca_file = Some(certificates.path("ca.crt"));
        // with authentication, etcd's gateway refuses certificates with a common name
        api.cert_file = Some(certificates.path("nameless.crt"));
        api.key_file = Some(certificates.path("nameless.key"));
        let child = Self::spawn(folder.path(), &certificates, ports);
        let mut etcd = Self {
            folder,
            certificates,
            ports,
            child,
            api,
            token: None,
        };
        etcd.until_it_answers();
        etcd.protect();
        etcd
    }

    fn spawn(folder: &Path, certificates: &Certificates, ports: (u16, u16)) -> Child {
        let peer = format!("http://127.0.0.1:{}", ports.1);
        let client = format!("https://127.0.0.1:{}", ports.0);
        let file = |name: &str| certificates.path(name).display().to_string();
        Command::new("/usr/bin/etcd")
            .args(["--name", "default", "--data-dir"])
            .arg(folder.join("data"))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--cert-file", &file("server.crt")])
            .args(["--key-file", &file("server.key")])
            .args(["--trusted-ca-file", &file("ca.crt"), "--client-cert-auth"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .expect("etcd: install the package `etcd-server`")
    }

    fn call(&self, path: &str, body: Value) -> Result<Value, String> {
        let client = Client::new(&self.api, &BTreeMap::new());
        let request = Request {
            token: self.token.clone(),
            ..Request::post(self.api.url.join(path), body)
        };
        let answer = block_on(client.exchange(&request)).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match answer.status {
            200 => Ok(serde_json::from_str(&text).unwrap_or_default()),
            status => Err(format!("{path}: {status} {text}")),
        }
    }

    fn until_it_answers(&self) {
        until(|| self.call("/v3/maintenance/status", json!({})).is_ok());
    }

    /// Turns on authentication: root may do everything, `barman` may read the namespace.
    fn protect(&mut self) {
        let call = |path: &str, body| self.call(path, body).unwrap();
        let (first, last) = (BASE64.encode("/service/"), BASE64.encode("/service0"));
        for (name, password) in [("root", "r00t"), ("barman", "s3cret")] {
            call(
                "/v3/auth/user/add",
                json!({"name": name, "password": password}),
            );
            call("/v3/auth/role/add", json!({"name": name}));
            call("/v3/auth/user/grant", json!({"user": name, "role": name}));
        }
        let permission = json!({"permType": "READ", "key": first, "range_end": last});
        call(
            "/v3/auth/role/grant",
            json!({"name": "barman", "perm": permission}),
        );
        call("/v3/auth/enable", json!({}));
        self.log_in();
        fs::write(self.folder.path().join("password"), "s3cret\n").unwrap();
    }

    fn log_in(&mut self) {
        self.token = None;
        let body = json!({"name": "root", "password": "r00t"});
        let answer = self.call("/v3/auth/authenticate", body).unwrap();
        self.token = answer["token"].as_str().map(str::to_owned);
    }

    fn put(&self, key: &str, value: &str) -> u64 {
        let key = BASE64.encode(format!("/service/{key}"));
        let body = json!({"key": key, "value": BASE64.encode(value)});
        let answer = self.call("/v3/kv/put", body).unwrap();
        answer["header"]["revision"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    fn delete(&self, prefix: &str) {
        let key = format!("/service/{prefix}");
        let end = format!("{}0", key.trim_end_matches('/'));
        let body = json!({"key": BASE64.encode(&key), "range_end": BASE64.encode(end)});
        self.call("/v3/kv/deleterange", body).unwrap();
    }

    fn restart(&mut self, meanwhile: impl FnOnce()) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        meanwhile();
        self.child = Self::spawn(self.folder.path(), &self.certificates, self.ports);
        let token = self.token.take();
        self.until_it_answers();
        self.token = token;
        self.log_in();
    }

    fn discover(&self) -> Discover {
        Discover {
            etcd: self.api.clone(),
            endpoints: vec![self.api.url.clone()],
            namespace: "/service/".to_owned(),
            user: Some(("barman".to_owned(), self.folder.path().join("password"))),
            clusters: Clusters::default(),
            patroni: self.api.clone(),
            origin: Origin::default(),
        }
    }

    /// Writes the same keys as the members of a cluster.
    fn publish(&self, fleet: &Fleet, cluster: &str, leader: &str) {
        for member in ["n1", "n2", "n3"] {
            let url = fleet.world.url(cluster, member).unwrap();
            let role = if member == leader {
                "primary"
            } else {
                "replica"
            };
            let value = json!({
                "api_url": format!("{url}/patroni"), "state": "running", "role": role, "timeline": 1,
            });
            self.put(&format!("{cluster}/members/{member}"), &value.to_string());
        }
        self.put(&format!("{cluster}/leader"), leader);
    }

    fn rules(&self, fleet: &Fleet, clusters: &[(&str, &str)]) -> String {
        let rules = fleet.rules(clusters);
        let (head, rest) = rules.split_once("clusters:\n").unwrap();
        let (_, rest) = rest.split_once("rules:\n").unwrap();
        let file = |name: &str| self.certificates.path(name).display().to_string();
        format!(
            "{head}discover:\n  etcd:\n    endpoints: [\"http://127.0.0.1:1\", \"{}\"]\n    ca_file: {}\n    cert_file: {}\n    key_file: {}\n    \
             username: barman\n    password_file: {}\n    exclude: [\"lab-*\"]\nrules:\n{rest}",
            self.api.url,
            file("ca.crt"),
            file("nameless.crt"),
            file("nameless.key"),
            self.folder.path().join("password").display(),
        )
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ALL: [(&str, &str); 3] = [("main", "east"), ("side", "west"), ("late", "west")];

#[test]
fn clusters_come_and_go_with_etcd() {
    let mut etcd = Etcd::start();
    let fleet = Fleet::new(&ALL);
    etcd.publish(&fleet, "main", "n1");
    etcd.publish(&fleet, "side", "n1");
    etcd.put("lab-1/leader", "x");
    etcd.put("citus/0/leader", "x");
    fleet.write_rules(&etcd.rules(&fleet, &ALL));
    let mut agent = fleet.agent(&[]);
    agent.until_it_says("3 clusters");
    agent.until_fine(&["main", "side"]);
    agent.until_it_says("`citus` is a Citus cluster");
    lacks(&agent.log(), "lab-1: found");
    assert_eq!(agent.cluster("main")["followed_by"], "watch");

    // a new leader is in etcd before its Patroni lists it
    fleet.tell("main", "promote n2");
    etcd.put("main/leader", "n2");
    until(|| fleet.active("east", "main") == "main:n2");

    etcd.publish(&fleet, "late", "n1");
    agent.until_it_says("late: found");
    etcd.delete("late/");
    agent.until_it_says("late: gone");
    assert_eq!(agent.cluster("late"), Value::Null);

    // without etcd, the Patronis that were learned are asked
    etcd.restart(|| {
        until(|| agent.cluster("side")["followed_by"] == "polling");
        fleet.promote("west", "side", "n3");
    });
    etcd.put("side/leader", "n3");
    until(|| agent.cluster("side")["followed_by"] == "watch");
    fleet.tell("main", "promote n1");
    etcd.put("main/leader", "n1");
    until(|| fleet.active("east", "main") == "main:n1");
}

#[test]
fn a_watch_tells_that_what_it_asks_for_is_compacted() {
    let etcd = Etcd::start();
    let old = etcd.put("main/leader", "n1");
    let new = etcd.put("main/leader", "n2");
    let discover = etcd.discover();
    let client = Client::new(&discover.etcd, &BTreeMap::new());
    let watched = Watched::new(&client, &discover);
    let snapshot = block_on(watched.range()).unwrap();
    assert_eq!(snapshot.keys, [("main/leader".to_owned(), "n2".to_owned())]);
    assert_eq!(snapshot.revision, new);
    let newest = etcd.put("main/leader", "n3");
    let batches = Arc::new(Mutex::new(Vec::new()));
    let watch = |after| {
        let told = Arc::clone(&batches);
        block_on(watched.watch(after, move |batch| {
            let is_end = !batch.changes.is_empty() || batch.compacted;
            told.lock().unwrap().push(batch);
            !is_end
        }))
        .unwrap();
        std::mem::take(&mut *batches.lock().unwrap())
    };
    let told = watch(new);
    let change = told.last().unwrap();
    assert_eq!(
        change.changes,
        [("main/leader".to_owned(), Some("n3".to_owned()))]
    );
    assert_eq!(change.revision, newest);
    etcd.call("/v3/kv/compaction", json!({"revision": newest.to_string()}))
        .unwrap();
    assert!(watch(old - 1).last().unwrap().compacted);
}
