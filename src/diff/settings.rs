//! Edits outside the rules: they may affect requests that no cell shows, or no request at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Api, ApiName, Discover, Patroni, Receiver, RuleSet, Way};

use super::unseen::{Edit, bare_value};

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Setting {
    /// Its path in the rules file, for example `api.timeout`.
    #[cfg_attr(test, schemars(example = &"api.url", example = &"match"))]
    pub setting: String,
    /// The kind of edit.
    #[cfg_attr(test, schemars(extend("enum" = ["added", "removed", "edited"])))]
    pub what: Edit,
}

/// The settings that were edited, by their names.
pub(super) fn settings(old: &RuleSet, new: &RuleSet) -> Vec<Setting> {
    // A variable of a rule or file has its own unique name in the rule set.
    let vars = old.vars.iter().chain(&new.vars);
    let labels = vars.filter(|var| var.name != var.label);
    let labels: BTreeMap<String, &str> = labels
        .map(|var| (format!("vars.{}", var.name), var.label.as_str()))
        .collect();
    let (old, new) = (all(old), all(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let edit = |name: &String| match (old.get(name), new.get(name)) {
        (Some(_), None) => Some(Edit::Removed),
        (None, Some(_)) => Some(Edit::Added),
        (before, after) => (before != after).then_some(Edit::Edited),
    };
    let edited = names.into_iter().filter_map(|name| {
        let label = labels.get(name).map(|label| format!("vars.{label}"));
        Some(Setting {
            setting: label.unwrap_or_else(|| name.clone()),
            what: edit(name)?,
        })
    });
    let mut edited: Vec<Setting> = edited.collect();
    edited.dedup();
    edited
}

/// Every setting with a text that is equal exactly if the setting is.
fn all(rules: &RuleSet) -> BTreeMap<String, String> {
    let RuleSet {
        matching,
        apis,
        patroni,
        clusters,
        discover,
        vars,
        rules: _,
        state,
        fallback,
        receivers,
        header_variables: _,
        places: _,
    } = rules;
    let mut all = All::default();
    all.put("match", matching);
    all.put("rules_fallback", fallback);
    all.put("state.keep", &state.keep);
    all.maybe("state.path", state.path.as_ref());
    for (name, api) in apis {
        if *name == ApiName::default() {
            all.api("api", api);
        } else {
            all.api(&format!("apis.{name}"), api);
        }
    }
    if let Some(patroni) = patroni {
        let Patroni {
            api,
            urls,
            origin: _,
        } = patroni;
        all.api("patroni", api);
        let several = Some(urls).filter(|urls| urls.len() > 1);
        all.maybe("patroni.urls", several);
    }
    for (name, patroni) in clusters {
        all.api(&format!("clusters.{name}"), &patroni.api);
        all.put(&format!("clusters.{name}.patroni"), &patroni.urls);
    }
    if let Some(discover) = discover {
        let Discover {
            etcd,
            endpoints,
            namespace,
            user,
            clusters,
            patroni,
            origin: _,
        } = discover;
        all.api("discover.etcd", etcd);
        all.api("discover.patroni", patroni);
        all.put("discover.etcd.endpoints", endpoints);
        all.put("discover.etcd.namespace", namespace);
        all.put("discover.etcd.clusters", clusters);
        all.maybe("discover.etcd.username", user.as_ref());
    }
    for receiver in receivers {
        all.receiver(receiver);
    }
    // Variables of rules are visible in their requests.
    for var in vars.iter().filter(|var| !var.is_of_rule()) {
        all.put(&format!("vars.{}", var.name), &bare_value(&var.value));
    }
    all.0
}

#[derive(Default)]
struct All(BTreeMap<String, String>);

impl All {
    fn put(&mut self, name: &str, value: &impl Debug) {
        self.0.insert(name.to_owned(), format!("{value:?}"));
    }

    fn maybe(&mut self, name: &str, value: Option<&impl Debug>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn receiver(&mut self, receiver: &Receiver) {
        let Receiver {
            name,
            way,
            timeout,
            after,
            classes,
        } = receiver;
        let at = format!("notify.{name}");
        match way {
            Way::Webhook(webhook) => {
                let at = format!("{at}.webhook");
                self.api(&at, &webhook.api);
                self.maybe(&format!("{at}.url_file"), webhook.url_file.as_ref());
                let body = webhook.body.as_ref().map(bare_value);
                self.maybe(&format!("{at}.body"), body.as_ref());
                for (name, file) in &webhook.secret_files {
                    self.put(&format!("{at}.secret_files.{name}"), file);
                }
            }
            Way::Command(words) => self.put(&format!("{at}.command"), words),
        }
        self.put(&format!("{at}.timeout"), timeout);
        self.put(&format!("{at}.after"), after);
        self.put(&format!("{at}.classes"), classes);
    }

    fn api(&mut self, at: &str, api: &Api) {
        let Api {
            url,
            cert_file,
            key_file,
            ca_file,
            headers,
            proxy,
            timeout,
            connect_timeout,
        } = api;
        let name = |key: &str| format!("{at}.{key}");
        self.put(&name("url"), url);
        let changed = |time: &Duration, default| (*time != default).then_some(*time);
        self.maybe(&name("timeout"), changed(timeout, Api::TIMEOUT).as_ref());
        let connect = changed(connect_timeout, Api::CONNECT_TIMEOUT);
        self.maybe(&name("connect_timeout"), connect.as_ref());
        self.maybe(&name("cert_file"), cert_file.as_ref());
        self.maybe(&name("key_file"), key_file.as_ref());
        self.maybe(&name("ca_file"), ca_file.as_ref());
        self.maybe(&name("proxy"), proxy.as_ref());
        for (header, secret) in headers {
            self.put(&name(&format!("headers.{header}")), secret);
        }
    }
}
