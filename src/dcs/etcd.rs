//! etcd v3 through its JSON gateway.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::http::{Effort, Failure, Http, Request, Response, Sieve};
use crate::model::{Discover, Url};

/// The longest duration of one watch; it is resumed where it ended.
const WATCH: Duration = Duration::from_secs(600);

/// Everything below the namespace at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision.
    pub revision: u64,
    /// The keys, without the namespace, and their values.
    pub keys: Vec<(String, String)>,
}

/// A part of a watch's response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The revision up to which it is complete.
    pub revision: u64,
    /// The changed keys, without the namespace: their values, or `None` if deleted.
    pub changes: Vec<(String, Option<String>)>,
    /// etcd has compacted the history after the requested revision.
    pub compacted: bool,
}

/// The reason why etcd could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DcsError {
    /// No etcd member can be reached.
    #[error("etcd cannot be reached: {0}")]
    Unreachable(#[from] Failure),
    /// An etcd member sent an unexpected answer.
    #[error("etcd at `{url}` answered {status}: {message}")]
    Answer {
        /// The member.
        url: String,
        /// The HTTP status code.
        status: u16,
        /// Its message.
        message: String,
    },
    /// A watch did not start.
    #[error("etcd does not take up a watch")]
    Silent,
    /// The password can't be read.
    #[error("the password for etcd cannot be read from `{file}`: {reason}")]
    Password {
        /// The file.
        file: String,
        /// The system's error.
        reason: String,
    },
}

/// An etcd cluster.
#[derive(Debug)]
pub struct Etcd<'a, H> {
    http: &'a H,
    discover: &'a Discover,
    token: RefCell<Option<String>>,
    /// The member that answered last.
    current: Cell<usize>,
}

impl<'a, H: Http> Etcd<'a, H> {
    /// The etcd that the rules name; nothing is sent yet.
    pub const fn new(http: &'a H, discover: &'a Discover) -> Self {
        Self {
            http,
            discover,
            token: RefCell::new(None),
            current: Cell::new(0),
        }
    }

    /// Switches to the next member.
    pub fn turn(&self) {
        let count = self.discover.endpoints.len().max(1);
        self.current.set((self.current.get() + 1) % count);
    }

    /// Reads everything below the namespace.
    pub async fn range(&self) -> Result<Snapshot, DcsError> {
        let body = self.below();
        let answer = self.ask("/v3/kv/range", &body, None, None).await?;
        let (url, response) = answer;
        let read = serde_json::from_slice(&response.body).ok();
        let snapshot = read.and_then(|answer: Value| self.snapshot(&answer));
        snapshot.ok_or_else(|| DcsError::Answer {
            url,
            status: response.status,
            message: "no keys".to_owned(),
        })
    }

    fn snapshot(&self, answer: &Value) -> Option<Snapshot> {
        let pair = |entry: &Value| {
            let value = text(entry.get("value")?)?;
            Some((self.key(entry)?, value))
        };
        let keys = answer.get("kvs").and_then(Value::as_array);
        Some(Snapshot {
            revision: revision(answer)?,
            keys: keys.into_iter().flatten().filter_map(pair).collect(),
        })
    }

    /// Watches everything below the namespace from a revision, until the watch ends or `tell` returns false. The
    /// first batch says that the watch has started.
    pub async fn watch(
        &self,
        after: u64,
        tell: impl Fn(Batch) -> bool + Send + Sync + 'static,
    ) -> Result<(), DcsError> {
        let mut create = self.below();
        if let Value::Object(create) = &mut create {
            create.insert("start_revision".to_owned(), (after + 1).to_string().into());
            create.insert("progress_notify".to_owned(), true.into());
        }
        let body = json!({"create_request": create});
        let prefix = self.discover.namespace.clone();
        let sieve: Sieve = Arc::new(move |source| listen(source, &prefix, &tell));
        self.ask("/v3/watch", &body, Some(sieve), Some(WATCH))
            .await
            .map(drop)
    }

    fn below(&self) -> Value {
        let prefix = self.discover.namespace.as_bytes();
        let mut end = prefix.to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        json!({"key": BASE64.encode(prefix), "range_end": BASE64.encode(end)})
    }

    fn key(&self, entry: &Value) -> Option<String> {
        below(&self.discover.namespace, entry)
    }

