//! One request of a rule.

use super::values::template_value;
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::Problem;
use crate::load::suggest::{nearest, one_of};
use crate::model::{ApiName, RequestKind, RequestTemplate};

impl Decoder<'_> {
    pub(super) fn request(&mut self, here: Here<'_, '_>) -> Option<RequestTemplate> {
        let api = self.api_of(here);
        let origin = here.origin();
        let here = Here::new(here.value, &origin);
        let mut server = None;
        let mut body = Vec::new();
        for (key, value) in here.entries() {
            if key == "type" || key == "api" {
                continue;
            }
            let value = template_value(value);
            self.templates(&value);
            if key == "server" {
                server = Some(value);
            } else {
                body.push((key.clone(), value));
            }
        }
        let request = RequestTemplate {
            kind: here.text("type").and_then(RequestKind::parse)?,
            api: api.unwrap_or_default(),
            server,
            body,
            origin: origin.clone(),
        };
        self.known_request(&request);
        Some(request)
    }

    fn api_of(&mut self, request: Here<'_, '_>) -> Option<ApiName> {
        let Some(api) = request.get("api") else {
            self.needs_default_api(request);
            return Some(ApiName::default());
        };
        let name = api.value.as_str()?;
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
        self.problem(Problem::new(Code::UnknownApi, api.spot(), message).maybe_help(help));
        None
    }

    fn needs_default_api(&mut self, request: Here<'_, '_>) {
        if self.apis.contains_key(ApiName::default().0.as_str()) || !request.value.is_object() {
            return;
        }
        let top = "write `api: {url: …}` at the top of the file";
        let help = match one_of(self.api_names()) {
            Some(names) => format!("{top}, or `api` in the request: {names}"),
            None => top.to_owned(),
        };
        let message = "this request has no API to go to";
        self.problem(Problem::new(Code::NoApi, request.spot(), message).help(help));
    }

    fn api_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.apis.keys().copied().collect();
        names.sort_unstable();
        names
    }
}
