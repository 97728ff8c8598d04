//! The provisioning log: exchanges, the people whom refusals keep out, and how many requests there were. It is written beside
//! the commits, and is no more than a record: what is lost of it changes nothing in the directory.
//!
//! On SQLite it is a file of its own; on PostgreSQL tables beside the others, written by a connection of their own.

pub mod exchanges;
pub mod refused;
pub mod traffic;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use directory::{Facts, TenantId};
use rusqlite::{Connection, TransactionBehavior};

use crate::cache::Cache;
use crate::sql::{params, statements};
use crate::tx::Driver;
use crate::{Error, Tx};

/// What makes the tables, version by version.
pub(crate) const STEPS: [&str; 2] = [
    include_str!("../../migrations/log/0001.sql"),
    include_str!("../../migrations/log/0002.sql"),
];

/// Letters of a key; nobody's name is longer, and four bytes for each fit into every index.
const KEY: usize = 500;

statements! {
    TENANT_AFTER = "SELECT tenant FROM exchanges WHERE tenant > ?1 ORDER BY tenant LIMIT 1";
    STATE = "SELECT value FROM log_state WHERE name = ?1";
    SET_STATE = "UPDATE log_state SET value = ?2 WHERE name = ?1";
    ADD_STATE = "UPDATE log_state SET value = value + ?2 WHERE name = ?1";
}

/// How many exchanges were dropped because there were too many at once.
pub fn dropped(tx: &mut Tx<'_>) -> Result<u64, Error> {
    Ok(u64::try_from(state(tx, "dropped")?).unwrap_or_default())
}

/// Notes that exchanges were dropped.
pub fn drop_some(tx: &mut Tx<'_>, count: u64) -> Result<(), Error> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tx.run(ADD_STATE, params!["dropped", count])
}

/// How the log follows those who were purged: soon, and once more when whatever was late has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Seconds after the purge.
    First,
    /// An hour after it.
    Second,
}

impl Pass {
    fn name(self) -> &'static str {
        match self {
            Self::First => "forgotten",
            Self::Second => "forgotten_again",
        }
    }
}

/// The number of the last event up to which the log has forgotten whoever was purged.
pub fn forgotten(tx: &mut Tx<'_>, pass: Pass) -> Result<i64, Error> {
    state(tx, pass.name())
}

/// Notes how far the log has forgotten.
pub fn set_forgotten(tx: &mut Tx<'_>, pass: Pass, seq: i64) -> Result<(), Error> {
    tx.run(SET_STATE, params![pass.name(), seq])
}

/// The first tenant behind `after` of whom the log has anything.
pub fn tenant_after(tx: &mut Tx<'_>, after: &[u8; 16]) -> Result<Option<TenantId>, Error> {
    tx.one(TENANT_AFTER, params![after], |row| {
        row.id(0, TenantId::from_bytes)
    })
}

/// A name as it is searched: folded, and no longer than an index takes.
pub(crate) fn key_of(name: &str) -> String {
    Facts::key_of(name).chars().take(KEY).collect()
}

fn state(tx: &mut Tx<'_>, name: &str) -> Result<i64, Error> {
    Ok(tx
        .one(STATE, params![name], |row| row.integer(0))?
        .unwrap_or_default())
}

/// All statements of the log.
#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static (&'static str, crate::sql::Statement)> {
    let all = [
        STATEMENTS,
        exchanges::STATEMENTS,
        refused::STATEMENTS,
        traffic::STATEMENTS,
    ];
    all.into_iter().flatten()
}

/// The log beside an SQLite file.
pub(crate) struct LogFile {
    path: PathBuf,
    cache: Arc<Cache>,
    /// Opened when it is first used.
    writer: Mutex<Option<Connection>>,
    reader: Mutex<Option<Connection>>,
}

impl LogFile {
    /// The log of the database at `database`; nothing is opened yet.
    pub(crate) fn of(database: &Path, cache: &Arc<Cache>) -> Self {
        let mut path = database.to_owned().into_os_string();
        path.push("-log");
        Self {
            path: path.into(),
            cache: Arc::clone(cache),
            writer: Mutex::new(None),
            reader: Mutex::new(None),
        }
    }

    /// Runs `work` in a transaction.
    pub(crate) fn write<R, E: From<Error>>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.with(&self.writer, |connection| {
            connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from)?;
            let done = work(&mut Tx::new(Driver::Sqlite(connection), &self.cache));
            let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
            connection.execute_batch(end).map_err(Error::from)?;
            done
        })
    }

    /// Runs `work` on one consistent state.
    pub(crate) fn read<R, E: From<Error>>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.with(&self.reader, |connection| {
            connection.execute_batch("BEGIN").map_err(Error::from)?;
            let done = work(&mut Tx::new(Driver::Sqlite(connection), &self.cache));
            connection.execute_batch("COMMIT").map_err(Error::from)?;
            done
        })
    }

    fn with<R, E: From<Error>>(
        &self,
        slot: &Mutex<Option<Connection>>,
        work: impl FnOnce(&Connection) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.path.is_file() {
            *slot = None;
        }
        let connection = match slot.take() {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let done = work(&connection);
        // After a failure it is opened anew, and looked at.
        if done.is_ok() && connection.is_autocommit() {
            *slot = Some(connection);
        }
        done
    }
}

/// Opens the log, and makes it where there is none. One that is damaged goes: it holds nothing that the directory needs, and may hold people who are gone.
fn open(path: &Path) -> Result<Connection, Error> {
    crate::sqlite::make_private(path);
    match try_open(path) {
        Err(Error::Sqlite(error)) if crate::sqlite::is_damage(&error) => {
            tracing::error!("the provisioning log is damaged; a new one is begun");
            drop(std::fs::remove_file(path));
            crate::sqlite::remove_beside(path);
            crate::sqlite::make_private(path);
            try_open(path)
        }
        opened => opened,
    }
}

fn try_open(path: &Path) -> Result<Connection, Error> {
    let mut connection = crate::sqlite::connect(path)?;
    // It is a record beside the directory: what a power cut takes of its last moments is no loss that a client was promised.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA cache_size = -4096;
         PRAGMA journal_size_limit = 16777216;",
    )?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (at, step) in (1_i64..).zip(STEPS) {
        if at > version {
            tx.execute_batch(step)?;
            tx.pragma_update(None, "user_version", at)?;
        }
    }
    tx.commit()?;
    Ok(connection)
}
