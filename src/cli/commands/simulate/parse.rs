//! Parsers for the options of `simulate`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::duration;
use crate::simulator::{Backup, BackupStatus, Model, Server};

pub(super) fn server(text: &str) -> Server {
    let (name, cluster) = text.split_once('=').unwrap_or((text, text));
    Server {
        name: name.to_owned(),
        cluster: cluster.to_owned(),
        is_late: false,
    }
}

pub(super) fn model(text: &str) -> Model {
    let (name, cluster) = text.split_once('=').unzip();
    Model {
        name: name.unwrap_or(text).to_owned(),
        cluster: cluster.map(str::to_owned),
    }
}

pub(super) fn backup(text: &str) -> Result<Backup, String> {
    let mut words = text.split(',');
    let named = words.next().unwrap_or_default();
    let (named, status) = match named.split_once('=') {
        Some((named, word)) => (named, status(word)?),
        None => (named, BackupStatus::Done),
    };
    let (server, id) = named
        .rsplit_once(':')
        .ok_or("write it as `SERVER:ID`, for example `demo:20260101T000000`")?;
    let mut backup = Backup {
        server: server.to_owned(),
        id: id.to_owned(),
        status,
        timeline: 1,
        system_id: None,
    };
    for word in words {
        match word.split_once('=') {
            Some(("timeline", number)) if number.parse::<u64>().is_ok() => {
                backup.timeline = number.parse().unwrap_or(1);
            }
            Some(("systemid", id)) => backup.system_id = Some(id.to_owned()),
            _ => {
                return Err(format!(
                    "`{word}` is not `timeline=NUMBER` or `systemid=ID`"
                ));
            }
        }
    }
    Ok(backup)
}

fn status(word: &str) -> Result<BackupStatus, String> {
    BackupStatus::ALL
        .into_iter()
        .find(|status| status.name().eq_ignore_ascii_case(word))
        .ok_or_else(|| {
            let names = BackupStatus::ALL.map(|status| status.name().to_ascii_lowercase());
            format!("`{word}` is not a status: {}", names.join(", "))
        })
}

pub(super) fn option(text: &str) -> Result<(String, String, String), String> {
    let parts = text.split_once('=').and_then(|(named, value)| {
        let (section, option) = named.rsplit_once(':')?;
        Some((section.to_owned(), option.to_owned(), value.to_owned()))
    });
    parts.ok_or_else(|| {
        "write it as `NAME:OPTION=VALUE`, for example `demo:recovery_options=get-wal`".to_owned()
    })
}

pub(super) fn wal(text: &str) -> Result<(String, String), String> {
    let (server, file) = text
        .rsplit_once(':')
        .ok_or("write it as `SERVER:FILE`, for example `demo:000000010000000000000005`")?;
    Ok((server.to_owned(), file.to_owned()))
}

pub(super) fn member(text: &str) -> Result<(Option<String>, SocketAddr), String> {
    let (name, address) = text.split_once('=').unzip();
    let address = address.unwrap_or(text).parse().map_err(|_| {
        "write an address with a port, such as `127.0.0.1:8008` or `n1=127.0.0.1:8008`".to_owned()
    })?;
    Ok((name.map(str::to_owned), address))
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (left, right) = text
        .split_once('=')
        .ok_or("write it as `SERVER=MODEL`, for example `demo=demo:n1`")?;
    Ok((left.to_owned(), right.to_owned()))
}

pub(super) fn timeline(text: &str) -> Result<(String, u64), String> {
    let pair = text
        .split_once('=')
        .and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    pair.ok_or_else(|| "write it as `NAME=NUMBER`, for example `demo:n1=3`".to_owned())
}

pub(super) fn a_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .ok_or_else(|| "write a duration such as `500ms`, `2s` or `1h30m`".to_owned())
}
