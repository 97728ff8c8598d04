//! The index beside SQLite's file: a file of its own, so that indexing holds up no commit. It can be made again from the
//! events at any time, and holds trigrams and ids alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use directory::{Record, TenantId};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params as values};

use super::{Changed, Changes};
use crate::sql::{params, statements};
use crate::users::{record, select};
use crate::{Error, Tx};

statements! {
    PROGRESS = "SELECT seq FROM search.progress";
    FIND = select!(
        "FROM search.trigrams AS t CROSS JOIN search.entries AS e CROSS JOIN users
         WHERE t.trigrams MATCH ?2 AND e.number = t.rowid AND e.tenant = ?1 AND users.tenant = ?1 AND users.id = e.user_id
         LIMIT ?3",
        ""
    );
}

/// What the file looks like; one that looks otherwise is made anew.
const VERSION: i64 = 1;
const SCHEMA: &str = "
    CREATE TABLE progress (seq INTEGER NOT NULL, request_id BLOB NOT NULL);
    INSERT INTO progress (seq, request_id) VALUES (0, x'');
    CREATE TABLE entries (number INTEGER PRIMARY KEY, tenant BLOB NOT NULL, user_id BLOB NOT NULL, UNIQUE (tenant, user_id));
    CREATE VIRTUAL TABLE trigrams USING fts5 (body, content = '', contentless_delete = 1, detail = 'none',
        tokenize = 'trigram case_sensitive 1');
    PRAGMA user_version = 1;";
/// The most trigrams of a needle that are looked for; more exclude hardly anybody further.
const MAX_TRIGRAMS: usize = 16;

/// The index, to write it.
pub(crate) struct Index {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Index {
    /// The index of the database at `database`; made where there is none that can be read.
    pub(crate) fn open(database: &Path) -> Result<Self, Error> {
        let path = path_of(database);
        crate::sqlite::make_private(&path);
        let connection = if let Ok(connection) = opened(&path) {
            connection
        } else {
            for end in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(end);
                drop(std::fs::remove_file(file));
            }
            crate::sqlite::make_private(&path);
            opened(&path)?
        };
        let connection = Mutex::new(connection);
        Ok(Self { path, connection })
    }

    /// Lets `reader` search.
    pub(crate) fn attach(&self, reader: &Connection) -> Result<(), Error> {
        let path = self.path.display().to_string();
        reader.execute("ATTACH DATABASE ?1 AS search", [path])?;
        Ok(())
    }

    /// The number of the last event that is in the index, and its request.
    pub(crate) fn progress(&self) -> Result<(i64, Vec<u8>), Error> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let row = connection.query_row("SELECT seq, request_id FROM progress", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        Ok(row?)
    }

    /// Takes `changes` in, if nobody else has since `seq`.
    pub(crate) fn advance(&self, seq: i64, changes: &Changes) -> Result<(), Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (last, request_id) = &changes.last;
        let advanced = tx.execute(
            "UPDATE progress SET seq = ?2, request_id = ?3 WHERE seq = ?1",
            values![seq, last, request_id],
        )?;
        if advanced == 1 {
            for changed in &changes.users {
                put(&tx, changed)?;
            }
        }
        Ok(tx.commit()?)
    }

    /// Forgets everything: the events are not those that it followed.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(
            "INSERT INTO trigrams (trigrams) VALUES ('delete-all');
             DELETE FROM entries;
             UPDATE progress SET seq = 0, request_id = x'';",
        )?;
        Ok(tx.commit()?)
    }
}

fn path_of(database: &Path) -> PathBuf {
    let mut path = database.to_owned().into_os_string();
    path.push("-search");
    path.into()
}

fn opened(path: &Path) -> Result<Connection, Error> {
    let mut connection = crate::sqlite::connect(path)?;
    // What is lost in a crash is made again.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;",
    )?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        tx.execute_batch(SCHEMA)?;
    } else if version != VERSION {
        return Err(Error::Unreadable { what: "search index" });
    }
    tx.query_row("SELECT seq FROM progress", [], |_| Ok(()))?;
    tx.commit()?;
    Ok(connection)
}

fn put(tx: &rusqlite::Transaction<'_>, changed: &Changed) -> Result<(), Error> {
    let (tenant, user) = (changed.tenant.as_bytes(), changed.user.as_bytes());
    let number: Option<i64> = tx
        .prepare_cached("SELECT number FROM entries WHERE tenant = ?1 AND user_id = ?2")?
        .query_row(values![tenant, user], |row| row.get(0))
        .optional()?;
    let number = match (number, &changed.entry) {
        (None, None) => return Ok(()),
        (Some(number), entry) => {
            tx.prepare_cached("DELETE FROM trigrams WHERE rowid = ?1")?
                .execute([number])?;
            if entry.is_none() {
                tx.execute("DELETE FROM entries WHERE number = ?1", [number])?;
            }
            number
        }
        (None, Some(_)) => {
            tx.prepare_cached("INSERT INTO entries (tenant, user_id) VALUES (?1, ?2)")?
                .execute(values![tenant, user])?;
            tx.last_insert_rowid()
        }
    };
    if let Some(entry) = &changed.entry {
        tx.prepare_cached("INSERT INTO trigrams (rowid, body) VALUES (?1, ?2)")?
            .execute(values![number, entry])?;
    }
    Ok(())
}

/// The number of the last event that is in the index.
pub(super) fn progress(tx: &mut Tx<'_>) -> Result<i64, Error> {
    Ok(tx.one(PROGRESS, &[], |row| row.integer(0))?.unwrap_or_default())
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    needle: &str,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    // The code is ASCII, so a byte is a character.
    let trigrams: BTreeSet<_> = needle.as_bytes().windows(3).take(MAX_TRIGRAMS).collect();
    let terms: Vec<_> = trigrams
        .into_iter()
        .map(|trigram| format!("\"{}\"", String::from_utf8_lossy(trigram).replace('"', "\"\"")))
        .collect();
    let query = terms.join(" AND ");
    tx.all(FIND, params![tenant.as_bytes(), &query, limit], record)
}
