//! pg-backup-api, typed: its requests and the meaning of its answers.
//!
//! [`answer`] reads answers and is pure; [`Barman`] only fetches them.

pub mod answer;
mod diagnosis;
mod interest;
mod keep;
mod sentence;
mod speaker;
mod trouble;
mod value;

pub use diagnosis::{ActiveModel, ArchivedWal, Backup, Diagnosis, ModelState, ServerState, Slot};
pub use interest::Interest;
pub use trouble::{Class, Trouble};
pub use value::same_value;

use std::time::Duration;

use crate::http::{Effort, Http, Request, Response};
use crate::model::{Name, Operation, RequestKind, Url};

/// The owner of a collection of operations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One server's: switches and recoveries.
    Server(Name),
    /// The whole Barman instance's: configuration updates.
    Instance,
}

impl Scope {
    /// The scope that an operation is posted to.
    pub fn of(operation: &Operation) -> Self {
        match operation.server() {
            Some(server) => Self::Server(server.clone()),
            None => Self::Instance,
        }
    }

    /// The path of its collection of operations.
    pub fn path(&self) -> String {
        match self {
            Self::Server(server) => format!("/servers/{server}/operations"),
            Self::Instance => "/operations".to_owned(),
        }
    }
}

/// The state of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationStatus {
    /// Barman is working on it, or its process died: the API can't tell the two apart.
    InProgress,
    /// It succeeded.
    Done,
    /// It failed. The reason is in a file on the Barman host; the API never returns it.
    Failed,
}

/// An operation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its ID.
    pub id: Name,
    /// Its type; `None` if this program does not know it.
    pub kind: Option<RequestKind>,
}

/// The operations of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// All of them, in no particular order.
    pub operations: Vec<Listed>,
    /// The API's clock at the time of the answer, since the Unix epoch.
    pub date: Option<Duration>,
}

/// A pg-backup-api at an address.
#[derive(Debug)]
pub struct Barman<'a, H> {
    http: &'a H,
    url: &'a Url,
    limit: Option<Duration>,
}

impl<H> Clone for Barman<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Barman<'_, H> {}

impl<'a, H: Http> Barman<'a, H> {
    /// The API at this address.
    pub const fn new(http: &'a H, url: &'a Url) -> Self {
        Self {
            http,
            url,
            limit: None,
        }
    }

    /// The same API with this time limit for its exchanges, whatever its own timeout.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The address that an operation is posted to.
    pub fn place(&self, operation: &Operation) -> String {
        self.url.join(&operation.path())
    }

    /// Asks for the health of the API.
    pub async fn status(&self) -> Result<(), Trouble> {
        self.read(answer::alive, &self.get("/status").await?)
    }

    /// Posts an operation and returns its ID; the class of a [`Trouble`] says what is known of its fate.
    pub async fn submit(&self, operation: &Operation) -> Result<Name, Trouble> {
        let request = Request {
            limit: self.limit,
            ..Request::post(self.place(operation), operation.body())
        };
        self.read(answer::accepted, &self.http.exchange(&request).await?)
    }

    /// Asks for the state of an operation. A single [`Class::Gone`] does not prove that it is gone.
    pub async fn poll(&self, scope: &Scope, id: &Name) -> Result<OperationStatus, Trouble> {
        let path = format!("{}/{id}", scope.path());
        self.read(answer::progress, &self.get(&path).await?)
    }

    /// Lists operations.
    pub async fn operations(&self, scope: &Scope) -> Result<Listing, Trouble> {
        let request = Request {
            sieve: Some(interest::operations()),
            ..self.question(&scope.path())
        };
        self.read(answer::operations, &self.http.exchange(&request).await?)
    }

    /// Asks for Barman's configuration and state. With hundreds of servers this takes minutes, so if no limit is set
    /// the timeout is [`Effort::LONG`].
    pub async fn diagnose(&self, interest: &Interest) -> Result<Diagnosis, Trouble> {
        let request = Request {
            effort: Effort::Large,
            sieve: Some(interest.sieve()),
            ..self.question("/diagnose")
        };
        self.read(answer::diagnosis, &self.http.exchange(&request).await?)
    }

    /// Returns true if pg-backup-api is older than 2.1.0 and knows no operations but recoveries: such a version has no list of the
    /// instance's operations.
    pub async fn is_too_old(&self) -> bool {
        let listed = self.operations(&Scope::Instance).await;
        matches!(
            listed.map_err(|trouble| trouble.class),
            Err(Class::Refused { .. })
        )
    }

    /// Returns the reason if a request failed because pg-backup-api is too old for it. Older versions answer a switch like a
    /// collision and an update like a wrong path; but they have no list of the instance's operations either.
    pub async fn too_old_for(&self, operation: &Operation, trouble: &Trouble) -> Option<Trouble> {
        let suspicious = matches!(
            (operation.kind(), trouble.class),
            (RequestKind::ConfigSwitch, Class::Collision)
                | (RequestKind::ConfigUpdate, Class::Refused { .. })
        );
        if !suspicious {
            return None;
        }
        if !self.is_too_old().await {
            return None;
        }
        let kind = operation.kind().as_str();
        Some(Trouble::new(
            Class::Refused {
                unknown_server: false,
            },
            format!("this pg-backup-api is older than 2.1.0 and has no `{kind}`; upgrade it"),
        ))
    }

    /// Reads an answer. The API may repeat a secret in its messages, in any notation.
    fn read<T>(
        &self,
        read: fn(&Response) -> Result<T, Trouble>,
        response: &Response,
    ) -> Result<T, Trouble> {
        read(response).map_err(|trouble| Trouble {
            message: self.http.hide(&trouble.message),
            ..trouble
        })
    }

    async fn get(&self, path: &str) -> Result<Response, Trouble> {
        Ok(self.http.exchange(&self.question(path)).await?)
    }

    fn question(&self, path: &str) -> Request {
        Request {
            limit: self.limit,
            ..Request::get(self.url.join(path), Effort::Usual)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Failure, block_on};
    use crate::model::{ConfigSwitch, ConfigUpdate, SwitchTo};

    /// The error of an API without a path.
    struct Old;

    impl Http for Old {
        async fn exchange(&self, _: &Request) -> Result<Response, Failure> {
            Ok(Response {
                status: 404,
                body:
                    br#"{"error":"404 Not Found: The requested URL was not found on the server."}"#
                        .to_vec(),
                ..Response::default()
            })
        }
    }

    #[test]
    fn an_api_without_the_instances_operations_is_too_old() {
        let url = Url::new("http://barman.test").unwrap();
        let barman = Barman::new(&Old, &url);
        let switch = Operation::ConfigSwitch(ConfigSwitch {
            server: Name::new("demo").unwrap(),
            to: SwitchTo::Reset,
        });
        let update = Operation::ConfigUpdate(ConfigUpdate {
            changes: Vec::new(),
        });
        let refused = Class::Refused {
            unknown_server: false,
        };
        for (operation, class, kind) in [
            (&switch, Class::Collision, Some("config_switch")),
            (&switch, refused, None),
            (&update, refused, Some("config_update")),
            (&update, Class::Unknown, None),
        ] {
            let trouble = Trouble::new(class, "…");
            let found = block_on(barman.too_old_for(operation, &trouble));
            let wanted = kind.map(|kind| {
                let message = format!(
                    "this pg-backup-api is older than 2.1.0 and has no `{kind}`; upgrade it"
                );
                Trouble::new(refused, message)
            });
            assert_eq!(found, wanted, "{operation:?} {class:?}");
        }
    }
}
