//! A node's disk: the program's own database, in memory, which survives the processes and can be full.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use patroni_barman::http::block_on;
use patroni_barman::model::{Name, Operation, Role};
use patroni_barman::store::{
    Decision, EventId, Intent, IntentId, Owner, Query, Receipts, Recorded, Settled, Sqlite,
    Standing, State, Store, StoreError,
};

use super::mutation::Mutation;
use super::process::Process;
use super::scheduler::{Pid, Slot};
use super::universe::Universe;

/// The content of a node's disk.
pub struct Disk {
    sqlite: RefCell<Option<Sqlite>>,
    pub full: Cell<bool>,
}

impl Disk {
    pub fn new() -> Self {
        Self {
            sqlite: RefCell::new(Some(Sqlite::in_memory().unwrap())),
            full: Cell::new(false),
        }
    }

    pub fn history(&self) -> Vec<Intent> {
        let sqlite = self.sqlite.borrow();
        block_on(sqlite.as_ref().unwrap().history(&Query::default())).unwrap()
    }

    /// Lets a process use the database.
    fn with<T>(&self, universe: &Universe, pid: Pid, work: impl FnOnce(&Sqlite) -> T) -> T {
        let living = Rc::clone(&universe.scheduler);
        let alive =
            move |owner: &Owner| owner.as_str().parse().is_ok_and(|pid| living.is_alive(pid));
        let mut place = self.sqlite.borrow_mut();
        let sqlite = place
            .take()
            .unwrap()
            .owned_by(Owner::read(&pid.to_string()), alive);
        let result = work(&sqlite);
        *place = Some(sqlite);
        result
    }
}

/// The disk as a process sees it: every write takes time, before and after it happens.
pub struct Paper {
    universe: Rc<Universe>,
    process: Rc<Process>,
}

impl Paper {
    pub fn new(universe: &Rc<Universe>, process: &Rc<Process>) -> Self {
        Self {
            universe: Rc::clone(universe),
            process: Rc::clone(process),
        }
    }

    async fn pause(&self) {
        let universe = &self.universe;
        let takes = if universe.unlucky(universe.profile.slow_disk) {
            universe.between(1, 200)
        } else {
            Duration::from_millis(1)
        };
        let slot = Slot::new(&universe.scheduler, self.process.pid);
        slot.fill_after(takes, ());
        slot.wait().await;
    }

    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&Sqlite) -> Result<T, StoreError>,
        after: impl FnOnce(&T),
    ) -> Result<T, StoreError> {
        self.pause().await;
        let disk = &self.universe.disks[self.process.disk];
        let result = if disk.full.get() {
            Err(StoreError::Io("database or disk is full".to_owned()))
        } else {
            disk.with(&self.universe, self.process.pid, |sqlite| {
                block_on(work(sqlite))
            })
        };
        if let Ok(value) = &result {
            after(value);
        }
        self.pause().await;
        result
    }

    /// Settles everything pending for a server, whatever the options.
    async fn replace_updates(&self, decision: &Decision<'_>) -> Result<(), StoreError> {
        let updates = |operation: &Operation| operation.body().to_string().contains("server_name");
        if !decision
            .plan
            .steps
            .iter()
            .any(|step| updates(&step.operation))
        {
            return Ok(());
        }
        for intent in self.universe.disks[self.process.disk].history() {
            if intent.state == State::Pending && updates(&intent.step.operation) {
                let end = Settled {
                    state: State::Superseded,
                    message: Some("an update of the same server"),
                    now: decision.now,
                };
                self.write(
                    async |sqlite| sqlite.settled(intent.id, &end).await,
                    |()| (),
                )
                .await?;
            }
        }
        Ok(())
    }

    fn mutation(&self) -> Mutation {
        self.universe.mutation
    }
}

impl Store for Paper {
    async fn record(&self, event: &Recorded, now: Duration) -> Result<EventId, StoreError> {
        self.process.role.set(Some(event.role));
        let noted = |_: &EventId| self.universe.role_noted(self.process.node, event.role);
        self.write(async |sqlite| sqlite.record(event, now).await, noted)
            .await
    }

    async fn undecided(
        &self,
        cluster: &str,
        node: Option<&str>,
    ) -> Result<Vec<(EventId, Recorded)>, StoreError> {
        if matches!(
            self.mutation(),
            Mutation::NoIntents | Mutation::NoResumption
        ) {
            return Ok(Vec::new());
        }
        self.write(async |sqlite| sqlite.undecided(cluster, node).await, |_| ())
            .await
    }

    async fn close(&self, event: EventId) -> Result<(), StoreError> {
        self.write(async |sqlite| sqlite.close(event).await, |()| ())
            .await
    }

