//! The status for people.

use crate::barman::{ActiveModel, Backup, ServerState};
use crate::execute::{Comparison, Wal};
use crate::model::Role;
use crate::store::Receipts;

use super::super::age::{age, bytes};
use super::super::history::attempts;
use super::super::receipts;
use super::super::text::put_line;
use super::{Status, conflict};

/// The status for people.
#[must_use]
pub fn status(status: &Status<'_>) -> String {
    let mut text = String::new();
    head(&mut text, status);
    problems(&mut text, status);
    sources(&mut text, status);
    for one in status.conflicts {
        text.push('\n');
        put_line!(text, "DISPUTED: {}", conflict(one));
    }
    if status.here.is_ok() && status.compared.is_empty() && status.conflicts.is_empty() {
        text.push('\n');
        put_line!(text, "no rule applies to a member of this cluster");
    }
    for one in status.compared {
        text.push('\n');
        put_line!(text, "{}: {}", one.step.rule, one.step.operation.words());
        let word = match &one.differs {
            Err(_) => "can't be compared",
            Ok(None) if one.as_wanted() && status.no_wal(one).is_none() => "as wanted",
            Ok(_) => "DIFFERS",
        };
        put_line!(text, "  {word}");
        if let Some(server) = &one.server {
            server_lines(&mut text, status, one, server);
        }
    }
    changes(&mut text, status);
    pending(&mut text, status);
    text
}

fn head(text: &mut String, status: &Status<'_>) {
    let Ok(here) = status.here else {
        put_line!(text, "the cluster is unknown");
        return;
    };
    let leader = here.leader.as_ref();
    let leader = leader.map_or_else(
        || "no leader".to_owned(),
        |leader| format!("the leader is {leader}"),
    );
    let own = |name: &String| match here.role {
        Some(Role::Replica) if here.is_listed() => format!("{name} is a replica, "),
        Some(Role::Primary) => format!("{name} is the primary, "),
        Some(Role::StandbyLeader) => format!("{name} is the standby leader, "),
        Some(role) if here.is_listed() => format!("{name} is {}, ", role.as_str()),
        Some(_) => format!("{name} is not listed, "),
        None => format!("{name} has no known role, "),
    };
    let own = here.node.as_ref().map_or_else(String::new, own);
    let timeline = here
        .timeline
        .map_or_else(String::new, |timeline| format!(", timeline {timeline}"));
    put_line!(text, "{}: {own}{leader}{timeline}", here.cluster);
}

fn problems(text: &mut String, status: &Status<'_>) {
    for problem in status.problems() {
        let word = problem.level.as_str().to_uppercase();
        put_line!(text, "{word:<9} {}", problem.message);
    }
}

fn sources(text: &mut String, status: &Status<'_>) {
    let (rules, state) = (status.rules, status.state);
    let sha = rules.sha256.get(..12).unwrap_or_default();
    let copy = if rules.broken.is_some() {
        "the last good copy of "
    } else {
        ""
    };
    line(
        text,
        "rules",
        &format!("{copy}{} (SHA-256 {sha}…)", rules.path),
    );
    let there = match (&state.trouble, state.exists) {
        (Some(_), _) => " (not usable)",
        (None, true) => "",
        (None, false) => " (not made yet)",
    };
    line(text, "state", &format!("{}{there}", state.path));
    let pass = match &state.last_pass {
        Some(pass) => format!(
            "{} ago, exit code {}",
            age(status.now, pass.ended),
            pass.code
        ),
        None => "never, by this state".to_owned(),
    };
    line(text, "last reconcile", &pass);
    let patroni = status.here.ok();
    let patroni = match patroni {
        None => "not reachable",
        Some(here) => here.patroni.as_deref().unwrap_or("of unknown version"),
    };
    line(text, "Patroni", patroni);
    for api in status.apis {
        let barman = status.barman_of(api).map_or_else(
            || "Barman of unknown version".to_owned(),
            |version| format!("Barman {version}"),
        );
        let what = match &api.version {
            Ok(version) => format!("{barman}, pg-backup-api {version}"),
            Err(_) => "not reachable".to_owned(),
        };
        line(text, &format!("API {}", api.name.0), &what);
    }
}

