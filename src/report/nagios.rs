//! The status as the output of a Nagios or Icinga plugin: one line with the worst problem, the others below it, and
//! performance data.

use std::fmt::Write as _;
use std::time::Duration;

use crate::execute::Comparison;
use crate::model::Name;

use super::one_line;
use super::status::{Level, Status, leads};

/// The exit code and the text.
pub fn nagios(status: &Status<'_>) -> (u8, String) {
    let problems = status.problems();
    let perfdata = perfdata(status);
    let Some((worst, others)) = problems.split_first() else {
        let text = format!("OK - {}|{perfdata}\n", plain(&fine(status)));
        return (0, text);
    };
    let code = match worst.level {
        Level::Warning => 1,
        Level::Critical => 2,
        Level::Unknown => 3,
    };
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let word = worst.level.as_str().to_uppercase();
    let cluster = status.here.map(|here| format!("{}: ", here.cluster));
    let first = plain(&format!("{}{}", cluster.unwrap_or_default(), worst.message));
    let mut text = format!("{word} - {first}{more}|{perfdata}\n");
    for one in others {
        let word = one.level.as_str().to_uppercase();
        let _ = writeln!(text, "{word} - {}", plain(&one.message));
    }
    (code, text)
}

/// The output of a plugin that could not start.
pub fn nagios_failure(message: &str) -> String {
    format!("UNKNOWN - {}\n", plain(message))
}

fn fine(status: &Status<'_>) -> String {
    let Ok(here) = status.here else {
        return String::new();
    };
    let (cluster, leader) = (&here.cluster, leads(here));
    match status.compared.len() {
        0 => format!("{cluster}: no rule applies to a member, {leader}"),
        _ => format!("{cluster}: Barman is as the rules want it, {leader}"),
    }
}

/// Text on one line, without the character that begins performance data, and the one that Nagios replaces.
fn plain(text: &str) -> String {
    one_line(text).replace('|', "/").replace(';', ",")
}

fn perfdata(status: &Status<'_>) -> String {
    let mut all = Vec::new();
    let mut seen = Vec::new();
    for one in status.compared {
        let (Some(name), Some(server)) = (one.server_name(), &one.server) else {
            continue;
        };
        let label = label(one, name, status.compared);
        if seen.contains(&label) {
            continue;
        }
        let age = |then: Duration| status.now.saturating_sub(then).as_secs();
        let wal = server.last_wal().and_then(|wal| wal.written);
        let backup = server.last_good_backup();
        let backup = backup.and_then(|(_, backup)| backup.ended());
        for (what, value, unit) in [
            ("wal_lag", server.wal_lag(), "B"),
            ("last_wal_age", wal.map(age), "s"),
            ("last_backup_age", backup.map(age), "s"),
        ] {
            if let Some(value) = value {
                all.push(format!("'{label}_{what}'={value}{unit};;;0"));
            }
        }
        seen.push(label);
    }
    all.push(format!("pending={};;;0", status.state.pending.len()));
    all.push(format!("drift={};;;0", status.drifts().count()));
    all.join(" ")
}

/// The server's name, with the API's if another API has a server with the same name.
fn label(one: &Comparison, name: &Name, all: &[Comparison]) -> String {
    let twin =
        |other: &Comparison| other.server_name() == one.server_name() && other.api() != one.api();
    if all.iter().any(twin) {
        format!("{}/{name}", one.api().0)
    } else {
        name.to_string()
    }
}
