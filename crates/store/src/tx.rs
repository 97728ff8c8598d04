//! One transaction: point reads, writes at once or together at the end.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use directory::{Ctx, Event, Settings, TenantId, UserId};
use rusqlite::params_from_iter;

use crate::cache::Cache;
use crate::counts::Count;
use crate::postgres::{Link, Lock};
use crate::sql::{Param, Row, Statement};
use crate::{Error, counts, events};

/// A transaction. Each piece of work in it sees what those before it wrote; events and counts are written together,
/// just before the commit.
pub struct Tx<'c> {
    driver: Driver<'c>,
    cache: &'c Cache,
    /// The settings generation that this transaction sees, once it has looked.
    generation: Option<i64>,
    /// Whether this transaction changed settings, so that what it loads is not for others yet.
    dirty: bool,
    /// Whether somebody's data were removed for good, and must not linger in a log.
    purged: bool,
    /// The folded account name that the work under way has found to be nobody's.
    free_account: Option<String>,
    /// Whether the work under way has written.
    wrote: bool,
    /// What the work under way has put off.
    pending: Pending,
    /// What finished work in this transaction has put off.
    kept: Pending,
}

/// The connection of a transaction.
pub(crate) enum Driver<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut Link),
}

/// Writes that are put off to the end of the transaction.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) events: Vec<(Ctx, Event)>,
    pub(crate) counts: HashMap<Count, i64>,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(driver: Driver<'c>, cache: &'c Cache) -> Self {
        let (pending, kept) = (Pending::default(), Pending::default());
        Self {
            driver,
            cache,
            generation: None,
            dirty: false,
            purged: false,
            free_account: None,
            wrote: false,
            pending,
            kept,
        }
    }

    /// The tenant's settings as this transaction sees them.
    pub fn settings(&mut self, tenant: TenantId) -> Result<Arc<Settings>, Error> {
        let cache = self.cache;
        if self.dirty {
            return crate::settings::load(self, tenant).map(Arc::new);
        }
        let generation = self.generation()?;
        if let Some(settings) = cache.settings(tenant, generation) {
            return Ok(settings);
        }
        let settings = Arc::new(crate::settings::load(self, tenant)?);
        cache.keep_settings(tenant, generation, &settings);
        Ok(settings)
    }

    /// The tenant's settings for one who is about to change them: nobody else changes any until this transaction ends.
    pub fn settings_to_change(&mut self, tenant: TenantId) -> Result<Arc<Settings>, Error> {
        self.lock_settings()?;
        self.settings(tenant)
    }

    /// Lets nobody else change settings, or write by them, until this transaction ends.
    pub fn lock_settings(&mut self) -> Result<(), Error> {
        // SQLite has one writer.
        if let Driver::Postgres(link) = &mut self.driver {
            link.lock(Lock::SettingsAlone)?;
            self.generation = None;
        }
        Ok(())
    }

    /// Lets nobody else take one of the tenant's last seats, or one of its addresses, until this transaction ends.
    pub fn lock_tenant(&mut self, tenant: TenantId) -> Result<(), Error> {
        match &mut self.driver {
            Driver::Sqlite(_) => Ok(()),
            Driver::Postgres(link) => link.lock(Lock::Tenant(tenant)),
        }
    }

    /// Whether others may write while this transaction does; SQLite has one writer.
    pub fn has_rivals(&self) -> bool {
        matches!(self.driver, Driver::Postgres(_))
    }

    /// Which database it is.
    pub(crate) fn driver(&self) -> &Driver<'c> {
        &self.driver
    }

    /// The part of the counts that is this connection's.
    pub(crate) fn shard(&self) -> i64 {
        match &self.driver {
            Driver::Sqlite(_) => 0,
            Driver::Postgres(link) => link.shard(),
        }
    }

    /// Numbers events: those of other nodes wait until this transaction ends.
    pub(crate) fn lock_events(&mut self) -> Result<(), Error> {
        match &mut self.driver {
            Driver::Sqlite(_) => Ok(()),
            Driver::Postgres(link) => link.lock(Lock::Events),
        }
    }

    /// Counts the changes of settings and tokens in the whole database: what is remembered of them holds for one
    /// generation.
    pub(crate) fn generation(&mut self) -> Result<i64, Error> {
        if let Some(generation) = self.generation {
            return Ok(generation);
        }
        let generation = crate::settings::generation(self)?;
        self.generation = Some(generation);
        Ok(generation)
    }

    /// What was remembered by this process, if it may be used here.
    pub(crate) fn cache(&self) -> Option<&'c Cache> {
        (!self.dirty).then_some(self.cache)
    }

    /// Whether this transaction has changed settings or tokens.
    pub(crate) fn has_changed_settings(&self) -> bool {
        self.dirty
    }

    /// Whether somebody's data were removed for good.
    pub(crate) fn has_purged(&self) -> bool {
        self.purged
    }

    /// Notes that somebody's data were removed for good.
    pub(crate) fn purged(&mut self) {
        self.purged = true;
    }

    /// Begins a new generation of settings; every process sees it at its next look.
    pub(crate) fn settings_changed(&mut self) -> Result<(), Error> {
        self.dirty = true;
        self.generation = None;
        crate::settings::next_generation(self)
    }

    /// The first row, if there is one.
    pub(crate) fn one<T>(
        &mut self,
        statement: Statement,
        params: &[Param<'_>],
        read: impl FnOnce(Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match &mut self.driver {
            Driver::Sqlite(connection) => {
                let mut prepared = connection.prepare_cached(statement.0)?;
                let mut rows = prepared.query(params_from_iter(params))?;
                rows.next()?.map(|row| read(Row::Sqlite(row))).transpose()
            }
            Driver::Postgres(link) => {
                let rows = link.query(statement, params)?;
                rows.first().map(|row| read(Row::Postgres(row))).transpose()
            }
        }
    }

    /// All rows.
    pub(crate) fn all<T>(
        &mut self,
        statement: Statement,
        params: &[Param<'_>],
        mut read: impl FnMut(Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match &mut self.driver {
            Driver::Sqlite(connection) => {
                let mut prepared = connection.prepare_cached(statement.0)?;
                let mut rows = prepared.query(params_from_iter(params))?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(read(Row::Sqlite(row))?);
                }
                Ok(found)
            }
            Driver::Postgres(link) => {
                let rows = link.query(statement, params)?;
                rows.iter().map(|row| read(Row::Postgres(row))).collect()
            }
        }
    }

    /// Writes, whatever number of rows. Where that fails, the transaction does, at its end at the latest.
    pub(crate) fn run(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<(), Error> {
        self.wrote = true;
        match &mut self.driver {
            Driver::Sqlite(connection) => sqlite_run(connection, statement, params).map(drop),
            Driver::Postgres(link) => link.put_off(statement, params, None),
        }
    }

    /// Writes exactly one row. Where there is none, somebody else was quicker, and the transaction fails with
    /// [`Error::Stale`], at its end at the latest.
    pub(crate) fn run_one(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<(), Error> {
        self.wrote = true;
        match &mut self.driver {
            Driver::Sqlite(connection) => match sqlite_run(connection, statement, params)? {
                1 => Ok(()),
                _ => Err(Error::Stale),
            },
            Driver::Postgres(link) => link.put_off(statement, params, Some(1)),
        }
    }

    /// Writes; gives the number of rows.
    pub(crate) fn run_counted(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<u64, Error> {
        self.wrote = true;
        match &mut self.driver {
            Driver::Sqlite(connection) => sqlite_run(connection, statement, params),
            Driver::Postgres(link) => link.execute(statement, params),
        }
    }

    /// Puts an event off to the end of the transaction, where it gets its number.
    pub fn append(&mut self, ctx: &Ctx, event: Event) {
        self.pending.events.push((ctx.clone(), event));
    }

    /// Gives the events of a user that were put off so far other data.
    pub(crate) fn rewrite_pending(&mut self, user: UserId, data: &str) {
        let pending = self.pending.events.iter_mut().chain(&mut self.kept.events);
        for (_, event) in pending.filter(|(_, event)| event.user == Some(user)) {
            data.clone_into(&mut event.data);
        }
    }

    /// Puts a change of a count off to the end of the transaction.
    pub(crate) fn add(&mut self, count: Count, change: i64) {
        *self.pending.counts.entry(count).or_default() += change;
    }

    /// What this transaction has put off for `count` so far.
    pub(crate) fn put_off(&self, count: &Count) -> i64 {
        let of = |pending: &Pending| pending.counts.get(count).copied().unwrap_or_default();
        of(&self.pending) + of(&self.kept)
    }

    /// Notes that a folded account name is nobody's.
    pub(crate) fn found_free(&mut self, account: String) {
        self.free_account = Some(account);
    }

    /// Whether the work under way has found the folded account name to be nobody's, and not taken it since.
    pub(crate) fn takes_free(&mut self, account: &str) -> bool {
        self.free_account.take().is_some_and(|free| free == account)
    }

    /// Ends one piece of work that stays, with what it put off.
    pub(crate) fn keep(&mut self) {
        self.free_account = None;
        self.wrote = false;
        let pending = mem::take(&mut self.pending);
        self.kept.events.extend(pending.events);
        for (count, change) in pending.counts {
            *self.kept.counts.entry(count).or_default() += change;
        }
    }

    /// Ends one piece of work that failed, with what it put off; says whether it wrote, so that the transaction cannot
    /// stay either.
    pub(crate) fn give_up(&mut self) -> bool {
        self.free_account = None;
        self.pending = Pending::default();
        self.wrote
    }

    /// Whether the connection has seen a failure, so that nothing in this transaction can stay.
    pub(crate) fn is_troubled(&self) -> bool {
        match &self.driver {
            Driver::Sqlite(_) => false,
            Driver::Postgres(link) => link.is_troubled(),
        }
    }

    /// Whether the work that was refused last wants a transaction of its own.
    pub(crate) fn wants_alone(&mut self) -> bool {
        match &mut self.driver {
            Driver::Sqlite(_) => false,
            Driver::Postgres(link) => link.wants_alone(),
        }
    }

    /// Writes what was put off.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let kept = mem::take(&mut self.kept);
        counts::flush(self, &kept.counts)?;
        if let Driver::Postgres(link) = &mut self.driver {
            link.settle_what_must_hold()?;
        }
        events::flush(self, &kept.events)
    }
}

fn sqlite_run(
    connection: &rusqlite::Connection,
    statement: Statement,
    params: &[Param<'_>],
) -> Result<u64, Error> {
    let mut prepared = connection.prepare_cached(statement.0)?;
    let changed = prepared.execute(params_from_iter(params))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}
