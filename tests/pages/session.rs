//! A place in which the commands of one page run: a folder for `/`, and simulated servers behind the page's addresses.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};

use tempfile::TempDir;

use super::output::fits;
use super::shell::Command;
use crate::support::program::with_state;
use crate::support::wait::wait;

/// What the pages call the servers, in the order in which the simulator names them.
const API: [&str; 4] = [
    "http://127.0.0.1:7480",
    "https://barman.example:7480",
    "http://10.0.0.20:7480",
    "http://barman:7480",
];
const PATRONI: [&[&str]; 2] = [
    &["http://127.0.0.1:8008", "http://n1:8008"],
    &["http://127.0.0.1:8009", "http://n2:8008"],
];

/// Programs that are part of the environment, and are not run here.
const NOT_RUN: &str = "a2enconf a2enmod ansible-galaxy ansible-playbook apache2ctl apt apt-get barman buildah cargo \
                       cargo-fuzz chmod chown cp docker dnf dpkg etcdctl gh git groupadd install journalctl ln \
                       logrotate man mkdir nginx openssl patronictl pg_dropcluster podman pre-commit promtool \
                       psql rm rpm seed sh sha256sum ssh sudoedit systemctl systemd-analyze systemd-tmpfiles tar useradd userdel usermod yum zypper";

pub struct Session {
    folder: TempDir,
    /// What the page writes, and what is there.
    names: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    running: Vec<Child>,
}

impl Session {
    /// A session with a cluster `main` of two members, which Barman follows.
    pub fn start() -> Self {
        let mut session = Self {
            folder: tempfile::tempdir().unwrap(),
            names: Vec::new(),
            variables: Vec::new(),
            running: Vec::new(),
        };
        for folder in [
            "work",
            "etc/patroni_barman",
            "var/lib/patroni_barman",
            "var/log/patroni_barman",
        ] {
            fs::create_dir_all(session.folder.path().join(folder)).unwrap();
        }
        let simulator = "patroni_barman simulate --server main --model main:n1 --model main:n2 --active main=main:n1 \
                         --backup main:20260101T000000 --operation-time 100ms --patroni 127.0.0.1:8008,127.0.0.1:8009";
        let addresses = session.simulate(&Command::all("sh", simulator)[0]);
        for (names, actual) in [&API[..], PATRONI[0], PATRONI[1]].iter().zip(addresses) {
            for name in *names {
                session.names.push(((*name).to_owned(), actual.clone()));
            }
        }
        for folder in ["etc/", "var/"] {
            let actual = format!("{}/{folder}", session.folder.path().display());
            session.names.push((format!("/{folder}"), actual));
        }
        session
    }

    /// Where a file of the page is. Relative ones are in the folder that commands run in.
    pub fn path(&self, name: &str) -> PathBuf {
        match name.strip_prefix('/') {
            Some(inside) => self.folder.path().join(inside),
            None => self.folder.path().join("work").join(name),
        }
    }

