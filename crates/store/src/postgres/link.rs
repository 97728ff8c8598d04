//! One connection. What does not have to be waited for is put off: it is queued at once, sent with what is waited for
//! next, and looked at later, so that many statements share a round trip.

use std::collections::HashMap;
use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use directory::TenantId;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::params::Owned;
use super::url::PostgresUrl;
use super::{dialect, session};
use crate::Error;
use crate::sql::{Param, Statement};

/// More statements than this in one batch may have filled a table.
const HEAVY: u64 = 500;

/// A connection, and the runtime that drives it while somebody waits.
pub(crate) struct Link {
    /// `None` once it is being dropped.
    runtime: Option<Runtime>,
    pub(super) client: Arc<Client>,
    statements: HashMap<&'static str, tokio_postgres::Statement>,
    put_off: Vec<PutOff>,
    shard: i64,
    /// The first thing that went wrong in this transaction.
    trouble: Option<Trouble>,
    /// How many transactions it has begun.
    transactions: u64,
    /// How many statements it has put off since it last saw to the planner.
    written: u64,
    /// How long it waits for an answer.
    patience: Duration,
    /// What it holds in this transaction.
    held: Held,
    /// Whether the connection broke off without a word of the server's, so that nobody knows how far it came.
    is_silent: bool,
}

type Answer = Result<u64, tokio_postgres::Error>;

/// A statement whose answer is looked at later. A task takes it in meanwhile: an answer that nobody takes in would hold up
/// those after it.
struct PutOff {
    answer: JoinHandle<Answer>,
    /// How many rows it must change, if that matters.
    rows: Option<u64>,
}

/// What went wrong with a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Somebody else was quicker; it may be tried again.
    Clash,
    /// The connection is gone.
    Lost(String),
    /// The database refuses.
    Failed,
}

/// With whom a transaction is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// Other work of this node.
    Batch,
    /// None; other nodes write by the same settings.
    Nobody,
    /// None, and nobody else writes anything: it changes settings.
    NobodyAtAll,
}

/// What only one transaction may do at a time; it is held until its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    /// Changing the schema.
    Migration,
    /// Writing by the settings as they are; with others who do so.
    Settings,
    /// Changing settings.
    SettingsAlone,
    /// Numbering events.
    Events,
    /// Taking a seat, or an address that must be unique.
    Tenant(TenantId),
}

/// What a transaction may lock, and what it has.
#[derive(Debug, Default)]
struct Held {
    /// With whom it is shared; none where it only reads, and so locks nothing.
    company: Option<Company>,
    tenant: Option<TenantId>,
    /// Whether the work under way wants a transaction of its own.
    wants_alone: bool,
}

/// How long a statement is waited for: longer than the server lets one run.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a step of a migration is.
const MIGRATION: Duration = Duration::from_hours(24);

/// The first half of the advisory locks that Provost takes.
const CLASS: i32 = 0x5076_7374;
/// The first half of a tenant's.
const TENANT_CLASS: i32 = 0x5076_7375;

const LOCK: Statement = Statement("SELECT pg_advisory_xact_lock(?1::int, ?2::int)");
const LOCK_SHARED: Statement = Statement("SELECT pg_advisory_xact_lock_shared(?1::int, ?2::int)");

