//! The replication slot still exists after a failover.

use crate::diagnostic::Code;

use super::answers::{Content, Here, Server};
use super::found::Found;
use super::wants::Want;

pub(super) fn look(
    want: &Want<'_>,
    server: &Server,
    barman: &Content,
    here: &Here,
    found: &mut Found,
) {
    let (Some(name), Some(model)) = (&want.server, &want.model) else {
        return;
    };
    let receives =
        server.active != Some(false) && !server.passive && server.streaming_archiver != Some(false);
    let own = barman.models.get(model);
    let slot = own
        .and_then(|model| model.slot_name.as_ref())
        .or(server.slot_name.as_ref());
    let cluster = here.cluster();
    let slots = cluster.and_then(|seen| seen.slots.as_ref());
    let (Some(slot), Some(slots), Some(cluster), true) = (slot, slots, cluster, receives) else {
        return;
    };
    if slots.contains(slot) {
        return;
    }
    let scope = cluster.scope.as_deref().unwrap_or_default();
    let message = format!(
        "`{name}` receives WAL through the slot `{slot}`, which Patroni does not keep: it is not under `slots` in the configuration of `{scope}`, \
         so a failover loses it"
    );
    let help = format!("patronictl edit-config {scope} -s slots.{slot}.type=physical");
    let at = want.request.origin.child("server");
    found.say(Code::SlotNotPermanent, &at, slot, message, help);
}