    /// Writes a file. The simulated servers do not speak TLS, so certificates are left out.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let plain = text.lines().filter(|line| {
            let key = line.trim_start();
            !["cert_file:", "key_file:", "ca_file:"]
                .iter()
                .any(|certificate| key.starts_with(certificate))
        });
        let plain: Vec<&str> = plain.collect();
        fs::write(path, self.actual(&(plain.join("\n") + "\n"))).unwrap();
    }

    /// Runs a command, and compares what it prints. The error says what is not as the page has it.
    pub fn run(&mut self, command: &Command) -> Result<(), String> {
        match command.program() {
            "cargo" if command.words[1] == "run" => self.patroni_barman(command),
            "export" => {
                self.variables.extend(command.variables.clone());
                Ok(())
            }
            "curl" => self.finish(command, true, &self.curl(command)),
            "patroni_barman" if stays(command) => self.stay(command),
            "patroni_barman" => self.patroni_barman(command),
            name if NOT_RUN.split(' ').any(|known| known == name) => Ok(()),
            name => Err(format!("`{name}` is not a program that this test knows")),
        }
    }

    fn patroni_barman(&self, command: &Command) -> Result<(), String> {
        let printed = self.path("printed");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&printed)
            .unwrap();
        file.set_len(0).unwrap();
        let mut process = self.process(command);
        process.stderr(file.try_clone().unwrap()).stdout(file);
        if let Some(output) = &command.output {
            process.stdout(File::create(self.path(output)).unwrap());
        }
        if let Some(input) = &command.input {
            process.stdin(File::open(self.path(input)).unwrap());
        }
        let status = process.status().unwrap();
        let text = fs::read_to_string(printed).unwrap();
        self.finish(command, status.success(), &text)
    }

    /// A command without shown output has to succeed; one with output has to print that.
    fn finish(&self, command: &Command, success: bool, text: &str) -> Result<(), String> {
        let text = self.documented(text);
        let lines: Vec<&str> = text.lines().collect();
        match command.shown.is_empty() {
            true if success => Ok(()),
            true => Err(format!("it failed:\n{text}")),
            false if fits(&command.shown, &lines) => Ok(()),
            false => Err(format!("it prints:\n{text}")),
        }
    }

    fn process(&self, command: &Command) -> Process {
        let mut process = with_state(&self.path("/var/lib/patroni_barman/state.db"));
        process
            .current_dir(self.path(""))
            .env(
                "PATRONI_BARMAN_RULES",
                self.path("/etc/patroni_barman/rules.yml"),
            )
            .args(command.arguments().iter().map(|word| self.word(word)))
            .stdin(Stdio::null());
        for (name, value) in self.variables.iter().chain(&command.variables) {
            process.env(name, self.actual(value));
        }
        process
    }

    /// A word of a command. A revision of a file is a copy of it, because there is no git.
    fn word(&self, word: &str) -> String {
        if let Some(revision) = word.strip_prefix("git:") {
            let (_, path) = revision.split_once(':').unwrap();
            return self.path("revision").join(path).display().to_string();
        }
        self.actual(word)
    }

    /// Starts a process that does not end by itself, and waits until it has printed or logged something.
    fn stay(&mut self, command: &Command) -> Result<(), String> {
        if command.words[1] == "simulate" {
            let actual = self.simulate(command);
            let documented = command.shown.iter().filter_map(|line| address(line));
            let names: Vec<(String, String)> = documented.map(str::to_owned).zip(actual).collect();
            self.names.splice(0..0, names);
            return Ok(());
        }
        let printed = self.path("stays");
        let file = File::create(&printed).unwrap();
        let mut process = self.process(command);
        process.stderr(file.try_clone().unwrap()).stdout(file);
        let mut child = process.spawn().unwrap();
        let log = command.words.iter().position(|word| word == "--log-file");
        let log = log.map_or_else(
            || printed.clone(),
            |option| self.path(&command.words[option + 1]),
        );
        let written = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        let ended = wait(|| match child.try_wait().unwrap() {
            Some(status) => Some(Some(status)),
            None => (!written(&log).is_empty()).then_some(None),
        });
        self.running.push(child);
        match ended {
            Some(None) => Ok(()),
            _ => Err(format!("it did not stay:\n{}", written(&printed))),
        }
    }

    /// Starts a simulator on free ports, and returns the addresses that it prints.
    fn simulate(&mut self, command: &Command) -> Vec<String> {
        let mut words: Vec<String> = command.words[1..].to_vec();
        let mut members = 0;
        for index in 1..words.len() {
            let free = |address: &str| match address.rsplit_once(':') {
                Some((host, _)) => format!("{host}:0"),
                None => address.to_owned(),
            };
            match words[index - 1].as_str() {
                "--listen" => words[index] = free(&words[index]),
                "--patroni" => {
                    let addresses: Vec<String> = words[index].split(',').map(free).collect();
                    members = addresses.len();
                    words[index] = addresses.join(",");
                }
                _ => {}
            }
        }
        if !words.iter().any(|word| word == "--listen") {
            words.extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
        }
        let mut process = with_state(&self.path("simulator.db"));
        let mut child = process.args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addresses = lines.by_ref().take(members + 1);
        let addresses = addresses.map(|line| address(&line.unwrap()).unwrap().to_owned());
        let addresses = addresses.collect();
        // what it prints later must not fill the pipe
        std::thread::spawn(move || lines.for_each(drop));
        self.running.push(child);
        addresses
    }

    /// `curl [-s] [-d DATA] URL`.
    fn curl(&self, command: &Command) -> String {
        let mut data = None;
        let mut url = None;
        let mut words = command.words[1..].iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-s" => {}
                "-d" => data = words.next(),
                word => url = Some(self.actual(word)),
            }
        }
        let url = url.expect("a URL");
        let rest = url.strip_prefix("http://").expect("http");
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host).unwrap();
        let method = if data.is_some() { "POST" } else { "GET" };
        let body = data.map_or("", String::as_str);
        write!(
            stream,
            "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    }

    fn actual(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (documented, actual) in &self.names {
            // one address may begin another one, and a path may be a part of one that was replaced
            if !text.contains(actual.as_str()) {
                text = text.replace(documented, actual);
            }
        }
        text
    }

    fn documented(&self, text: &str) -> String {
        let names = self.names.iter();
        names.fold(text.to_owned(), |text, (documented, actual)| {
            text.replace(actual, documented)
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The address at the end of a line such as `listening on http://127.0.0.1:7480`.
fn address(line: &str) -> Option<&str> {
    line.rsplit(' ')
        .next()
        .filter(|word| word.starts_with("http://"))
}

/// Tells whether the command runs until it is stopped.
fn stays(command: &Command) -> bool {
    let has = |option: &str| command.words.iter().any(|word| word == option);
    match command.words.get(1).map(String::as_str) {
        Some("simulate") => true,
        Some("agent") => !has("--once"),
        Some("reconcile") => has("--every"),
        Some("demo") => has("--fleet"),
        _ => false,
    }
}