    /// Asks one member after the other; with a new token if the old one has expired.
    async fn ask(
        &self,
        path: &str,
        body: &Value,
        sieve: Option<Sieve>,
        limit: Option<Duration>,
    ) -> Result<(String, Response), DcsError> {
        let mut trouble = None;
        for _ in 0..self.discover.endpoints.len().max(1) {
            for _ in 0..2 {
                match self.ask_one(path, body, sieve.clone(), limit).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => {
                        let refused = matches!(
                            &error,
                            DcsError::Answer {
                                status: 400 | 401 | 403,
                                ..
                            }
                        );
                        let had_token = self.token.borrow_mut().take().is_some();
                        trouble = Some(error);
                        if !(refused && had_token) {
                            break;
                        }
                    }
                }
            }
            // The caller, who has the revision, resumes a broken watch.
            if sieve.is_some() {
                break;
            }
            self.turn();
        }
        Err(trouble.unwrap_or_else(|| Failure::Refused("no endpoint".to_owned()).into()))
    }

    async fn ask_one(
        &self,
        path: &str,
        body: &Value,
        sieve: Option<Sieve>,
        limit: Option<Duration>,
    ) -> Result<(String, Response), DcsError> {
        let index = self.current.get();
        let url = self.discover.endpoints.get(index);
        let url = url.unwrap_or(&self.discover.etcd.url);
        let token = self.token(url).await?;
        let effort = if limit.is_some() {
            Effort::Large
        } else {
            Effort::Usual
        };
        self.post(
            url,
            path,
            Request {
                limit,
                effort,
                sieve,
                token,
                ..Request::post(String::new(), body.clone())
            },
        )
        .await
    }

    async fn token(&self, url: &Url) -> Result<Option<String>, DcsError> {
        let Some((user, file)) = &self.discover.user else {
            return Ok(None);
        };
        if let Some(token) = &*self.token.borrow() {
            return Ok(Some(token.clone()));
        }
        let password = fs::read_to_string(file).map_err(|error| DcsError::Password {
            file: file.display().to_string(),
            reason: error.to_string(),
        })?;
        let password = password.trim_end_matches(['\n', '\r']);
        let body = json!({"name": user, "password": password});
        let request = Request::post(String::new(), body);
        let (place, response) = self.post(url, "/v3/auth/authenticate", request).await?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let token = answer.get("token").and_then(Value::as_str);
        let token = token.ok_or_else(|| DcsError::Answer {
            url: place,
            status: response.status,
            message: "no token".to_owned(),
        })?;
        *self.token.borrow_mut() = Some(token.to_owned());
        Ok(Some(token.to_owned()))
    }

    async fn post(
        &self,
        url: &Url,
        path: &str,
        request: Request,
    ) -> Result<(String, Response), DcsError> {
        let request = Request {
            url: url.join(path),
            ..request
        };
        let response = self.http.exchange(&request).await?;
        if response.status == 200 {
            return Ok((url.to_string(), response));
        }
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let words = ["message", "error"].into_iter();
        let words = words.filter_map(|key| answer.get(key)?.as_str());
        Err(DcsError::Answer {
            url: url.to_string(),
            status: response.status,
            message: self
                .http
                .hide(words.collect::<Vec<_>>().first().unwrap_or(&"")),
        })
    }
}

/// Parses a watch's response as it arrives.
fn listen(
    source: &mut dyn Read,
    prefix: &str,
    tell: &dyn Fn(Batch) -> bool,
) -> io::Result<Vec<u8>> {
    let source = BufReader::new(source);
    let messages = serde_json::Deserializer::from_reader(source).into_iter::<Value>();
    for message in messages {
        let message = message?;
        let Some(result) = message.get("result") else {
            return Err(io::Error::other(message.to_string()));
        };
        let is = |key: &str| result.get(key).and_then(Value::as_bool) == Some(true);
        let compact = result.get("compact_revision").and_then(number);
        let compacted = is("canceled") && compact.is_some_and(|revision| revision > 0);
        if is("canceled") && !compacted {
            let reason = result.get("cancel_reason").and_then(Value::as_str);
            let reason = reason.unwrap_or("etcd ended the watch");
            return Err(io::Error::other(reason.to_owned()));
        }
        let change = |event: &Value| {
            let entry = event.get("kv")?;
            let gone = event.get("type").and_then(Value::as_str) == Some("DELETE");
            let value = || entry.get("value").and_then(text).unwrap_or_default();
            Some((below(prefix, entry)?, (!gone).then(value)))
        };
        let events = result.get("events").and_then(Value::as_array);
        let batch = Batch {
            revision: revision(result).unwrap_or_default(),
            changes: events.into_iter().flatten().filter_map(change).collect(),
            compacted,
        };
        if !tell(batch) || compacted {
            break;
        }
    }
    Ok(Vec::new())
}

/// A key below the namespace.
fn below(prefix: &str, entry: &Value) -> Option<String> {
    let key = text(entry.get("key")?)?;
    key.strip_prefix(prefix).map(str::to_owned)
}

fn text(value: &Value) -> Option<String> {
    let bytes = BASE64.decode(value.as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

fn revision(answer: &Value) -> Option<u64> {
    number(answer.get("header")?.get("revision")?)
}

/// The gateway writes large numbers as strings.
fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn told(lines: &str) -> (io::Result<Vec<u8>>, Vec<Batch>) {
        let batches = Mutex::new(Vec::new());
        let tell = |batch| {
            batches.lock().unwrap().push(batch);
            true
        };
        let ended = listen(&mut lines.as_bytes(), "/service/", &tell);
        (ended, batches.into_inner().unwrap())
    }

    #[test]
    fn a_watch_tells_what_changes() {
        let (key, value) = (BASE64.encode("/service/main/leader"), BASE64.encode("n2"));
        let lines = format!(
            r#"{{"result":{{"header":{{"revision":"7"}},"created":true}}}}
{{"result":{{"header":{{"revision":"8"}},"events":[{{"kv":{{"key":"{key}","value":"{value}"}}}},{{"type":"DELETE","kv":{{"key":"{key}"}}}}]}}}}"#
        );
        let (ended, batches) = told(&lines);
        assert!(ended.is_ok());
        assert_eq!([batches[0].revision, batches[1].revision], [7, 8]);
        let key = || "main/leader".to_owned();
        assert_eq!(
            batches[1].changes,
            [(key(), Some("n2".to_owned())), (key(), None)]
        );
    }

    #[test]
    fn a_compaction_is_told_and_another_end_is_an_error() {
        let (ended, batches) = told(
            r#"{"result":{"header":{"revision":"9"},"canceled":true,"compact_revision":"5"}}"#,
        );
        assert!(ended.is_ok());
        assert!(batches[0].compacted);
        for end in [
            r#"{"result":{"canceled":true,"cancel_reason":"no leader"}}"#,
            r#"{"error":{"grpc_code":14,"message":"transport is closing"}}"#,
            r#"{"result":{"#,
        ] {
            assert!(told(end).0.is_err(), "{end}");
        }
    }
}
