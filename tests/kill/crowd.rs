//! Many callbacks at one API, half of them killed at any moment.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use patroni_barman::simulator::{Config, Simulator};
use tempfile::TempDir;

use crate::simulation::random::Random;
use crate::support::patroni::Patroni;
use crate::support::program::with_state;

const CALLBACKS: usize = 200;

/// One callback's server, rules and state.
struct Place {
    server: String,
    folder: TempDir,
}

impl Place {
    fn new(number: usize, barman: &str, patroni: &str) -> Self {
        let place = Self {
            server: format!("s{number}"),
            folder: tempfile::tempdir().unwrap(),
        };
        let server = &place.server;
        let rules = format!(
            "version: 1
api: {{url: \"{barman}\", timeout: 30s, connect_timeout: 30s}}
patroni: {{url: \"{patroni}\", timeout: 30s, connect_timeout: 30s}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: {server}, model_name: \"{server}:{{{{ node }}}}\"}}
"
        );
        fs::write(place.folder.path().join("rules.yml"), rules).unwrap();
        place
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        with_state(&self.folder.path().join("state.db"))
            .args(arguments)
            .env("PATRONI_BARMAN_RULES", self.folder.path().join("rules.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

#[test]
fn every_target_ends_as_wanted_though_half_of_the_callbacks_are_killed() {
    let seed = 20_261_123;
    let mut random = Random::new(seed);
    let config = (0..CALLBACKS).fold(Config::default(), |config, number| {
        let server = format!("s{number}");
        let (old, new) = (format!("{server}:n2"), format!("{server}:n1"));
        config
            .server(&server)
            .model(&old)
            .model(&new)
            .active(&server, &old)
    });
    let barman = Simulator::start(config.operation_time(Duration::from_millis(100))).unwrap();
    let patroni = Patroni::start("n1", "n1");
    let places: Vec<Place> = (0..CALLBACKS)
        .map(|number| Place::new(number, barman.url(), &patroni.url))
        .collect();

    let started = Instant::now();
    let mut children: Vec<Child> = places
        .iter()
        .map(|place| place.start(&["run", "--node", "n1", "on_role_change", "primary", "demo"]))
        .collect();
    let took = started.elapsed();
    // Between the first one's start and some time after the last one's.
    let longest = u64::try_from(took.as_millis()).unwrap() + 500;
    let mut kills: Vec<(Duration, usize)> = (0..CALLBACKS / 2)
        .map(|number| (random.between(0, longest), number * 2))
        .collect();
    kills.sort_unstable();
    for (at, number) in kills {
        thread::sleep((took + at / 2).saturating_sub(started.elapsed()));
        children[number].kill().unwrap();
    }
    for child in &mut children {
        child.wait().unwrap();
    }

    for group in places.chunks(10) {
        let reconciling: Vec<Child> = group
            .iter()
            .map(|place| place.start(&["reconcile"]))
            .collect();
        for (mut child, place) in reconciling.into_iter().zip(group) {
            let status = child.wait().unwrap();
            assert_eq!(
                status.code(),
                Some(0),
                "seed {seed}, {}: {}",
                place.server,
                place.log()
            );
        }
    }
    for place in &places {
        let server = &place.server;
        assert_eq!(
            barman.active_model(server),
            Some(format!("{server}:n1")),
            "seed {seed}: {}",
            place.log()
        );
    }
}
