//! SQL, written once: users, settings, tokens, events and counts behind one synchronous [`Tx`].
//!
//! Async stops at this door: [`Store::write`] hands a closure to the writer, which takes the closures that wait into
//! one durable transaction and answers them after its commit. The closure may be run again, so it touches nothing but
//! the database, and brings its time and ids along.

pub mod acknowledgements;
pub mod administrators;
pub mod alarms;
mod backup;
mod cache;
pub mod census;
pub mod counts;
pub mod due;
mod error;
pub mod events;
mod finding;
pub mod groups;
pub mod keys;
pub mod late;
pub mod leases;
pub mod log;
mod migrate;
mod postgres;
pub mod repeats;
pub mod search;
pub mod settings;
mod sql;
mod sqlite;
pub mod tokens;
pub mod tombstones;
mod tx;
mod url;
pub mod users;
mod work;

use std::sync::Arc;

use directory::{Settings, Timestamp, TokenHash};

pub use backup::{Saved, restore};
pub use error::Error;
pub use finding::Finding;
pub use migrate::SCHEMA;
pub use postgres::PostgresUrl;
pub use sqlite::Claim;
pub use tx::Tx;
pub use url::DatabaseUrl;
pub use work::Pulse;

/// A token, live or not, and the settings of its tenant.
type Known = (Arc<tokens::Credential>, Arc<Settings>);

/// A database that is open; clones share it.
#[derive(Clone)]
pub struct Store(Engine);

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(Arc<postgres::Postgres>),
}

impl Store {
    /// Opens the database, makes it where there is none, and brings its schema up to date. It waits for the database, so
    /// it is not for a thread that serves others.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Away`], [`Error::TooNew`], [`Error::Foreign`]; the database is then as it was.
    pub fn open(url: &DatabaseUrl) -> Result<Self, Error> {
        Ok(Self(match url {
            DatabaseUrl::Sqlite(path) => Engine::Sqlite(Arc::new(sqlite::Sqlite::open(path)?)),
            DatabaseUrl::Postgres(url) => Engine::Postgres(Arc::new(postgres::Postgres::open(url)?)),
        }))
    }