impl Link {
    /// Connects to the host that takes writes.
    ///
    /// # Errors
    /// [`Error::Away`], [`Error::Unreachable`].
    pub(super) fn connect(url: &PostgresUrl) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Away {
                reason: error.to_string(),
            })?;
        let client = runtime.block_on(session::connect(url))?;
        Ok(Self {
            runtime: Some(runtime),
            client: Arc::new(client),
            statements: HashMap::new(),
            put_off: Vec::new(),
            shard: 0,
            trouble: None,
            transactions: 0,
            written: 0,
            patience: PATIENCE,
            held: Held::default(),
            is_silent: false,
        })
    }

    /// The same, with a part of the counts of its own.
    pub(super) fn connect_to_write(url: &PostgresUrl) -> Result<Self, Error> {
        let mut link = Self::connect(url)?;
        link.shard = session::take_shard(&mut link)?;
        Ok(link)
    }

    /// The part of the counts that is this connection's.
    pub(crate) fn shard(&self) -> i64 {
        self.shard
    }

    /// Whether it still answers.
    pub(super) fn is_alive(&mut self) -> bool {
        let client = Arc::clone(&self.client);
        self.wait(async move { client.check_connection().await }).is_ok()
    }

    /// Sees to it now and then that the planner knows the tables: it keeps its plans, and one that was made for an empty
    /// table takes the wrong index when there are many users. The server does so too, but only after a minute.
    pub(super) fn keep_statistics(&mut self) {
        // One transaction may push a group of a hundred thousand.
        let is_heavy = std::mem::take(&mut self.written) > HEAVY;
        let is_due = self.transactions.is_power_of_two() && self.transactions >= 16;
        if !is_heavy && !is_due {
            return;
        }
        if let Err(error) = session::analyze(self) {
            tracing::warn!(%error, "could not look at the tables for the planner");
        }
    }

    /// What went wrong in this transaction, if anything did.
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Whether anything went wrong in this transaction.
    pub(crate) fn is_troubled(&self) -> bool {
        self.trouble.is_some()
    }

    /// Why the connection is gone, if it is.
    pub(super) fn lost(&self) -> Option<String> {
        match &self.trouble {
            Some(Trouble::Lost(reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Begins a transaction; a connection that is gone shows at its first answer.
    pub(super) fn begin(&mut self, how: &'static str) {
        self.trouble = None;
        self.is_silent = false;
        self.held = Held {
            company: (!how.ends_with("READ ONLY")).then_some(Company::Nobody),
            ..Held::default()
        };
        self.transactions += 1;
        self.put_off_command(how);
    }

    /// Begins to read without a transaction.
    pub(super) fn begin_nothing(&mut self) {
        self.trouble = None;
        self.is_silent = false;
        self.held = Held::default();
    }

    /// Ends the transaction, and what it wrote stays.
    ///
    /// # Errors
    /// Nothing stays then, but for [`Error::OutcomeUnknown`], where nobody can tell.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        // A commit of a transaction that has failed would be answered as a rollback, without an error.
        if self.trouble.is_some() {
            return Err(Error::Stale);
        }
        self.put_off_command("COMMIT");
        match self.settle() {
            Err(_) if self.is_silent => Err(Error::OutcomeUnknown),
            settled => settled,
        }
    }

    /// Ends the transaction, and nothing of it stays.
    pub(super) fn rollback(&mut self) -> Result<(), Error> {
        let trouble = self.trouble.clone();
        self.put_off_command("ROLLBACK");
        let answers = mem::take(&mut self.put_off)
            .into_iter()
            .map(|put_off| put_off.answer);
        let last = self.wait_for(join_all(answers))?.pop();
        self.trouble = trouble;
        match last {
            Some(Ok(Err(error))) => Err(self.fail(&error)),
            Some(Err(_)) => Err(Error::Stopped),
            _ => Ok(()),
        }
    }

    /// Begins a transaction for work that has it to itself, or for a batch.
    pub(super) fn begin_to_write(&mut self, company: Company) -> Result<(), Error> {
        self.begin("BEGIN");
        self.held = Held {
            company: Some(company),
            ..Held::default()
        };
        match company {
            Company::NobodyAtAll => self.take(Lock::SettingsAlone),
            Company::Batch | Company::Nobody => self.take(Lock::Settings),
        }
    }

    /// Lets no statement and no wait end a migration.
    pub(super) fn have_time(&mut self) -> Result<(), Error> {
        self.patience = MIGRATION;
        self.command(
            "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        )
    }

    /// Whether the work that was refused last wants a transaction of its own.
    pub(crate) fn wants_alone(&mut self) -> bool {
        mem::take(&mut self.held.wants_alone)
    }

    /// Takes a lock for the work under way. What would wait crosswise with others of its batch is refused, and done alone.
    pub(crate) fn lock(&mut self, lock: Lock) -> Result<(), Error> {
        let held = &mut self.held;
        let Some(company) = held.company else {
            return Ok(());
        };
        let crosses = match lock {
            Lock::Tenant(id) if held.tenant == Some(id) => return Ok(()),
            Lock::Tenant(id) => {
                let crosses = company == Company::Batch && held.tenant.is_some();
                held.tenant.get_or_insert(id);
                crosses
            }
            Lock::SettingsAlone if company == Company::NobodyAtAll => return Ok(()),
            // Others hold them with this transaction: nobody could have them alone.
            Lock::SettingsAlone => true,
            Lock::Migration | Lock::Settings | Lock::Events => false,
        };
        if crosses {
            held.wants_alone = true;
            return Err(Error::Stale);
        }
        self.take(lock)
    }

    /// Takes a lock, without waiting for the answer: what comes after it waits.
    pub(super) fn take(&mut self, lock: Lock) -> Result<(), Error> {
        let (statement, class, key) = match lock {
            Lock::Migration => (LOCK, CLASS, 1),
            Lock::Settings => (LOCK_SHARED, CLASS, 2),
            Lock::SettingsAlone => (LOCK, CLASS, 2),
            Lock::Events => (LOCK, CLASS, 3),
            Lock::Tenant(id) => (LOCK, TENANT_CLASS, folded(id.as_bytes())),
        };
        let params = [Param::Integer(i64::from(class)), Param::Integer(i64::from(key))];
        self.put_off(statement, &params, None)
    }

    /// The rows of a statement.
    pub(crate) fn query(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        let prepared = self.prepare(statement)?;
        let client = Arc::clone(&self.client);
        let params: Vec<_> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        let answer = self.wait_for(async move { client.query(&prepared, &params).await })?;
        answer.map_err(|error| self.explain(&error))
    }

    /// Writes, and waits for the number of rows.
    pub(crate) fn execute(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<u64, Error> {
        let prepared = self.prepare(statement)?;
        let client = Arc::clone(&self.client);
        let params: Vec<_> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        let answer = self.wait_for(async move { client.execute(&prepared, &params).await })?;
        answer.map_err(|error| self.explain(&error))
    }

    /// Queues a statement whose answer is looked at later.
    pub(crate) fn put_off(
        &mut self,
        statement: Statement,
        params: &[Param<'_>],
        rows: Option<u64>,
    ) -> Result<(), Error> {
        let prepared = self.prepare(statement)?;
        self.written += 1;
        let client = Arc::clone(&self.client);
        let params: Vec<Owned> = params.iter().map(Owned::of).collect();
        self.send(rows, async move {
            let params: Vec<_> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
            client.execute(&prepared, &params).await
        });
        Ok(())
    }

    /// Looks at what must change a certain number of rows, before it is too late to turn back.
    pub(crate) fn settle_what_must_hold(&mut self) -> Result<(), Error> {
        if self.put_off.iter().any(|put_off| put_off.rows.is_some()) {
            self.settle()?;
        }
        Ok(())
    }

    /// Runs a migration.
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), Error> {
        self.command(&dialect::migration(sql))
    }

    /// Runs one or several commands without parameters.
    pub(super) fn command(&mut self, sql: &str) -> Result<(), Error> {
        self.settle()?;
        let (client, sql) = (Arc::clone(&self.client), sql.to_owned());
        let answer = self.wait(async move { client.batch_execute(&sql).await });
        answer.map_err(|error| self.fail(&error))
    }

    fn put_off_command(&mut self, command: &'static str) {
        let client = Arc::clone(&self.client);
        self.send(
            None,
            async move { client.batch_execute(command).await.map(|()| 0) },
        );
    }

    fn send(&mut self, rows: Option<u64>, answer: impl Future<Output = Answer> + Send + 'static) {
        let mut answer = Box::pin(answer);
        // The first poll queues it for the connection, before whatever comes next; where there is an answer already, it is
        // an error.
        let outcome = (&mut answer).now_or_never();
        let taking_in = async move {
            match outcome {
                Some(outcome) => outcome,
                None => answer.await,
            }
        };
        if let Some(runtime) = &self.runtime {
            let answer = runtime.spawn(taking_in);
            self.put_off.push(PutOff { answer, rows });
        }
    }

    /// Waits for all that was put off.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let (answers, rows): (Vec<_>, Vec<_>) = mem::take(&mut self.put_off)
            .into_iter()
            .map(|put_off| (put_off.answer, put_off.rows))
            .unzip();
        let answers = self.wait_for(join_all(answers))?;
        for (answer, rows) in answers.into_iter().zip(rows) {
            // A task neither panics nor is ended early.
            let Ok(answer) = answer else {
                return Err(Error::Stopped);
            };
            match answer {
                Ok(changed) if rows.is_none_or(|rows| rows == changed) => {}
                Ok(_) => {
                    self.trouble.get_or_insert(Trouble::Clash);
                    return Err(Error::Stale);
                }
                Err(error) => return Err(self.fail(&error)),
            }
        }
        Ok(())
    }

    fn prepare(&mut self, statement: Statement) -> Result<tokio_postgres::Statement, Error> {
        if let Some(prepared) = self.statements.get(statement.0) {
            return Ok(prepared.clone());
        }
        let (client, text) = (Arc::clone(&self.client), dialect::statement(statement.0));
        let answer = self.wait_for(async move { client.prepare(&text).await })?;
        let prepared = answer.map_err(|error| self.explain(&error))?;
        self.statements.insert(statement.0, prepared.clone());
        Ok(prepared)
    }

    /// The failure behind `error`: that of a statement before it, where one failed.
    fn explain(&mut self, error: &tokio_postgres::Error) -> Error {
        match self.settle() {
            Err(earlier) => earlier,
            Ok(()) => self.fail(error),
        }
    }

    pub(super) fn fail(&mut self, error: &tokio_postgres::Error) -> Error {
        let failure = session::failure(error);
        let trouble = match &failure {
            Error::Stale => Trouble::Clash,
            Error::Away { reason } => Trouble::Lost(reason.clone()),
            _ => Trouble::Failed,
        };
        // Only an ordinary error of the server's says for sure that the transaction is over and nothing of it stays; a FATAL
        // one, or a pooler's, may come in place of a commit's answer.
        if self.trouble.is_none() {
            let severity = error.as_db_error().and_then(DbError::parsed_severity);
            self.is_silent = severity != Some(Severity::Error);
        }
        self.trouble.get_or_insert(trouble);
        failure
    }

    /// Waits for an answer, but not for ever: a server that has stopped says nothing.
    fn wait_for<F: Future>(&mut self, answer: F) -> Result<F::Output, Error> {
        let patience = self.patience;
        let answer = self.wait(async move { tokio::time::timeout(patience, answer).await });
        answer.map_err(|_| {
            let reason = "the database does not answer".to_owned();
            self.is_silent |= self.trouble.is_none();
            self.trouble.get_or_insert(Trouble::Lost(reason.clone()));
            Error::Away { reason }
        })
    }

    pub(super) fn wait<F: Future>(&self, answer: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(answer),
            // It is there until it is dropped.
            None => unreachable!("a connection was used while it was dropped"),
        }
    }
}

/// Dropping a runtime may wait, which is not allowed everywhere.
impl Drop for Link {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sixteen bytes as four: tenants that share them wait for each other, and that is all.
fn folded(id: &[u8; 16]) -> i32 {
    let parts = id.chunks_exact(4).map(|part| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(part);
        i32::from_be_bytes(bytes)
    });
    parts.fold(0, |folded, part| folded ^ part)
}
