//! The ways to receivers: an HTTP request, and a program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use crate::alert::{Courier, Message, Undelivered};
use crate::http::{Client, Failure, Http as _, Request, Response, blocking};
use crate::model::{Receiver, Url, Way, Webhook};
use crate::report::one_line;

use super::args::LogLevel;
use super::env::Environment;
use super::log::{Log, fields};

/// The longest part of what a receiver answers that is shown.
const SHOWN: usize = 200;

/// The largest file with a secret.
const LARGEST: u64 = 4096;

/// Delivers over the network, and by programs of this machine.
pub struct Couriers<'a> {
    pub environment: &'a Environment,
    pub log: &'a Rc<Log>,
}

impl Courier for Couriers<'_> {
    async fn deliver(&self, receiver: &Receiver, message: &Message) -> Result<(), Undelivered> {
        match &receiver.way {
            Way::Webhook(webhook) => self.post(webhook, message).await,
            Way::Command(words) => run(words, message).await,
        }
    }

    fn complain(&self, receiver: &Receiver, why: &str) {
        let name = &receiver.name;
        let said =
            format!("notify: delivery to `{name}` failed: {why}; the next process tries again");
        let more = fields([("receiver", name.clone().into())]);
        self.log.repeat(
            &format!("notify {name}"),
            why,
            LogLevel::Warning,
            &said,
            &more,
        );
    }
}

impl Couriers<'_> {
    async fn post(&self, webhook: &Webhook, message: &Message) -> Result<(), Undelivered> {
        let mut secrets = BTreeMap::new();
        for (name, file) in &webhook.secret_files {
            let secret = contents(file).await.map_err(|error| {
                let file = file.display();
                Undelivered::at_all(format!("the secret in `{file}` cannot be used: {error}"))
            })?;
            secrets.insert(name.clone(), secret);
        }
        let body = message
            .body(webhook.body.as_ref(), &secrets)
            .map_err(|error| format!("its `body` cannot be rendered: {}", error.message))
            .map_err(Undelivered::at_all)?;
        let mut api = webhook.api.clone();
        let address = match &webhook.url_file {
            None => api.url.as_str().to_owned(),
            Some(file) => {
                let (address, origin) = secret_address(file).await.map_err(Undelivered::at_all)?;
                api.url = origin;
                address
            }
        };
        // It is not told of exchanges: their addresses and bodies may be secret.
        let client = Client::new(&api, &self.environment.vars);
        let answer = client.exchange(&Request::post(address.clone(), body)).await;
        let Response { status, body, .. } = answer.map_err(|failure| match failure {
            Failure::Unknown(why) => Undelivered::for_sure(why),
            Failure::NotSent(why) | Failure::Refused(why) => Undelivered::at_all(why),
        })?;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let mut text = client.hide(&String::from_utf8_lossy(&body));
        if webhook.url_file.is_some() {
            text = without(&text, &address, api.url.as_str());
        }
        for secret in secrets.values() {
            text = text.replace(secret, "***");
        }
        let why = format!("it answered {status}{}", shown(&text));
        Err(Undelivered::at_all(why))
    }
}

/// Reads a file with a secret, without its trailing line break.
async fn contents(file: &Path) -> Result<String, String> {
    let path = file.to_owned();
    let read = blocking(move || {
        let mut text = String::new();
        let file = File::open(path)?;
        file.take(LARGEST).read_to_string(&mut text).map(|_| text)
    });
    let unread = || Err(io::Error::other("it was not read"));
    let text = read.await.unwrap_or_else(unread);
    let text = text.map_err(|error| error.to_string())?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("the file is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Reads an address that must not be shown; returns it, and its scheme, host and port.
async fn secret_address(file: &Path) -> Result<(String, Url), String> {
    let name = file.display();
    let failed = |why: &str| format!("the address in `{name}` cannot be used: {why}");
    let address = contents(file).await.map_err(|why| failed(&why))?;
    let host = address.find("://").map_or(0, |at| at + "://".len());
    let end = address
        .get(host..)
        .and_then(|rest| rest.find(['/', '?', '#']));
    let origin = end.map_or(Some(address.as_str()), |end| address.get(..host + end));
    if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(failed("it has spaces, line breaks or letters beyond ASCII"));
    }
    let origin = Url::new(origin.unwrap_or_default()).map_err(failed)?;
    Ok((address, origin))
}

/// Takes the parts of an address out of a text.
fn without(text: &str, address: &str, origin: &str) -> String {
    let secret = address.get(origin.len()..).unwrap_or_default();
    let mut parts: Vec<&str> = secret.split(['/', '?', '&', '=', '#']).collect();
    parts.push(secret);
    parts.retain(|part| part.len() > 3);
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let hidden = |text: String, part: &&str| text.replace(part, "***");
    parts.iter().fold(text.to_owned(), hidden)
}

/// The beginning of a text, for the end of a sentence.
fn shown(text: &str) -> String {
    let line = one_line(text.trim());
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!(": {}…", line.get(..end).unwrap_or_default()),
        None if line.is_empty() => line,
        None => format!(": {line}"),
    }
}

/// Runs a program with a message. It is killed with everything that it started if it is no longer waited for.
async fn run(words: &[String], message: &Message) -> Result<(), Undelivered> {
    let [program, arguments @ ..] = words else {
        return Err(Undelivered::at_all("it has no program".to_owned()));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    for (field, value) in message.fields() {
        let name = format!("PATRONI_BARMAN_NOTIFY_{}", field.to_ascii_uppercase());
        command.env(name, value);
    }
    let gone = || Undelivered::at_all("the program was not started".to_owned());
    let started = blocking(move || command.spawn()).await.ok_or_else(gone)?;
    let child = started
        .map_err(|error| Undelivered::at_all(format!("`{program}` cannot be started: {error}")))?;
    let mut group = Group::of(&child);
    let text = json!(message).to_string();
    let ended = blocking(move || feed(child, &text)).await;
    group.is_gone = true;
    let (status, said) = ended
        .ok_or_else(gone)?
        .map_err(|error| Undelivered::for_sure(format!("`{program}`: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let last = said.lines().next_back().unwrap_or_default();
    let why = format!("`{program}` ended with {status}{}", shown(last));
    Err(Undelivered::at_all(why))
}

/// Writes a text to a program and waits for its end; returns what it wrote to standard error.
fn feed(mut child: Child, text: &str) -> io::Result<(ExitStatus, String)> {
    if let Some(mut input) = child.stdin.take() {
        // One that does not read has all it needs in its environment.
        let _ = input.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status, said))
}

/// A program and what it started; they end with this, unless they have ended.
struct Group {
    leader: Option<Pid>,
    is_gone: bool,
}

impl Group {
    fn of(child: &Child) -> Self {
        let id = i32::try_from(child.id()).ok();
        Self {
            leader: id.and_then(Pid::from_raw),
            is_gone: false,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader.filter(|_| !self.is_gone) {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_no_part_of_a_secret_address() {
        let address = "https://chat.example/services/T0001/B0002/s3cr3t?token=abcdef";
        let text = without(
            "no_service at /services/T0001/B0002/s3cr3t, token abcdef",
            address,
            "https://chat.example",
        );
        for part in ["T0001", "B0002", "s3cr3t", "abcdef"] {
            assert!(!text.contains(part), "{text}");
        }
        assert!(text.starts_with("no_service at "), "{text}");
    }
}
