//! pg-backup-api and Barman are new enough for the requests.

use crate::diagnostic::Code;

use super::answers::Inventory;
use super::found::Found;
use super::wants::Want;

pub(super) fn look(want: &Want<'_>, barman: &Inventory, found: &mut Found) {
    let kind = want.request.kind;
    let api = &want.request.api;
    if kind.sets_state() && barman.api_is_too_old && found.is_new(Code::TooOld, &api.to_string()) {
        let message = format!(
            "the pg-backup-api of `{api}` is older than 2.1.0 and has no `{}`",
            kind.as_str()
        );
        let at = want.request.origin.child("type");
        found.say(Code::TooOld, &at, "api", message, "upgrade pg-backup-api");
    }
    let content = barman.content.as_ref();
    let reason = content.and_then(|content| content.why_no_models.as_ref());
    if let (Some(_), Some(reason)) = (want.models().next(), reason)
        && found.is_new(Code::TooOld, &format!("Barman behind {api}"))
    {
        let at = want.request.origin.child("model_name");
        found.say(
            Code::TooOld,
            &at,
            "barman",
            reason.clone(),
            "upgrade Barman",
        );
    }
}
