//! One request of a rule.

use serde_json::Value;

use super::values::template_value;
use super::{Decoder, entries};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::load::suggest::{nearest, one_of};
use crate::model::{ApiName, Origin, RequestKind, RequestTemplate};

impl Decoder<'_> {
    pub(super) fn request(&mut self, value: &Value, origin: &Origin) -> Option<RequestTemplate> {
        let kind = value.get("type").and_then(Value::as_str);
        let api = self.api_of(value, origin);
        let mut server = None;
        let mut body = Vec::new();
        for (key, origin, value) in entries(value, origin) {
            if key == "type" || key == "api" {
                continue;
            }
            let value = template_value(value, &origin);
            self.templates(&value);
            if key == "server" {
                server = Some(value);
            } else {
                body.push((key.clone(), value));
            }
        }
        let request = RequestTemplate {
            kind: kind.and_then(RequestKind::parse)?,
            api: api.unwrap_or_default(),
            server,
            body,
            origin: origin.clone(),
        };
        self.known_request(&request);
        Some(request)
    }

    fn api_of(&mut self, request: &Value, origin: &Origin) -> Option<ApiName> {
        let Some(name) = request.get("api") else {
            self.needs_default_api(request, origin);
            return Some(ApiName::default());
        };
        let name = name.as_str()?;
        if self.apis.contains_key(name) || name.is_empty() {
            return Some(ApiName(name.to_owned()));
        }
        let names = self.api_names();
        let help = if name.contains("{{") {
            Some("the name of an API can't be a template: make a rule for each API".to_owned())
        } else if let Some(near) = nearest(name, names.iter().copied()) {
            Some(format!("did you mean `{near}`?"))
        } else {
            one_of(names).or_else(|| Some(format!("write `apis: {{{name}: {{url: …}}}}`")))
        };
        let message = format!("there is no API `{name}`");
        let spot = Spot::value(&origin.child("api"));
        self.problem(Problem::new(Code::UnknownApi, spot, message).maybe_help(help));
        None
    }

    fn needs_default_api(&mut self, request: &Value, origin: &Origin) {
        if self.apis.contains_key(ApiName::default().0.as_str()) || !request.is_object() {
            return;
        }
        let top = "write `api: {url: …}` at the top of the file";
        let help = match one_of(self.api_names()) {
            Some(names) => format!("{top}, or `api` in the request: {names}"),
            None => top.to_owned(),
        };
        let spot = Spot::value(origin);
        self.problem(
            Problem::new(Code::NoApi, spot, "this request has no API to go to").help(help),
        );
    }

    fn api_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.apis.keys().copied().collect();
        names.sort_unstable();
        names
    }
}
