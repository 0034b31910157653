//! From a request's templates to a step that can be sent.

use serde_json::{Map, Value};

use crate::load::validate_body;
use crate::model::{Name, Operation, RequestTemplate, Rule, RuleSet, Url};
use crate::template::{RenderError, Scope, render};

use super::Step;

/// Renders a request and checks that pg-backup-api would accept it.
pub(super) fn step(
    rules: &RuleSet,
    rule: &Rule,
    template: &RequestTemplate,
    scope: &Scope,
) -> Result<Step, RenderError> {
    let refuse = |message: String| RenderError::new(message, template.origin.clone());
    let api = rules
        .apis
        .get(&template.api)
        .ok_or_else(|| refuse(format!("there is no api `{}`", template.api)))?;
    let operation = operation(template, scope)?;
    Ok(Step {
        rule: rule.name.clone(),
        api: template.api.clone(),
        url: Url::join(&api.url, &operation.path()),
        operation,
        retry: rule.retry,
        poll: rule.poll_of(template.kind),
        fence: rule.fence,
        verify: rule.verify,
        on_failure: rule.on_failure,
        allow_older_timeline: rule.allow_older_timeline,
    })
}

fn operation(template: &RequestTemplate, scope: &Scope) -> Result<Operation, RenderError> {
    let refuse = |key: &str, message: String| RenderError::new(message, template.origin.child(key));
    let mut body = Map::new();
    body.insert("type".to_owned(), template.kind.as_str().into());
    for (key, value) in &template.body {
        body.insert(key.clone(), render(value, scope)?);
    }
    let body = Value::Object(body);
    validate_body(&body).map_err(|error| {
        let mut origin = template.origin.clone();
        origin.pointer.push_str(&error.pointer);
        RenderError::new(error.message, origin)
    })?;
    let server = match &template.server {
        None => None,
        Some(server) => match render(server, scope)? {
            Value::String(name) => {
                let name = Name::new(name);
                Some(name.map_err(|error| refuse("server", format!("`server`: {error}")))?)
            }
            _ => {
                return Err(refuse(
                    "server",
                    "`server` must be the name of a server".to_owned(),
                ));
            }
        },
    };
    Operation::from_body(server, &body).ok_or_else(|| {
        let message = format!("this is not the body of a `{}`", template.kind.as_str());
        RenderError::new(message, template.origin.clone())
    })
}
