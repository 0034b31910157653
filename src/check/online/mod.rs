//! The rules compared with the answers of Barman and Patroni, one file for each question.
//!
//! The caller fetches the answers; here they are only compared. First [`wants`] returns what the rules
//! want for each member, so that the caller knows which servers and models to ask for; [`problems`] does the rest.

mod answers;
mod backups;
mod environment;
mod found;
mod names;
mod node;
mod receiving;
mod slot;
mod versions;
mod wants;

use std::collections::BTreeMap;

use crate::load::Problem;
use crate::model::{ApiName, RuleSet};

use self::found::Found;

pub use self::answers::{BackupState, Content, Here, Inventory, Member, Model, Seen, Server};
pub use self::wants::{Want, wants};

/// Everything that does not match.
pub fn problems(
    rules: &RuleSet,
    here: &Here,
    wants: &[Want<'_>],
    barmans: &BTreeMap<ApiName, Inventory>,
) -> Vec<Problem> {
    let mut found = Found::default();
    node::look(rules, here, &mut found);
    environment::look(rules, here, &mut found);
    for want in wants {
        let Some(barman) = barmans.get(&want.request.api) else {
            continue;
        };
        versions::look(want, barman, &mut found);
        let Some(content) = &barman.content else {
            continue;
        };
        names::look(want, content, &mut found);
        let server = want.server.as_ref();
        if let Some(server) = server.and_then(|name| content.servers.get(name)) {
            receiving::look(want, server, &mut found);
            slot::look(want, server, content, here, &mut found);
            backups::look(want, server, &mut found);
        }
    }
    found.problems
}
