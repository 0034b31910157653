//! Barman's state beside the wanted one.

use serde_json::{Value, json};

use crate::barman::{ActiveModel, ServerState};
use crate::evaluate::Conflict;
use crate::execute::{Comparison, Fighting, Here, Judged};
use crate::model::Role;
use crate::store::{Intent, Receipts};

use super::history::{attempts, local_time, utc};
use super::text::put_line;
use super::{describe, intent, receipts, receipts_json};

/// What there is to show.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// What Patroni says of this node.
    pub here: &'a Here,
    /// Each state that the rules want.
    pub compared: &'a [Comparison],
    /// What members want differently.
    pub conflicts: &'a [Conflict],
    /// What was decided on and is not finished.
    pub pending: &'a [Intent],
    /// The verdicts on changes of timeline.
    pub judged: &'a Judged,
}

impl Status<'_> {
    /// Whether everything is as the rules want it and nothing is pending.
    #[must_use]
    pub fn as_wanted(&self) -> bool {
        self.pending.is_empty()
            && self.conflicts.is_empty()
            && self.compared.iter().all(Comparison::as_wanted)
    }

    /// The status as `schemas/status.schema.json` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "cluster": self.here.cluster,
            "node": self.here.node,
            "role": self.here.role,
            "leader": self.here.leader,
            "timeline": self.here.timeline,
            "as_wanted": self.as_wanted(),
            "conflicts": self.conflicts.iter().map(conflict).collect::<Vec<_>>(),
            "states": self.compared.iter().map(one).collect::<Vec<_>>(),
            "pending": self.pending.iter().map(intent).collect::<Vec<_>>(),
            "receipts": receipts_json(Receipts::current(&self.judged.receipts)),
            "receipts_unknown": self.judged.blind,
        })
    }
}

fn one(compared: &Comparison) -> Value {
    let server = compared.server.as_ref();
    let backup = server.and_then(last_backup);
    json!({
        "member": compared.member,
        "rule": compared.step.rule,
        "api": compared.step.api,
        "server": compared.server_name(),
        "request": compared.step.operation.body(),
        "wanted_model": compared.wanted_model().flatten(),
        "active_model": compared.active_model().and_then(|active| match active {
            ActiveModel::Model(name) => Some(name),
            ActiveModel::None | ActiveModel::Unknown => None,
        }),
        "as_wanted": compared.as_wanted(),
        "difference": compared.differs.as_ref().ok().and_then(Option::as_ref)
            .or(compared.wal.as_ref().map(|wal| &wal.message)),
        "not_corrected_before": compared.fighting.map(|fighting| utc(fighting.until)),
        "trouble": compared.differs.as_ref().err(),
        "streaming": server.and_then(|server| server.streaming),
        "slot": server.and_then(|server| server.slot.as_ref())
            .map(|slot| json!({"name": slot.name, "active": slot.active})),
        "timeline": server.and_then(|server| server.timeline),
        "last_wal": server.and_then(ServerState::last_wal).map(|wal| &wal.name),
        "last_backup": backup.map(|(id, status)| json!({"id": id, "status": status})),
    })
}

/// What two members want differently, in a sentence.
#[must_use]
pub fn conflict(conflict: &Conflict) -> String {
    let Conflict { target, wants } = conflict;
    let [(one, first), (two, second)] = wants;
    format!(
        "{target} is wanted differently for `{one}` (rule `{first}`) and for `{two}` (rule `{second}`)"
    )
}

/// Why a state is not as wanted, in a sentence.
#[must_use]
pub fn difference(one: &Comparison, here: &Here) -> String {
    let mut what = match (&one.differs, &one.wal) {
        (Ok(Some(what)) | Err(what), _) => what.clone(),
        (Ok(None), Some(wal)) => wal.message.clone(),
        (Ok(None), None) => String::new(),
    };
    if let Some(member) = one.member.as_ref().filter(|_| one.elsewhere) {
        let role = if here.leader.as_ref() == Some(member) {
            "the leader "
        } else {
            ""
        };
        what = format!("{what} (for {role}`{member}`)");
    }
    if let Some(Fighting { corrections, until }) = one.fighting {
        let until = local_time(until);
        what = format!(
            "{what}; it was corrected {corrections} times and something else keeps setting it (the rules of another \
             cluster, another tool or a person): not corrected again before {until}"
        );
    }
    what
}

