//! The Patroni that answers belongs to this cluster, and this node is a member of it.

use crate::diagnostic::{Code, list};
use crate::load::nearest;
use crate::model::RuleSet;

use super::answers::{Here, Seen};
use super::found::Found;

pub(super) fn look(rules: &RuleSet, here: &Here, found: &mut Found) {
    let Some(patroni) = &rules.patroni else {
        return;
    };
    let at = &patroni.origin;
    let mut told = here.patronis.iter().filter_map(|seen| {
        let Seen { url, scope, .. } = seen;
        Some((url, scope.as_ref()?))
    });
    let Some((first_url, first)) = told.next() else {
        return;
    };
    for (url, scope) in told.filter(|(_, scope)| *scope != first) {
        let message = format!(
            "the Patroni at `{url}` belongs to the cluster `{scope}`, and the one at `{first_url}` to `{first}`"
        );
        let help = "name members of one cluster under `patroni`";
        found.say(Code::OtherPatroni, at, url, message, help);
    }
    if !rules.has_rule_for(first) {
        let message = format!(
            "the Patroni at `{first_url}` belongs to the cluster `{first}`, for which there is no rule"
        );
        let help =
            "give the address of a member of the cluster that the rules name under `cluster`";
        return found.say(Code::OtherPatroni, at, first_url, message, help);
    }
    let (Some(name), Some(cluster)) = (&here.given, here.cluster()) else {
        return;
    };
    let members = cluster.members.iter().map(|member| member.name.as_str());
    if !members.clone().any(|member| member == name) {
        let message = format!("`{name}` is not a member of the cluster `{first}`");
        let help = match nearest(name, members.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its members are {}", list(members, "and")),
        };
        found.say(Code::UnknownMember, at, name, message, help);
    }
}
