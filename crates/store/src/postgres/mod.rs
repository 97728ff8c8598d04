//! PostgreSQL: several writers with group commit and a pool of readers. Any number of nodes may use one database.
//!
//! The rule this module keeps: nothing is answered before it is committed, and what may have been committed is never
//! done again blindly.

mod copy;
mod dialect;
mod link;
mod params;
mod session;
mod tls;
mod url;
mod writer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::tx::Driver;
use crate::work::{Pulse, now};
use crate::{Error, Finding, Tx, migrate};
pub(crate) use link::{Link, Lock};
pub use url::PostgresUrl;
use writer::Writers;

/// The most connections that read at once.
const READERS: usize = 8;
/// How many of them may read at length: authentication must not wait for lists.
const SCANS: usize = 5;
/// How long what waits for the database waits, before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(17);
/// How long until a connection is tried again.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a connection may be idle and still be taken without a question.
const FRESH: Duration = Duration::from_secs(1);

pub(crate) struct Postgres {
    url: PostgresUrl,
    writers: Writers,
    idle: Arc<IdleLinks>,
    looks: Arc<Semaphore>,
    scans: Arc<Semaphore>,
    cache: Arc<Cache>,
    /// What writes the provisioning log; opened when it is first used.
    log: Mutex<Option<Link>>,
}

/// Connections that nobody uses.
#[derive(Default)]
struct IdleLinks(Mutex<Vec<(Link, Instant)>>);

impl IdleLinks {
    fn take(&self) -> Option<(Link, Instant)> {
        self.lock().pop()
    }

    fn put(&self, link: Link) {
        let mut idle = self.lock();
        if idle.len() < READERS {
            idle.push((link, now()));
        }
    }

    /// Closes them all: the server may have none left for a writer.
    fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Link, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the statements of a read see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Snapshot {
    /// All the same state.
    One,
    /// Each what is there at its moment; that costs one round trip less.
    Each,
}

impl Postgres {
    pub(crate) fn open(url: &PostgresUrl) -> Result<Self, Error> {
        let database = url.to_string();
        apart(|| {
            let mut link = Link::connect(url)?;
            migrate::check(&mut migrate::Place::Postgres(&mut link), &database)?;
            link.have_time()?;
            link.begin("BEGIN");
            link.take(Lock::Migration)?;
            migrate::migrate(&mut migrate::Place::Postgres(&mut link), &database)?;
            link.commit()
        })?;
        let (cache, idle) = (Arc::new(Cache::default()), Arc::new(IdleLinks::default()));
        Ok(Self {
            url: url.clone(),
            writers: Writers::start(url, &cache, &idle)?,
            idle,
            looks: Arc::new(Semaphore::new(READERS - SCANS)),
            scans: Arc::new(Semaphore::new(SCANS)),
            cache,
            log: Mutex::new(None),
        })
    }

    pub(crate) fn pulse(&self) -> Pulse {
        self.writers.pulse()
    }

    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    pub(crate) async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writers.run(work).await
    }

    /// Reads on a thread of its own, since whoever asks may be one that must not wait.
    pub(crate) fn read<R: Send, E: From<Error> + Send>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, E> + Send,
    ) -> Result<R, E> {
        apart(|| {
            let link = self.lively()?;
            self.read_with(link, Snapshot::One, work).0
        })
    }

    /// Reads once one of the readers is free, again and again while the database is away.
    pub(crate) async fn look<R, E, F>(self: &Arc<Self>, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (this, since) = (Arc::clone(self), now());
        let permit = Arc::clone(&self.looks).acquire_owned().await;
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            loop {
                let reason = match this.lively() {
                    Ok(link) => {
                        let (looked, lost) = this.read_with(link, Snapshot::Each, &work);
                        match lost {
                            Some(reason) => {
                                this.cache.forget();
                                this.idle.close();
                                reason
                            }
                            None => return looked,
                        }
                    }
                    Err(Error::Away { reason }) => reason,
                    Err(error) => return Err(error.into()),
                };
                if since.elapsed() > PATIENCE {
                    return Err(Error::Away { reason }.into());
                }
                std::thread::sleep(AGAIN);
            }
        });
        looked.await.unwrap_or_else(|_| Err(Error::Panicked.into()))
    }

    /// Reads at length.
    pub(crate) async fn scan<R, E, F>(self: &Arc<Self>, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let this = Arc::clone(self);
        let permit = Arc::clone(&self.scans).acquire_owned().await;
        let scanned = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let link = this.lively()?;
            this.read_with(link, Snapshot::One, work).0
        });
        scanned.await.unwrap_or_else(|_| Err(Error::Panicked.into()))
    }

    /// Writes the provisioning log, by a connection of its own and without a wait for the disk.
    pub(crate) fn write_log<R: Send, E: From<Error> + Send>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, E> + Send,
    ) -> Result<R, E> {
        apart(|| {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let mut link = match log.take() {
                Some(link) => link,
                None => Link::connect(&self.url)?,
            };
            link.begin("BEGIN; SET LOCAL synchronous_commit = off");
            match work(&mut Tx::new(Driver::Postgres(&mut link), &self.cache)) {
                Ok(done) => {
                    // A connection that fails is closed, and with it the transaction.
                    link.commit()?;
                    *log = Some(link);
                    Ok(done)
                }
                Err(error) => {
                    if link.rollback().is_ok() {
                        *log = Some(link);
                    }
                    Err(error)
                }
            }
        })
    }

    pub(crate) fn health(&self) -> Result<Vec<Finding>, Error> {
        apart(|| {
            let mut link = self.lively()?;
            let database = self.url.to_string();
            let schema = migrate::check(&mut migrate::Place::Postgres(&mut link), &database)?;
            let mut findings = vec![Finding::fine(format!("schema version {schema}"))];
            findings.extend(session::findings(&mut link)?);
            Ok(findings)
        })
    }

    /// Reads, and puts the connection back; says also whether, and why, it was lost on the way.
    fn read_with<R, E: From<Error>>(
        &self,
        mut link: Link,
        snapshot: Snapshot,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, E>,
    ) -> (Result<R, E>, Option<String>) {
        match snapshot {
            Snapshot::One => link.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Snapshot::Each => link.begin_nothing(),
        }
        let result = work(&mut Tx::new(Driver::Postgres(&mut link), &self.cache));
        let is_whole = snapshot == Snapshot::Each || link.rollback().is_ok();
        let lost = link.lost();
        if is_whole && lost.is_none() {
            self.idle.put(link);
        }
        (result, lost)
    }

    /// A connection that answers.
    fn lively(&self) -> Result<Link, Error> {
        loop {
            let Some((mut link, since)) = self.idle.take() else {
                return Link::connect(&self.url);
            };
            if since.elapsed() < FRESH || link.is_alive() {
                return Ok(link);
            }
            // Where one is dead, the others are.
            self.idle.close();
        }
    }
}

/// Does `work` on another thread: a connection cannot be waited for on one that serves others.
fn apart<R: Send, E: From<Error> + Send>(work: impl FnOnce() -> Result<R, E> + Send) -> Result<R, E> {
    std::thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .unwrap_or_else(|_| Err(Error::Panicked.into()))
    })
}

#[cfg(test)]
mod tests;
