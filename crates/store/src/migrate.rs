//! The schema's version, and the way up to it. Expand first, contract a version later: a database says which oldest
//! program may use it, and an older one refuses and touches nothing.

use rusqlite::OptionalExtension as _;

use crate::postgres::Link;
use crate::sql::params;
use crate::{Error, sql::Statement};

/// The schema version that this program writes.
pub const SCHEMA: i64 = 7;

/// What brings a database from version `n` to `n + 1`, and the oldest program that can use the result.
const STEPS: [(&str, i64); 7] = [
    (include_str!("../migrations/0001.sql"), 1),
    (include_str!("../migrations/0002.sql"), 2),
    (include_str!("../migrations/0003.sql"), 2),
    (include_str!("../migrations/0004.sql"), 4),
    (include_str!("../migrations/0005.sql"), 4),
    (include_str!("../migrations/0006.sql"), 6),
    (include_str!("../migrations/0007.sql"), 6),
];

/// The schema versions with which the steps of the provisioning log came; SQLite has it in a file of its own.
const LOG: [i64; 2] = [6, 7];

const SET: Statement = Statement(
    "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);
const GET: Statement = Statement("SELECT value FROM meta WHERE name = ?1");

/// A database whose schema is looked at.
pub(crate) enum Place<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut Link),
}

/// Brings the schema up to date, in a transaction that lets nobody else do so.
pub(crate) fn migrate(place: &mut Place<'_>, database: &str) -> Result<(), Error> {
    let found = check(place, database)?;
    for (at, (step, oldest_program)) in (1_i64..).zip(STEPS) {
        if at <= found {
            continue;
        }
        place.script(step)?;
        for (version, step) in LOG.iter().zip(crate::log::STEPS) {
            if at == *version && matches!(place, Place::Postgres(_)) {
                place.script(step)?;
            }
        }
        for (name, value) in [("schema_version", at), ("oldest_program", oldest_program)] {
            place.set(name, value)?;
        }
    }
    Ok(())
}

/// The version that the database has; 0 for an empty one.
///
/// # Errors
/// [`Error::TooNew`], [`Error::Foreign`]. It only reads.
pub(crate) fn check(place: &mut Place<'_>, database: &str) -> Result<i64, Error> {
    let foreign = || Error::Foreign {
        database: database.to_owned(),
    };
    let is_empty = place.is_empty().map_err(|error| match error {
        Error::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            foreign()
        }
        other => other,
    })?;
    if is_empty {
        return Ok(0);
    }
    let mut value = |name: &str| place.value(name)?.ok_or_else(foreign);
    let (found, oldest_program) = (value("schema_version")?, value("oldest_program")?);
    if oldest_program > SCHEMA {
        return Err(Error::TooNew {
            database: database.to_owned(),
            found,
        });
    }
    Ok(found)
}

impl Place<'_> {
    fn is_empty(&mut self) -> Result<bool, Error> {
        match self {
            Self::Sqlite(connection) => {
                let tables = "SELECT count(*) = 0 FROM sqlite_schema WHERE type = 'table'";
                Ok(connection.query_row(tables, [], |row| row.get(0))?)
            }
            Self::Postgres(link) => {
                let tables = "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema()";
                let rows = link.query(Statement(tables), &[])?;
                let count: Option<i64> = rows.first().and_then(|row| row.try_get(0).ok());
                Ok(count == Some(0))
            }
        }
    }

    /// A value of `meta`; `None` also where there is no such table.
    fn value(&mut self, name: &str) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
                .optional()
                .ok()
                .flatten()),
            Self::Postgres(link) => {
                let there = "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'meta'";
                let rows = link.query(Statement(there), &[])?;
                if rows.first().and_then(|row| row.try_get::<_, i64>(0).ok()) != Some(1) {
                    return Ok(None);
                }
                let rows = link.query(GET, params![name])?;
                Ok(rows.first().and_then(|row| row.try_get(0).ok()))
            }
        }
    }

    fn script(&mut self, sql: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(link) => link.script(sql),
        }
    }

    fn set(&mut self, name: &str, value: i64) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute(SET.0, (name, value)).map(drop)?),
            Self::Postgres(link) => link.query(SET, params![name, value]).map(drop),
        }
    }
}
