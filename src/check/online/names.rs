//! Servers and models exist, and belong to one cluster.

use crate::diagnostic::Code;
use crate::model::Origin;

use super::answers::Content;
use super::found::{Found, instead};
use super::wants::Want;

pub(super) fn look(want: &Want<'_>, barman: &Content, found: &mut Found) {
    let at = |key: &str| want.request.origin.child(key);
    if let Some(name) = &want.server {
        server(name, &at("server"), barman, found);
    }
    if let Some(name) = &want.model {
        model(want, name, &at("model_name"), barman, found);
    }
    for changed in &want.changes {
        if changed.is_model {
            model(want, &changed.name, &changed.at, barman, found);
        } else {
            server(&changed.name, &changed.at, barman, found);
        }
    }
}

fn server(name: &str, at: &Origin, barman: &Content, found: &mut Found) {
    if !barman.servers.contains_key(name) {
        let message = format!("Barman has no server `{name}`");
        let all = barman.servers.keys().map(String::as_str);
        let help = instead(name, all, "servers");
        found.say(Code::UnknownServer, at, name, message, help);
    }
}

fn model(want: &Want<'_>, name: &str, at: &Origin, barman: &Content, found: &mut Found) {
    if barman.why_no_models.is_some() {
        return;
    }
    let Some(model) = barman.models.get(name) else {
        let member = want.member.as_deref();
        let whose = member.filter(|member| name.contains(member));
        let whose = whose.map(|member| format!(", which the rules want for the member `{member}`"));
        let message = format!("Barman has no model `{name}`{}", whose.unwrap_or_default());
        let all = barman.models.keys().map(String::as_str);
        let help = instead(name, all, "models");
        return found.say(Code::UnknownModel, at, name, message, help);
    };
    let server = want.server.as_ref();
    let Some((server, state)) = server.and_then(|name| barman.servers.get_key_value(name)) else {
        return;
    };
    let (Some(cluster), Some(wanted)) = (&model.cluster, &state.cluster) else {
        return;
    };
    if cluster != wanted {
        let message = format!(
            "the model `{name}` is for the cluster `{cluster}`, and the server `{server}` is of `{wanted}`"
        );
        let help = format!("write `cluster = {wanted}` in the model's configuration in Barman");
        found.say(Code::OtherCluster, at, name, message, help);
    }
}
