//! `api`, `apis` and `patroni`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde_json::Value;

use super::values::Least;
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::load::shape;
use crate::model::{Api, ApiName, Origin, Patroni, Secret, Url};

/// The name of `api`.
const DEFAULT: &str = "default";

/// Headers of the connection and of the body; the schema has them in their usual spellings.
const RESERVED: [&str; 13] = [
    "Accept-Encoding",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Expect",
    "Host",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

impl<'a> Decoder<'a> {
    pub(super) fn apis(
        &mut self,
        api: Option<Here<'a, '_>>,
        apis: &[Here<'a, '_>],
    ) -> BTreeMap<ApiName, Api> {
        let mut all = BTreeMap::new();
        if let Some(here) = api {
            self.apis.insert(DEFAULT, here.origin());
            let api = self.endpoint(here);
            all.extend(api.map(|api| (ApiName::default(), api)));
        }
        for (name, here) in apis.iter().flat_map(Here::entries) {
            if let Some(before) = self.apis.get(name.as_str()).cloned() {
                let help = if name == DEFAULT {
                    "`default` is the name of `api`: give this one another name"
                } else {
                    "give one of them another name"
                };
                let message = format!("there are two APIs with the name `{name}`");
                let spots = [here.key_spot(), Spot::key(&before)];
                self.second(Code::SectionTwice, spots, message, help);
                continue;
            }
            let api = self.endpoint(here);
            all.extend(api.map(|api| (ApiName(name.clone()), api)));
            self.apis.insert(name, here.origin());
        }
        all
    }

    pub(super) fn patroni(&mut self, here: Here<'_, '_>) -> Option<Patroni> {
        let origin = here.origin();
        let urls = self.addresses(here.child("urls"));
        let Some(first) = urls.first() else {
            let api = self.endpoint(here)?;
            return Some(Patroni {
                origin,
                ..Patroni::new(api)
            });
        };
        let api = self.endpoint_at(Some(first.clone()), here)?;
        Some(Patroni { api, urls, origin })
    }

    fn endpoint(&mut self, here: Here<'_, '_>) -> Option<Api> {
        let url = here.get("url");
        let url = url.and_then(|url| self.url(url, "`url`"));
        self.endpoint_at(url, here)
    }

    pub(super) fn endpoint_at(&mut self, url: Option<Url>, here: Here<'_, '_>) -> Option<Api> {
        let file = |key: &str| here.text(key).map(PathBuf::from);
        self.names_of_headers(here.child("headers"));
        let proxy = here.get("proxy");
        let proxy = proxy.and_then(|url| self.url(url, "`proxy`"));
        let mut duration = |key, default| self.duration(here, key, Least::MoreThanZero, default);
        let timeout = duration("timeout", Api::TIMEOUT);
        let connect_timeout = duration("connect_timeout", Api::CONNECT_TIMEOUT);
        Some(Api {
            url: url?,
            cert_file: file("cert_file"),
            key_file: file("key_file"),
            ca_file: file("ca_file"),
            headers: headers(here.value),
            proxy,
            timeout,
            connect_timeout,
        })
    }

    /// Reports headers that rules can't set, and duplicates, which may differ in case.
    fn names_of_headers(&mut self, headers: Here<'_, '_>) {
        let mut seen: HashMap<String, Origin> = HashMap::new();
        for (name, here) in headers.entries() {
            if let Some(variable) = here.text("env") {
                let named = (variable.to_owned(), here.child("env").origin());
                self.header_variables.push(named);
            }
            let spot = here.key_spot();
            if RESERVED
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                self.problem(shape::reserved_header(name, spot));
                continue;
            }
            let folded = name.to_ascii_lowercase();
            let Some(first) = seen.get(&folded) else {
                seen.insert(folded, here.origin());
                continue;
            };
            let message = format!("the header `{name}` is set twice");
            let help =
                "upper and lower case are the same in the name of a header: keep one of them";
            self.second(Code::DuplicateKey, [spot, Spot::key(first)], message, help);
        }
    }

    pub(super) fn url(&mut self, here: Here<'_, '_>, label: &str) -> Option<Url> {
        let text = here.value.as_str()?;
        let reason = match Url::new(text) {
            Ok(url) => return Some(url),
            Err(_) if text.is_empty() => return None,
            Err(reason) => reason,
        };
        let help = if text.contains("{{") {
            Some("an address can't be a template: name each API under `apis`".to_owned())
        } else {
            meant_url(text).map(|meant| format!("did you mean `{meant}`?"))
        };
        // The address itself is not repeated: it may contain a password.
        let message = format!("this {label} can't be used: {reason}");
        self.problem(Problem::new(Code::BadUrl, here.spot(), message).maybe_help(help));
        None
    }
}

/// The address that was probably meant. One with a password is not repeated.
fn meant_url(text: &str) -> Option<String> {
    if text.contains("://") || text.contains('@') {
        return None;
    }
    let mut schemes = ["http:", "https:"].into_iter();
    let written = schemes.find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?)));
    let (scheme, rest) = match written {
        Some((scheme, rest)) => (scheme, rest.trim_start_matches('/')),
        None if text.starts_with("127.") || text.starts_with("localhost") => ("http:", text),
        None => ("https:", text),
    };
    let meant = format!("{scheme}//{rest}");
    Url::new(&meant).is_ok().then_some(meant)
}

fn headers(endpoint: &Value) -> BTreeMap<String, Secret> {
    let secret = |value: &Value| {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        text("env")
            .map(Secret::Env)
            .or_else(|| text("file").map(|path| Secret::File(path.into())))
    };
    endpoint
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), secret(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::RESERVED;
    use crate::load::schema::RULES;

    #[test]
    fn the_schema_has_the_headers_that_rules_can_t_set() {
        let schema: Value = serde_json::from_str(RULES).unwrap();
        let path = "/$defs/endpoint/properties/headers/propertyNames/not/enum";
        let names = schema.pointer(path).and_then(Value::as_array).unwrap();
        let both = RESERVED.map(|name| [name.to_owned(), name.to_ascii_lowercase()]);
        assert_eq!(*names, both.concat());
    }
}
