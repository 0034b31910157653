//! `clusters` and `discover`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde_json::Value;

use super::{Decoder, entries, items};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::model::{Clusters, Discover, Origin, Patroni, Url};

impl<'a> Decoder<'a> {
    pub(super) fn followed(
        &mut self,
        sections: &[(Origin, &'a Value)],
    ) -> BTreeMap<String, Patroni> {
        let mut all = BTreeMap::new();
        let mut seen: HashMap<&str, Origin> = HashMap::new();
        let named = sections
            .iter()
            .flat_map(|(origin, value)| entries(value, origin));
        for (name, origin, value) in named {
            if let Some(before) = seen.get(name.as_str()) {
                let message = format!("the cluster `{name}` is listed twice");
                self.problem(
                    Problem::new(Code::SectionTwice, Spot::key(&origin), message)
                        .help("put all addresses of its Patronis into one entry")
                        .related(Spot::key(before), "the first one is here"),
                );
                continue;
            }
            seen.insert(name, origin.clone());
            let urls = self.addresses(value, &origin, "patroni");
            let first = urls.first().cloned();
            if let Some(api) = self.endpoint_at(first, value, &origin) {
                let patroni = Patroni { api, urls, origin };
                all.insert(name.clone(), patroni);
            }
        }
        all
    }

    pub(super) fn discover(&mut self, value: &Value, origin: &Origin) -> Option<Discover> {
        let etcd = value.get("etcd")?;
        let place = origin.child("etcd");
        let endpoints = self.addresses(etcd, &place, "endpoints");
        let text = |key: &str| etcd.get(key).and_then(Value::as_str);
        let words = |key: &str, sign: &str| -> Vec<String> {
            let list = items(etcd.get(key), &place);
            let texts = list.filter_map(|(_, word)| word.as_str());
            texts.map(|word| format!("{sign}{word}")).collect()
        };
        let exclude = words("exclude", &Clusters::EXCLUDES.to_string());
        let words: Vec<String> = words("include", "").into_iter().chain(exclude).collect();
        let api = self.endpoint_at(endpoints.first().cloned(), etcd, &place)?;
        let none = Value::Object(serde_json::Map::new());
        let patroni = value.get("patroni").unwrap_or(&none);
        let patroni = self.endpoint_at(Some(api.url.clone()), patroni, &origin.child("patroni"))?;
        Some(Discover {
            etcd: api,
            endpoints,
            namespace: Discover::prefix(text("namespace").unwrap_or(Discover::NAMESPACE)),
            user: text("username")
                .zip(text("password_file"))
                .map(|(user, file)| (user.to_owned(), PathBuf::from(file))),
            clusters: Clusters::new(words.iter().map(String::as_str)),
            patroni,
            origin: place,
        })
    }

    fn addresses(&mut self, value: &Value, origin: &Origin, key: &str) -> Vec<Url> {
        let list = origin.child(key);
        items(value.get(key), &list)
            .filter_map(|(origin, url)| self.url(url, &origin, "address"))
            .collect()
    }
}