    async fn intend(&self, decision: &Decision<'_>) -> Result<Vec<Option<IntentId>>, StoreError> {
        self.process.role.set(Some(decision.plan.role));
        let noted =
            |ids: &Vec<Option<IntentId>>| self.universe.intended(&self.process, decision, ids);
        if self.mutation() == Mutation::NoIntents {
            let ids = decision.plan.steps.iter();
            let number = || i64::try_from(self.universe.scheduler.number()).unwrap();
            let ids = ids.map(|_| Some(IntentId(number()))).collect();
            noted(&ids);
            return Ok(ids);
        }
        if self.mutation() == Mutation::OneOption {
            self.replace_updates(decision).await?;
        }
        self.write(async |sqlite| sqlite.intend(decision).await, noted)
            .await
    }

    async fn role_changed(
        &self,
        cluster: &str,
        node: Option<&str>,
        role: Role,
        now: Duration,
    ) -> Result<usize, StoreError> {
        let noted = |_: &usize| self.universe.role_noted(self.process.node, role);
        self.write(
            async |sqlite| sqlite.role_changed(cluster, node, role, now).await,
            noted,
        )
        .await
    }

    async fn is_forgotten(&self, _: IntentId) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn drop_corrections(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<(), StoreError> {
        self.write(
            async |sqlite| sqlite.drop_corrections(cluster, node, now).await,
            |()| (),
        )
        .await
    }

    async fn ended(&self, id: IntentId) -> Result<(), StoreError> {
        self.write(async |sqlite| sqlite.ended(id).await, |()| ())
            .await
    }

    async fn renew(&self, id: IntentId, until: Duration) -> Result<(), StoreError> {
        if self.mutation() == Mutation::NoIntents {
            return Ok(());
        }
        self.write(async |sqlite| sqlite.renew(id, until).await, |()| ())
            .await
    }

    async fn sending(
        &self,
        id: IntentId,
        now: Duration,
        claim: Duration,
    ) -> Result<Standing, StoreError> {
        if self.mutation() == Mutation::NoIntents {
            return Ok(Standing::Current);
        }
        let noted = |_: &Standing| {
            self.universe.touched(&self.process, id);
        };
        let standing = self
            .write(async |sqlite| sqlite.sending(id, now, claim).await, noted)
            .await;
        match standing {
            Ok(_) if self.mutation() == Mutation::NoSupersession => Ok(Standing::Current),
            standing => standing,
        }
    }

    async fn accepted(&self, id: IntentId, operation: &Name) -> Result<(), StoreError> {
        if self.mutation() == Mutation::NoIntents {
            return Ok(());
        }
        self.write(async |sqlite| sqlite.accepted(id, operation).await, |()| ())
            .await
    }

    async fn settled(&self, id: IntentId, end: &Settled<'_>) -> Result<(), StoreError> {
        if matches!(
            self.mutation(),
            Mutation::NoIntents | Mutation::NeverSettled
        ) {
            return Ok(());
        }
        self.write(async |sqlite| sqlite.settled(id, end).await, |()| ())
            .await
    }

    async fn left(&self, id: IntentId, why: &str) -> Result<(), StoreError> {
        if self.mutation() == Mutation::NoIntents {
            return Ok(());
        }
        let noted = |(): &()| self.universe.touched(&self.process, id);
        self.write(async |sqlite| sqlite.left(id, why).await, noted)
            .await
    }

    async fn take_over(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<Vec<Intent>, StoreError> {
        if matches!(
            self.mutation(),
            Mutation::NoIntents | Mutation::NoResumption
        ) {
            return Ok(Vec::new());
        }
        let noted = |intents: &Vec<Intent>| {
            for intent in intents {
                self.universe.touched(&self.process, intent.id);
            }
        };
        self.write(
            async |sqlite| sqlite.take_over(cluster, node, now).await,
            noted,
        )
        .await
    }

    async fn history(&self, query: &Query) -> Result<Vec<Intent>, StoreError> {
        if self.mutation() == Mutation::NoLedger {
            return Ok(Vec::new());
        }
        self.write(async |sqlite| sqlite.history(query).await, |_| ())
            .await
    }

    async fn receipts(&self, cluster: Option<&str>) -> Result<Receipts, StoreError> {
        self.write(async |sqlite| sqlite.receipts(cluster).await, |_| ())
            .await
    }

    async fn keep_receipts(&self, news: &Receipts) -> Result<(), StoreError> {
        self.write(async |sqlite| sqlite.keep_receipts(news).await, |()| ())
            .await
    }
}
