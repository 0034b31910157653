//! `notify`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::values::{Least, template_value, words};
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::load::suggest::nearest;
use crate::model::{
    Api, IncidentClass, MESSAGE_FIELDS, Origin, Receiver, Template, TemplateValue, Url,
};
use crate::model::{SECRETS, Way, Webhook};
use crate::template::{Scope, Syntax, inspect, is_template, render};

/// Stands in the place of an address that is read from a file.
const SECRET_ADDRESS: &str = "http://127.0.0.1";

impl Decoder<'_> {
    pub(super) fn receivers(&mut self, sections: &[Here<'_, '_>]) -> Vec<Receiver> {
        let mut all = Vec::new();
        let mut seen: HashMap<String, Origin> = HashMap::new();
        let listed = sections.iter().flat_map(Here::items);
        for (number, here) in listed.enumerate() {
            let name = here.text("name");
            let name = name.map_or_else(|| format!("receiver-{}", number + 1), str::to_owned);
            if let Some(first) = seen.get(&name) {
                let message = format!("there are two receivers with the name `{name}`");
                let spots = [here.child("name").spot(), Spot::value(first)];
                let help = "give one of them another name";
                self.second(Code::SectionTwice, spots, message, help);
            }
            seen.insert(name.clone(), here.origin());
            all.extend(self.receiver(name, here));
        }
        all
    }

    fn receiver(&mut self, name: String, here: Here<'_, '_>) -> Option<Receiver> {
        let timeout = self.duration(here, "timeout", Least::MoreThanZero, Receiver::TIMEOUT);
        let after = self.duration(here, "after", Least::Zero, Receiver::AFTER);
        let mut classes = words(here, "classes", IncidentClass::parse);
        if classes.is_empty() {
            classes = IncidentClass::ALL.to_vec();
        }
        let way = match (here.get("webhook"), here.get("command")) {
            (Some(webhook), _) => {
                let mut webhook = self.webhook(webhook)?;
                webhook.api.timeout = timeout;
                Way::Webhook(Box::new(webhook))
            }
            (None, Some(command)) => self.command(command)?,
            (None, None) => return None,
        };
        Some(Receiver {
            name,
            way,
            timeout,
            after,
            classes,
        })
    }

    fn command(&mut self, here: Here<'_, '_>) -> Option<Way> {
        let words = here.items().filter_map(|word| word.value.as_str());
        let words: Vec<String> = words.map(str::to_owned).collect();
        let (first, program) = (here.items().next()?, words.first()?);
        if !Path::new(program).is_absolute() {
            // Patroni's PATH is not the operator's.
            let message = format!("`{program}` is no absolute path");
            let help = "write the whole path of the program; `command -v PROGRAM` shows it";
            self.problem(Problem::new(Code::BadValue, first.spot(), message).help(help));
        }
        Some(Way::Command(words))
    }

    fn webhook(&mut self, here: Here<'_, '_>) -> Option<Webhook> {
        let url_file = here.text("url_file");
        let url = match here.get("url") {
            Some(url) => self.url(url, "`url`"),
            None => url_file.and_then(|_| Url::new(SECRET_ADDRESS).ok()),
        };
        let api: Option<Api> = self.endpoint_at(url, here);
        let files = here.child("secret_files");
        let secret_files: BTreeMap<String, PathBuf> = files
            .entries()
            .filter_map(|(name, file)| Some((name.clone(), PathBuf::from(file.value.as_str()?))))
            .collect();
        let body = here.get("body").filter(|body| !body.value.is_string());
        let body = body.map(template_value);
        if let Some(body) = &body {
            let before = self.problems.len();
            for text in body.texts() {
                if is_template(&text.text) {
                    self.message_template(text, &secret_files);
                }
            }
            if self.problems.len() == before {
                self.message_that_fails(body, &secret_files);
            }
        }
        Some(Webhook {
            api: api?,
            url_file: url_file.map(PathBuf::from),
            body,
            secret_files,
        })
    }

    /// Checks a template of a body, which knows nothing but the fields of a message and the secrets.
    fn message_template(&mut self, template: &Template, secrets: &BTreeMap<String, PathBuf>) {
        let usage = match inspect(&template.text, Syntax::Text) {
            Ok(usage) => usage,
            Err(error) => return self.syntax_error(&error, template, Syntax::Text),
        };
        for unknown in &usage.unknown {
            self.unknown_name(unknown, template);
        }
        for used in &usage.variables {
            let name = used.name.as_str();
            let start = used.range.start;
            let spot = Spot::bytes(&template.origin, start..start + name.len());
            let problem = |message| Problem::new(Code::UnknownVariable, spot, message);
            match &used.attribute {
                _ if MESSAGE_FIELDS.contains(&name) => {}
                Some(secret) if name == SECRETS && secrets.contains_key(secret) => {}
                Some(secret) if name == SECRETS => {
                    let message = format!("there is no secret `{secret}`");
                    let help = format!("write `secret_files: {{{secret}: PATH}}`");
                    self.problem(problem(message).help(help));
                }
                _ => {
                    let fields = MESSAGE_FIELDS.map(|field| format!("`{field}`")).join(", ");
                    let help = nearest(name, MESSAGE_FIELDS).map_or_else(
                        || format!("a message has the fields {fields}"),
                        |near| format!("did you mean `{near}`?"),
                    );
                    let message = format!("a message has no field `{name}`");
                    self.problem(problem(message).help(help));
                }
            }
        }
    }

    /// Finds a body of which nothing can be made. Whether a field is empty must not matter: it would show only in the
    /// night when it counts.
    fn message_that_fails(&mut self, body: &TemplateValue, secrets: &BTreeMap<String, PathBuf>) {
        let secrets = secrets.keys().map(|name| (name.clone(), "x".to_owned()));
        let secrets: BTreeMap<String, String> = secrets.collect();
        for text in ["x", ""] {
            let scope = Scope::new(&[]).table(SECRETS, &secrets);
            let scope = MESSAGE_FIELDS
                .into_iter()
                .fold(scope, |scope, field| scope.text(field, text));
            if let Err(error) = render(body, &scope) {
                let which = if text.is_empty() {
                    "if its fields are empty"
                } else {
                    "whatever its fields are"
                };
                let message = format!("this fails for a message, {which}: {}", error.message);
                let spot = Spot::value(&error.origin);
                return self.problem(Problem::new(Code::AlwaysFails, spot, message));
            }
        }
    }
}
