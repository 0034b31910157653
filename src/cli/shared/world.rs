//! The real world: HTTP clients, the computer's clock, the file system.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crate::alert::Attention;
use crate::barman::Barman;
use crate::execute::{Progress, Stamp, World};
use crate::http::Client;
use crate::model::{Api, ApiName, RuleSet, Url};
use crate::patroni::Patroni;
use crate::store::{Source, Worker};

use super::discreet::{DiscreetStore, Discretion};
use super::env::Environment;
use super::watch::Watch;

/// The world outside this process.
pub struct Outside<'a> {
    apis: Rc<BTreeMap<ApiName, Endpoint>>,
    patroni: Option<(Rc<Client>, Addresses)>,
    watch: &'a Watch<'a>,
    state: Option<Rc<DiscreetStore>>,
    one_receiver: Cell<bool>,
    limit: Option<Duration>,
    attention: Rc<Attention>,
}

/// The addresses of Patronis; an agent learns more of them.
pub type Addresses = Rc<RefCell<Vec<Url>>>;

/// A server and its client.
struct Endpoint {
    client: Client,
    url: Url,
}

impl<'a> Outside<'a> {
    /// The servers that these rules name; no connection is opened before it is needed.
    pub fn new(rules: &RuleSet, environment: &Environment, watch: &'a Watch<'a>) -> Self {
        let client = |api: &Api| Client::new(api, &environment.vars).heard_by(watch.hears());
        let endpoint = |(name, api): (&ApiName, &Api)| {
            let (client, url) = (client(api), api.url.clone());
            (name.clone(), Endpoint { client, url })
        };
        Self {
            apis: Rc::new(rules.apis.iter().map(endpoint).collect()),
            patroni: rules.patroni.as_ref().map(|patroni| {
                let urls = RefCell::new(patroni.urls.clone());
                (Rc::new(client(&patroni.api)), Rc::new(urls))
            }),
            watch,
            state: None,
            one_receiver: Cell::new(rules.streaming_targets() == 1),
            limit: None,
            attention: Rc::default(),
        }
    }

    /// The same with the Patronis of one cluster.
    pub fn of_cluster<'w>(
        &self,
        client: Rc<Client>,
        addresses: Addresses,
        watch: &'w Watch<'w>,
    ) -> Outside<'w> {
        Outside {
            apis: Rc::clone(&self.apis),
            patroni: Some((client, addresses)),
            watch,
            state: self.state.clone(),
            one_receiver: Cell::new(false),
            limit: None,
            attention: Rc::default(),
        }
    }

    /// Records whether exactly one Barman receives WAL of the cluster.
    pub fn set_one_receiver(&self, so: bool) {
        self.one_receiver.set(so);
    }
}

impl Outside<'_> {
    pub fn source(&self) -> Source {
        self.watch.source()
    }

    /// Uses this state from now on.
    pub fn remembering(mut self, state: Worker) -> Self {
        self.state = Some(Rc::new(DiscreetStore {
            state,
            discretion: self.discretion(),
            by: self.watch.source(),
        }));
        self
    }

    /// Limits the time of each exchange with an API.
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Asks these Patronis too, if those that the rules name don't answer.
    pub fn also_asking(self, members: &[String]) -> Self {
        if let Some((_, urls)) = &self.patroni {
            let mut urls = urls.borrow_mut();
            let more = members.iter().filter_map(|url| Url::new(url).ok());
            let more: Vec<Url> = more.filter(|url| !urls.contains(url)).collect();
            urls.extend(more);
        }
        self
    }

    /// The address of the first Patroni that the rules name.
    pub fn patroni_url(&self) -> Option<String> {
        let (_, urls) = self.patroni.as_ref()?;
        urls.borrow().first().map(ToString::to_string)
    }

    pub fn attention(&self) -> &Rc<Attention> {
        &self.attention
    }

    /// The secrets that no output may contain.
    pub fn discretion(&self) -> Discretion {
        let apis = self.apis.values().map(|endpoint| &endpoint.client);
        let patroni = self.patroni.iter().map(|(client, _)| &**client);
        Discretion::of(apis.chain(patroni).map(Client::secrets))
    }
}

fn changed(file: &Metadata) -> i128 {
    i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec())
}

impl<'a> World for Outside<'a> {
    type Http = Client;
    type Clock = Watch<'a>;
    type Store = DiscreetStore;

    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Client>> {
        let Endpoint { client, url } = self.apis.get(api)?;
        let barman = Barman::new(client, url);
        Some(match self.limit {
            Some(limit) => barman.within(limit),
            None => barman,
        })
    }

    fn patronis(&self) -> Vec<Patroni<'_, Client>> {
        let Some((client, urls)) = &self.patroni else {
            return Vec::new();
        };
        let urls = urls.borrow();
        let urls = urls.iter().cloned();
        urls.map(|url| Patroni::new(&**client, url)).collect()
    }

    fn clock(&self) -> &Watch<'a> {
        self.watch
    }

    fn store(&self) -> Option<&DiscreetStore> {
        self.state.as_deref()
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let file = fs::metadata(path).ok()?;
        Some(Stamp {
            inode: file.ino(),
            changed: changed(&file),
        })
    }

    fn newest_below(&self, directory: &Path) -> Option<i128> {
        let mut newest = changed(&fs::symlink_metadata(directory).ok()?);
        let mut folders = vec![directory.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(file) = entry.metadata() else {
                    continue;
                };
                newest = newest.max(changed(&file));
                if file.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        Some(newest)
    }

    /// The first line of `postmaster.pid` is the process ID.
    fn is_running(&self, datadir: &Path) -> bool {
        let file = fs::read_to_string(datadir.join("postmaster.pid")).unwrap_or_default();
        let number = file
            .lines()
            .next()
            .and_then(|line| line.trim().parse::<u32>().ok());
        number.is_some_and(|number| Path::new(&format!("/proc/{number}")).exists())
    }

    fn one_receiver(&self) -> bool {
        self.one_receiver.get()
    }

    fn observe(&self, progress: &Progress<'_>) {
        let tell = |progress: &Progress<'_>| {
            self.watch.observe(progress);
            self.attention.note(progress, self.watch);
        };
        self.discretion().tell(progress, tell);
    }
}
