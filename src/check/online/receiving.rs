//! The server that is switched receives WAL from PostgreSQL.

use crate::diagnostic::Code;
use crate::model::Verify;

use super::answers::Server;
use super::found::Found;
use super::wants::Want;

pub(super) fn look(want: &Want<'_>, server: &Server, found: &mut Found) {
    let (Some(name), Some(_)) = (&want.server, &want.model) else {
        return;
    };
    let (message, help) = if server.active == Some(false) {
        (
            format!(
                "the server `{name}` is not active in Barman: it receives no WAL with any model"
            ),
            "set `active = true` for it in Barman's configuration",
        )
    } else if server.passive {
        (
            format!(
                "the server `{name}` copies from another Barman (`primary_ssh_command`) and receives nothing from PostgreSQL"
            ),
            "switch the server of the Barman that it copies from",
        )
    } else if want.rule.verify == Verify::Streaming && server.streaming_archiver == Some(false) {
        (
            format!(
                "the server `{name}` has no `streaming_archiver`, so `verify: streaming` sees no more than `applied`"
            ),
            "set `streaming_archiver = on` for it in Barman's configuration, or write `verify: applied`",
        )
    } else {
        return;
    };
    let at = want.request.origin.child("server");
    found.say(Code::NotReceiving, &at, name, message, help);
}
