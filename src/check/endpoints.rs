//! Endpoints: duplicates, unused ones, and secrets over unencrypted connections.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Api, ApiName, Origin, RuleSet, Url};

pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let mut problems = Vec::new();
    let used: HashSet<_> = rules
        .rules
        .iter()
        .flat_map(|rule| &rule.requests)
        .map(|request| &request.api)
        .collect();
    let mut known: HashMap<String, (&str, &Origin)> = HashMap::new();
    for (name, api) in &rules.apis {
        let Some(origin) = rules.places.apis.get(name) else {
            continue;
        };
        if !used.is_empty() && !used.contains(name) {
            let message = if *name == ApiName::default() {
                "no request goes to `api`".to_owned()
            } else {
                format!("no request goes to the API `{name}`")
            };
            let problem = Problem::new(Code::UnusedApi, Spot::key(origin), message);
            problems.push(problem.help("delete it, or name it with `api` in a request"));
        }
        match known.get(&address(&api.url)) {
            Some((other, before)) => {
                let message = format!("the APIs `{other}` and `{name}` have the same address");
                let problem = Problem::new(Code::SameApi, Spot::value(&origin.child("url")), message)
                    .help("keep one of them: requests that contradict each other are not found between two")
                    .related(Spot::value(&before.child("url")), "the other one is here");
                problems.push(problem);
            }
            None => {
                known.insert(address(&api.url), (&name.0, origin));
            }
        }
        problems.extend(unencrypted(api, origin));
    }
    if let (Some(patroni), Some(origin)) = (&rules.patroni, &rules.places.patroni) {
        problems.extend(unencrypted(&patroni.api, origin));
    }
    for patroni in rules.clusters.values() {
        problems.extend(unencrypted(&patroni.api, &patroni.origin));
    }
    problems
}

/// The address as servers see it: with the host in lower case and without a
/// default port.
fn address(url: &Url) -> String {
    let (scheme, rest) = url.as_str().split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(port).unwrap_or(&authority);
    format!("{scheme}://{authority}{path}")
}

/// Settings that have no effect, or can be intercepted, on an unencrypted connection.
fn unencrypted(api: &Api, origin: &Origin) -> Vec<Problem> {
    let Some(rest) = api.url.as_str().strip_prefix("http://") else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let files = [
        ("ca_file", &api.ca_file),
        ("cert_file", &api.cert_file),
        ("key_file", &api.key_file),
    ];
    let given = files.into_iter().find(|(_, file)| file.is_some());
    if let Some((key, _)) = given {
        let message = format!("`{key}` has no effect with an `http://` address");
        let spot = Spot::key(&origin.child(key));
        let problem = Problem::new(Code::IdleCertificate, spot, message);
        problems.push(problem.help("write `https://`, or delete the certificates"));
    }
    let host = host(rest);
    if is_local(host) {
        return problems;
    }
    if let Some(header) = api.headers.keys().next() {
        let message = format!("the header `{header}` goes to `{host}` without encryption");
        let spot = Spot::key(&origin.child("headers"));
        let problem = Problem::new(Code::PlainSecret, spot, message);
        let help = "write `https://`: everyone on the way can read a header of `http://`";
        problems.push(problem.help(help));
    }
    problems
}

fn host(rest: &str) -> &str {
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_local(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