    /// Claims the database for this process, so that a second server on the same file is refused. PostgreSQL serves any
    /// number of nodes, and is claimed by none.
    ///
    /// # Errors
    /// [`Error::Claimed`] where another process holds it.
    pub fn claim(&self) -> Result<Option<Claim>, Error> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.claim().map(Some),
            Engine::Postgres(_) => Ok(None),
        }
    }

    /// Runs `work` in a transaction and answers when it is on disk. Where `work` fails, nothing of it stays. It may be run
    /// again, so it touches nothing but the database; and what it refuses, it refuses before its first write.
    ///
    /// # Errors
    /// What `work` fails with, or the store's own failure as `E`.
    pub async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.write(work).await,
            Engine::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// Runs `work`, a few look-ups by key, on one consistent state, while the thread that asks waits.
    pub fn read<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E> + Send,
        R: Send,
        E: From<Error> + Send,
    {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.read(work),
            Engine::Postgres(postgres) => postgres.read(work),
        }
    }

    /// Runs `work`, a few look-ups by key, each on the state of its moment, and holds up nobody: on SQLite it is over
    /// before anybody else could run, on PostgreSQL it waits elsewhere. It is run again while the database is away.
    pub async fn look<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.read(work),
            Engine::Postgres(postgres) => postgres.look(work).await,
        }
    }

    /// Runs `work`, which may look at many rows, on one consistent state, on a thread where it holds up nobody.
    ///
    /// # Errors
    /// What `work` fails with, or [`Error::Panicked`].
    pub async fn scan<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.0 {
            Engine::Sqlite(sqlite) => {
                let sqlite = Arc::clone(sqlite);
                tokio::task::spawn_blocking(move || sqlite.read(work))
                    .await
                    .unwrap_or_else(|_| Err(Error::Panicked.into()))
            }
            Engine::Postgres(postgres) => postgres.scan(work).await,
        }
    }

    /// Writes the provisioning log in a transaction of its own, while the thread that asks waits.
    ///
    /// # Errors
    /// What `work` fails with, or the store's own failure as `E`; nothing of it stays then.
    pub fn write_log<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E> + Send,
        R: Send,
        E: From<Error> + Send,
    {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.log().write(work),
            Engine::Postgres(postgres) => postgres.write_log(work),
        }
    }

    /// Reads the provisioning log, on a thread where it holds up nobody.
    ///
    /// # Errors
    /// What `work` fails with, or [`Error::Panicked`].
    pub async fn read_log<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.0 {
            Engine::Sqlite(sqlite) => {
                let sqlite = Arc::clone(sqlite);
                tokio::task::spawn_blocking(move || sqlite.log().read(work))
                    .await
                    .unwrap_or_else(|_| Err(Error::Panicked.into()))
            }
            Engine::Postgres(postgres) => postgres.scan(work).await,
        }
    }

    /// The token with this hash, live or not, and its tenant's settings, as they are at `now` or were a moment before.
    pub async fn credential(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Known>, Error> {
        let cache = match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.cache(),
            Engine::Postgres(postgres) => postgres.cache(),
        };
        if let Some(generation) = cache.recent_generation(now)
            && let Some(credential) = cache.credential(hash, generation)
            && let Some(settings) = cache.settings(credential.tenant, generation)
        {
            return Ok(Some((credential, settings)));
        }
        let (cache, changes) = (Arc::clone(cache), cache.changes());
        self.look(move |tx| {
            cache.saw(tx.generation()?, now, changes);
            let Some(credential) = tokens::by_hash(tx, hash)? else {
                return Ok(None);
            };
            let settings = tx.settings(credential.tenant)?;
            Ok(Some((credential, settings)))
        })
        .await
    }

    /// Brings the index of names and addresses up to date, stride by stride, with time for others between two.
    ///
    /// # Errors
    /// The database's; the next time goes on where this one ended.
    pub async fn index_names(&self) -> Result<(), Error> {
        match &self.0 {
            Engine::Sqlite(sqlite) => {
                let sqlite = Arc::clone(sqlite);
                tokio::task::spawn_blocking(move || sqlite.index_names())
                    .await
                    .unwrap_or(Err(Error::Panicked))
            }
            Engine::Postgres(postgres) => loop {
                let begun = work::now();
                if !postgres.write(search::postgres::index).await? {
                    return Ok(());
                }
                tokio::time::sleep(begun.elapsed()).await;
            },
        }
    }

    /// What the writers are doing.
    pub fn pulse(&self) -> Pulse {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.pulse(),
            Engine::Postgres(postgres) => postgres.pulse(),
        }
    }

    /// What `provost doctor` asks of a database.
    pub fn health(&self) -> Result<Vec<Finding>, Error> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.health(),
            Engine::Postgres(postgres) => postgres.health(),
        }
    }
}

/// Every statement with its name, for tests that walk their plans.
#[cfg(test)]
fn all_statements() -> impl Iterator<Item = &'static (&'static str, sql::Statement)> {
    let all = [
        users::STATEMENTS,
        users::write_statements(),
        users::among_statements(),
        settings::STATEMENTS,
        tokens::STATEMENTS,
        tombstones::STATEMENTS,
        counts::STATEMENTS,
        census::STATEMENTS,
        events::STATEMENTS,
        late::STATEMENTS,
        leases::STATEMENTS,
        alarms::STATEMENTS,
        acknowledgements::STATEMENTS,
        administrators::STATEMENTS,
        groups::STATEMENTS,
        due::STATEMENTS,
        keys::STATEMENTS,
        repeats::STATEMENTS,
        search::STATEMENTS,
    ];
    all.into_iter().flatten()
}
