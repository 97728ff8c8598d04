//! SQL, written once: users, settings, tokens, events and counts behind one synchronous [`Tx`].
//!
//! Async stops at this door: [`Store::write`] hands a closure to the writer, which takes the closures that wait into
//! one durable transaction and answers them after its commit. The closure may be run again, so it touches nothing but
//! the database, and brings its time and ids along.

mod cache;
pub mod counts;
mod error;
pub mod events;
mod migrate;
pub mod settings;
mod sql;
mod sqlite;
pub mod tokens;
pub mod tombstones;
mod tx;
mod url;
pub mod users;

use std::sync::Arc;

use directory::{Settings, Timestamp, TokenHash};

pub use error::Error;
pub use migrate::SCHEMA;
pub use sqlite::{Claim, Health};
pub use tx::Tx;
pub use url::DatabaseUrl;

/// A token, live or not, and the settings of its tenant.
type Known = (Arc<tokens::Credential>, Arc<Settings>);

/// A database that is open; clones share it.
#[derive(Clone)]
pub struct Store {
    sqlite: Arc<sqlite::Sqlite>,
}

impl Store {
    /// Opens the database, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::TooNew`], [`Error::Foreign`]; the file is then as it was.
    pub fn open(url: &DatabaseUrl) -> Result<Self, Error> {
        let DatabaseUrl::Sqlite(path) = url;
        Ok(Self {
            sqlite: Arc::new(sqlite::Sqlite::open(path)?),
        })
    }

    /// Claims the database for this process, so that a second server on the same file is refused.
    ///
    /// # Errors
    /// [`Error::Claimed`] where another process holds it.
    pub fn claim(&self) -> Result<Claim, Error> {
        self.sqlite.claim()
    }

    /// Runs `work` in a transaction and answers when it is on disk. Where `work` fails, nothing of it stays.
    ///
    /// # Errors
    /// What `work` fails with, or the store's own failure as `E`.
    pub async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.sqlite.write(work).await
    }

    /// Runs `work`, a few look-ups by key, on one consistent state. It runs at once, on the thread that asks.
    pub fn read<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E>,
        E: From<Error>,
    {
        self.sqlite.read(work)
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
        let sqlite = Arc::clone(&self.sqlite);
        tokio::task::spawn_blocking(move || sqlite.read(work))
            .await
            .unwrap_or_else(|_| Err(Error::Panicked.into()))
    }

    /// The token with this hash, live or not, and its tenant's settings, as they are at `now` or were a moment before.
    pub fn credential(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Known>, Error> {
        let cache = self.sqlite.cache();
        if let Some(generation) = cache.recent_generation(now)
            && let Some(credential) = cache.credential(hash, generation)
            && let Some(settings) = cache.settings(credential.tenant, generation)
        {
            return Ok(Some((credential, settings)));
        }
        let changes = cache.changes();
        self.read(|tx| {
            cache.saw(tx.generation()?, now, changes);
            let Some(credential) = tokens::by_hash(tx, hash)? else {
                return Ok(None);
            };
            let settings = tx.settings(credential.tenant)?;
            Ok(Some((credential, settings)))
        })
    }

    /// What `provost doctor` asks of a database.
    pub fn health(&self) -> Result<Health, Error> {
        self.sqlite.health()
    }
}
