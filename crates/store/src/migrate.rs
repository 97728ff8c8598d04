//! The schema's version, and the way up to it. Expand first, contract a version later: a database says which oldest
//! program may use it, and an older one refuses and touches nothing.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::Error;

/// The schema version that this program writes.
pub const SCHEMA: i64 = 2;

/// What brings a database from version `n` to `n + 1`, and the oldest program that can use the result.
const STEPS: [(&str, i64); 2] = [
    (include_str!("../migrations/0001.sql"), 1),
    (include_str!("../migrations/0002.sql"), 1),
];

/// Brings the schema up to date.
pub(crate) fn migrate(connection: &mut Connection, database: &str) -> Result<(), Error> {
    if check(connection, database)? >= SCHEMA {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited.
    let found = check(&tx, database)?;
    for (at, (step, oldest_program)) in (1_i64..).zip(STEPS) {
        if at <= found {
            continue;
        }
        tx.execute_batch(step)?;
        for (name, value) in [("schema_version", at), ("oldest_program", oldest_program)] {
            tx.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )?;
        }
    }
    Ok(tx.commit()?)
}

/// The version that the database has; 0 for an empty one.
///
/// # Errors
/// [`Error::TooNew`], [`Error::Foreign`]. It only reads.
pub(crate) fn check(connection: &Connection, database: &str) -> Result<i64, Error> {
    let foreign = || Error::Foreign {
        database: database.to_owned(),
    };
    let unreadable = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => foreign(),
        _ => error.into(),
    };
    let tables: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table'",
            [],
            |row| row.get(0),
        )
        .map_err(unreadable)?;
    if tables == 0 {
        return Ok(0);
    }
    let value = |name: &str| -> Result<i64, Error> {
        let found = connection
            .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
            .optional();
        found.ok().flatten().ok_or_else(foreign)
    };
    let (found, oldest_program) = (value("schema_version")?, value("oldest_program")?);
    if oldest_program > SCHEMA {
        return Err(Error::TooNew {
            database: database.to_owned(),
            found,
        });
    }
    Ok(found)
}
