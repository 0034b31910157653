//! `clusters` and `discover`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::Spot;
use crate::model::{Clusters, Discover, Origin, Patroni, Url};

impl<'a> Decoder<'a> {
    pub(super) fn followed(&mut self, sections: &[Here<'a, '_>]) -> BTreeMap<String, Patroni> {
        let mut all = BTreeMap::new();
        let mut seen: HashMap<&str, Origin> = HashMap::new();
        for (name, here) in sections.iter().flat_map(Here::entries) {
            if let Some(before) = seen.get(name.as_str()) {
                let message = format!("the cluster `{name}` is listed twice");
                let help = "put all addresses of its Patronis into one entry";
                let spots = [here.key_spot(), Spot::key(before)];
                self.second(Code::SectionTwice, spots, message, help);
                continue;
            }
            let origin = here.origin();
            seen.insert(name, origin.clone());
            let urls = self.addresses(here.child("patroni"));
            let first = urls.first().cloned();
            if let Some(api) = self.endpoint_at(first, here) {
                all.insert(name.clone(), Patroni { api, urls, origin });
            }
        }
        all
    }

    pub(super) fn discover(&mut self, here: Here<'_, '_>) -> Option<Discover> {
        let etcd = here.get("etcd")?;
        let endpoints = self.addresses(etcd.child("endpoints"));
        let words = |key: &str, sign: &str| -> Vec<String> {
            let list = etcd.child(key);
            let texts = list.items().filter_map(|word| word.value.as_str());
            texts.map(|word| format!("{sign}{word}")).collect()
        };
        let exclude = words("exclude", &Clusters::EXCLUDES.to_string());
        let words: Vec<String> = words("include", "").into_iter().chain(exclude).collect();
        let api = self.endpoint_at(endpoints.first().cloned(), etcd)?;
        let patroni = self.endpoint_at(Some(api.url.clone()), here.child("patroni"))?;
        Some(Discover {
            etcd: api,
            endpoints,
            namespace: Discover::prefix(etcd.text("namespace").unwrap_or(Discover::NAMESPACE)),
            user: etcd
                .text("username")
                .zip(etcd.text("password_file"))
                .map(|(user, file)| (user.to_owned(), PathBuf::from(file))),
            clusters: Clusters::new(words.iter().map(String::as_str)),
            patroni,
            origin: etcd.origin(),
        })
    }

    /// The addresses in a list.
    pub(super) fn addresses(&mut self, list: Here<'_, '_>) -> Vec<Url> {
        let urls = list.items();
        urls.filter_map(|url| self.url(url, "address")).collect()
    }
}
