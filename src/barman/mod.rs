//! pg-backup-api, typed: what it can be asked, and what each of its answers means.
//!
//! [`answer`] reads answers and is pure; [`Barman`] only fetches them.

pub mod answer;
mod diagnosis;
mod sentence;
mod trouble;

pub use diagnosis::{ActiveModel, Backup, Diagnosis, ModelState, ServerState, Slot, same_value};
pub use trouble::{Class, Trouble};

use std::time::Duration;

use crate::http::{Effort, Http, Request, Response};
use crate::model::{Name, Operation, RequestKind, Url};

/// Whose operations they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One server's: switches and recoveries.
    Server(Name),
    /// The whole Barman instance's: configuration updates.
    Instance,
}

impl Scope {
    /// The scope that an operation is posted to.
    #[must_use]
    pub fn of(operation: &Operation) -> Self {
        match operation.server() {
            Some(server) => Self::Server(server.clone()),
            None => Self::Instance,
        }
    }

    /// The path of its collection of operations.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Server(server) => format!("/servers/{server}/operations"),
            Self::Instance => "/operations".to_owned(),
        }
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationStatus {
    /// Barman is at it, or its process died: the API can't tell the two apart.
    InProgress,
    /// It ended well.
    Done,
    /// It ended badly. The reason is in a file on the Barman host; the API never gives it.
    Failed,
}

/// An operation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: Name,
    /// Its type; none if it is one that this program does not know.
    pub kind: Option<RequestKind>,
}

/// The operations that an API has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// They, in no order.
    pub operations: Vec<Listed>,
    /// What the API's clock said, since the Unix epoch.
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
    #[must_use]
    pub const fn new(http: &'a H, url: &'a Url) -> Self {
        Self {
            http,
            url,
            limit: None,
        }
    }

    /// The same API, for exchanges that may take no longer than this, whatever its timeout.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where an operation is posted to.
    #[must_use]
    pub fn place(&self, operation: &Operation) -> String {
        self.url.join(&operation.path())
    }

    /// Asks whether the API is up.
    ///
    /// # Errors
    /// [`Trouble`] if it does not answer `"OK"`.
    pub async fn status(&self) -> Result<(), Trouble> {
        self.read(answer::alive, &self.get("/status").await?)
    }

    /// Posts an operation and gives its id.
    ///
    /// # Errors
    /// [`Trouble`]; its class says what is known of the operation's fate.
    pub async fn submit(&self, operation: &Operation) -> Result<Name, Trouble> {
        let request = Request {
            body: Some(operation.body()),
            url: self.place(operation),
            limit: self.limit,
            effort: Effort::Usual,
        };
        self.read(answer::accepted, &self.http.exchange(&request).await?)
    }

    /// Asks how far an operation is.
    ///
    /// # Errors
    /// [`Trouble`]; of class [`Class::Gone`] if the API does not know the operation, which a
    /// single answer does not prove.
    pub async fn poll(&self, scope: &Scope, id: &Name) -> Result<OperationStatus, Trouble> {
        let path = format!("{}/{id}", scope.path());
        self.read(answer::progress, &self.get(&path).await?)
    }

    /// Lists operations.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn operations(&self, scope: &Scope) -> Result<Listing, Trouble> {
        self.read(answer::operations, &self.get(&scope.path()).await?)
    }

    /// Asks for Barman's configuration and state. With hundreds of servers this takes minutes.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn diagnose(&self) -> Result<Diagnosis, Trouble> {
        let response = self.ask("/diagnose", Effort::Large).await?;
        self.read(answer::diagnosis, &response)
    }

    /// Reads an answer. The API may repeat a secret in what it says, in whatever way it writes it.
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
        self.ask(path, Effort::Usual).await
    }

    async fn ask(&self, path: &str, effort: Effort) -> Result<Response, Trouble> {
        let request = Request {
            body: None,
            url: self.url.join(path),
            limit: self.limit,
            effort,
        };
        Ok(self.http.exchange(&request).await?)
    }
}