fn line(text: &mut String, label: &str, value: &str) {
    put_line!(text, "  {label:<18} {value}");
}

fn server_lines(text: &mut String, status: &Status<'_>, one: &Comparison, server: &ServerState) {
    let active = match &server.active_model {
        ActiveModel::Model(name) => name.as_str(),
        ActiveModel::None => "none",
        ActiveModel::Unknown => "unknown",
    };
    line(text, "active model", active);
    let wal = match &one.wal {
        Some(Wal::Received) => "received".to_owned(),
        Some(Wal::Missing(why)) if why.unknown => format!("unknown: {}", why.message),
        Some(Wal::Missing(why)) => format!("NOT RECEIVED: {}", why.message),
        Some(Wal::Unchecked(why)) => format!("not checked: {why}"),
        None if one.differs == Ok(None) => "not checked: no member is followed".to_owned(),
        None => "not checked: another model is active".to_owned(),
    };
    let wal = wal.split_whitespace().collect::<Vec<_>>().join(" ");
    line(text, "WAL", &wal);
    let lag = server.wal_lag();
    line(
        text,
        "WAL not confirmed",
        &lag.map_or_else(|| "unknown".to_owned(), bytes),
    );
    let slot = server.slot.as_ref().map_or_else(
        || "none".to_owned(),
        |slot| {
            let word = if slot.active { "active" } else { "not active" };
            format!("{} ({word})", slot.name)
        },
    );
    line(text, "slot", &slot);
    let timeline = server.timeline;
    line(
        text,
        "timeline",
        &timeline.map_or_else(|| "unknown".to_owned(), |timeline| timeline.to_string()),
    );
    let wal = server.last_wal().map_or_else(
        || "none".to_owned(),
        |wal| match wal.written {
            Some(written) => format!("{}, {} ago", wal.name, age(status.now, written)),
            None => wal.name.clone(),
        },
    );
    line(text, "last archived WAL", &wal);
    let (last, good) = (server.last_backup(), server.last_good_backup());
    line(text, "last backup", &backup(status, last));
    if last.map(|(id, _)| id) != good.map(|(id, _)| id) {
        line(text, "last good backup", &backup(status, good));
    }
}

fn backup(status: &Status<'_>, found: Option<(&str, &Backup)>) -> String {
    let Some((id, backup)) = found else {
        return "none".to_owned();
    };
    let word = backup.status.as_deref().unwrap_or("of unknown status");
    match backup.ended() {
        Some(ended) => format!("{id} {word}, {} ago", age(status.now, ended)),
        None => format!("{id} {word}"),
    }
}

fn changes(text: &mut String, status: &Status<'_>) {
    let current = Receipts::current(&status.judged.receipts);
    if !current.is_empty() || status.judged.blind.is_some() {
        text.push('\n');
        text.push_str(&receipts(current));
    }
    if let Some(why) = &status.judged.blind {
        put_line!(text, "changes of timeline can't be judged: {why}");
    }
}

fn pending(text: &mut String, status: &Status<'_>) {
    let pending = &status.state.pending;
    if !pending.is_empty() {
        text.push('\n');
        put_line!(text, "pending:");
    }
    for intent in pending {
        let operation = intent
            .operation_id
            .as_ref()
            .map_or_else(String::new, |id| format!(", operation {id}"));
        let why = intent
            .message
            .as_ref()
            .map_or_else(String::new, |why| format!(": {why}"));
        put_line!(
            text,
            "  {}  for {}, {}: {}, {}{operation}{why}",
            intent.id.0,
            age(status.now, intent.created),
            intent.step.rule,
            intent.step.operation.words(),
            attempts(intent),
        );
    }
}