/// The newest backup; ids are times.
fn last_backup(server: &ServerState) -> Option<(&str, Option<&str>)> {
    let (id, backup) = server.backups.last_key_value()?;
    Some((id, backup.status.as_deref()))
}

/// The status for people.
#[must_use]
pub fn status(status: &Status<'_>) -> String {
    let Status {
        here,
        compared,
        conflicts,
        pending,
        judged,
    } = status;
    let mut text = String::new();
    let leader = here.leader.as_deref().unwrap_or("nobody");
    let timeline = here
        .timeline
        .map_or_else(String::new, |timeline| format!(", timeline {timeline}"));
    let role = here.role.map_or("without a role", Role::as_str);
    let own = here
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!("{node} is {role}, "));
    put_line!(
        text,
        "{}: {own}the leader is {leader}{timeline}",
        here.cluster,
    );
    for one in *conflicts {
        text.push('\n');
        put_line!(text, "DISPUTED: {}", conflict(one));
    }
    if compared.is_empty() && conflicts.is_empty() {
        text.push('\n');
        put_line!(text, "no rule wants anything of a member of this cluster");
    }
    for one in *compared {
        text.push('\n');
        put_line!(text, "{}: {}", one.step.rule, describe(&one.step.operation));
        let what = difference(one, here);
        match &one.differs {
            _ if one.as_wanted() => put_line!(text, "  as wanted"),
            Err(_) => put_line!(text, "  can't be compared: {what}"),
            Ok(_) => put_line!(text, "  DIFFERS: {what}"),
        }
        if let Some(server) = &one.server {
            server_lines(&mut text, server);
        }
    }
    let current = Receipts::current(&judged.receipts);
    if !current.is_empty() || judged.blind.is_some() {
        text.push('\n');
        text.push_str(&receipts(current));
    }
    if let Some(why) = &judged.blind {
        put_line!(text, "changes of timeline cannot be judged: {why}");
    }
    if !pending.is_empty() {
        text.push('\n');
        put_line!(text, "pending:");
    }
    for intent in *pending {
        put_line!(
            text,
            "  {}  {} {}: {}, {}{}",
            intent.id.0,
            super::local_time(intent.created),
            intent.step.rule,
            describe(&intent.step.operation),
            attempts(intent),
            intent
                .message
                .as_ref()
                .map_or_else(String::new, |why| format!(": {why}")),
        );
    }
    text
}

fn server_lines(text: &mut String, server: &ServerState) {
    let active = match &server.active_model {
        ActiveModel::Model(name) => name.as_str(),
        ActiveModel::None => "none",
        ActiveModel::Unknown => "unknown",
    };
    let yes = |truth: Option<bool>| match truth {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let slot = server.slot.as_ref().map_or_else(
        || "none".to_owned(),
        |slot| {
            format!(
                "{} ({})",
                slot.name,
                if slot.active { "active" } else { "not active" }
            )
        },
    );
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    put_line!(text, "  active model  {active}");
    put_line!(text, "  streaming     {}", yes(server.streaming));
    put_line!(text, "  slot          {slot}");
    put_line!(
        text,
        "  timeline      {}",
        or_none(server.timeline.map(|t| t.to_string()))
    );
    put_line!(
        text,
        "  last WAL      {}",
        or_none(server.last_wal().map(|wal| wal.name.clone()))
    );
    let backup = last_backup(server).map(|(id, status)| format!("{id} {}", status.unwrap_or("")));
    put_line!(text, "  last backup   {}", or_none(backup).trim_end());
}
