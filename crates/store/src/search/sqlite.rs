//! The index beside SQLite's file: a file of its own, so that indexing holds up no commit. It can be made again from the
//! events at any time, and holds trigrams and ids alone.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use directory::{Record, TenantId, UserId};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params as values};

use super::{Changed, Changes, Seen};
use crate::sql::{params, statements};
use crate::sqlite::is_damage;
use crate::users::{record, select};
use crate::{Error, Tx, events};

statements! {
    PROGRESS = "SELECT seq, request_id FROM search.progress";
    FIND = select!(
        "FROM search.trigrams AS t CROSS JOIN search.entries AS e CROSS JOIN users
         WHERE t.trigrams MATCH ?2 AND e.number = t.rowid AND e.tenant = ?1 AND users.tenant = ?1 AND users.id = e.user_id
         AND (CAST(?5 AS BIGINT) = 1 OR (users.visible = 1 AND (users.connection = ?4 OR users.connection IS NULL))) LIMIT ?3",
        ""
    );
    FIND_IDS = "SELECT e.user_id FROM search.trigrams AS t CROSS JOIN search.entries AS e
                WHERE t.trigrams MATCH ?2 AND e.number = t.rowid AND e.tenant = ?1 LIMIT ?3";
}

/// What the file looks like; one that looks otherwise is made anew.
const VERSION: i64 = 1;
const SCHEMA: &str = "
    CREATE TABLE progress (seq INTEGER NOT NULL, request_id BLOB NOT NULL);
    INSERT INTO progress (seq, request_id) VALUES (0, x'');
    CREATE TABLE entries (number INTEGER PRIMARY KEY, tenant BLOB NOT NULL, user_id BLOB NOT NULL, digest INTEGER NOT NULL,
        UNIQUE (tenant, user_id));
    CREATE VIRTUAL TABLE trigrams USING fts5 (body, content = '', contentless_delete = 1, detail = 'none',
        tokenize = 'trigram case_sensitive 1');
    PRAGMA user_version = 1;";
/// The most trigrams of a needle that are looked for; more exclude hardly anybody further.
const MAX_TRIGRAMS: usize = 16;

/// The index, as the one process that may write it has it. It is a help and no more: a search without one reads through
/// everybody.
pub(crate) struct Index {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
    /// How many files there have been: a reader of an earlier one sees nothing new.
    files: AtomicU64,
}

impl Index {
    /// The index of the database at `database`; nothing is opened yet.
    pub(crate) fn of(database: &Path) -> Self {
        let mut path = database.to_owned().into_os_string();
        path.push("-search");
        Self {
            path: path.into(),
            connection: Mutex::new(None),
            files: AtomicU64::new(0),
        }
    }

    /// Which file it is.
    pub(crate) fn file(&self) -> u64 {
        self.files.load(Ordering::Acquire)
    }

    /// Lets `reader` search, if there is an index that can be read.
    pub(crate) fn attach(&self, reader: &Connection) {
        if let Some(path) = self.path.to_str().filter(|_| self.path.is_file())
            && reader.execute("ATTACH DATABASE ?1 AS search", [path]).is_ok()
            && reader
                .query_row("SELECT seq FROM search.progress", [], |_| Ok(()))
                .is_err()
        {
            // What cannot be read is of no help, and must not be in the way.
            let _ = reader.execute("DETACH DATABASE search", []);
        }
    }

    /// Takes a stride in: `changes` gives what changed since an event, if its request is the one that the index knows.
    ///
    /// # Errors
    /// The file's, once it has been made anew where it cannot be read; the database's.
    pub(crate) fn advance(
        &self,
        changes: impl FnOnce(i64, &[u8]) -> Result<Step, Error>,
    ) -> Result<Advanced, Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.path.is_file() {
            *connection = None;
        }
        let mut open = match connection.take() {
            Some(open) => open,
            None => self.opened()?,
        };
        let advanced = advance(&mut open, changes);
        match &advanced {
            Err(Error::Sqlite(error)) if is_damage(error) => {
                drop(open);
                self.remove();
            }
            _ => *connection = Some(open),
        }
        advanced
    }

    /// Takes away what deleted entries leave behind in the file.
    pub(crate) fn forget_for_good(&self) -> Result<(), Error> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*connection {
            connection.execute("INSERT INTO trigrams (trigrams) VALUES ('optimize')", [])?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }

    fn opened(&self) -> Result<Connection, Error> {
        let is_new = !self.path.is_file();
        crate::sqlite::make_private(&self.path);
        let opened = match open(&self.path) {
            Err(Error::Sqlite(error)) if !is_damage(&error) => return Err(error.into()),
            Err(_) if !is_new => {
                self.remove();
                crate::sqlite::make_private(&self.path);
                open(&self.path)?
            }
            opened => opened?,
        };
        self.files.fetch_add(1, Ordering::AcqRel);
        Ok(opened)
    }

    fn remove(&self) {
        drop(std::fs::remove_file(&self.path));
        crate::sqlite::remove_beside(&self.path);
    }
}

/// What there is to take in.
pub(crate) enum Step {
    /// This.
    Changes(Changes),
    /// Nothing.
    None,
    /// The events are not those that the index followed: it begins anew.
    Anew,
}

/// What became of a stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advanced {
    /// There was nothing to do.
    UpToDate,
    /// There may be more.
    Further,
    /// There may be more, and somebody was taken out.
    Forgot,
}

fn open(path: &Path) -> Result<Connection, Error> {
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
    tx.commit()?;
    Ok(connection)
}

fn advance(
    connection: &mut Connection,
    changes: impl FnOnce(i64, &[u8]) -> Result<Step, Error>,
) -> Result<Advanced, Error> {
    let (seq, request_id): (i64, Vec<u8>) =
        connection.query_row("SELECT seq, request_id FROM progress", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let step = changes(seq, &request_id)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let advanced = match step {
        Step::None => return Ok(Advanced::UpToDate),
        Step::Anew => {
            tx.execute_batch(
                "INSERT INTO trigrams (trigrams) VALUES ('delete-all');
                 DELETE FROM entries;
                 UPDATE progress SET seq = 0, request_id = x'';",
            )?;
            Advanced::Forgot
        }
        Step::Changes(changes) => {
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
            let is_gone = |changed: &Changed| changed.entry.is_none();
            if changes.users.iter().any(is_gone) {
                Advanced::Forgot
            } else {
                Advanced::Further
            }
        }
    };
    tx.commit()?;
    Ok(advanced)
}

fn put(tx: &rusqlite::Transaction<'_>, changed: &Changed) -> Result<(), Error> {
    let (tenant, user) = (changed.tenant.as_bytes(), changed.user.as_bytes());
    let known: Option<(i64, i64)> = tx
        .prepare_cached("SELECT number, digest FROM entries WHERE tenant = ?1 AND user_id = ?2")?
        .query_row(values![tenant, user], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let digest = changed.entry.as_deref().map(digest_of);
    if known.map(|(_, digest)| digest) == digest {
        // Most changes are of something else than a name.
        return Ok(());
    }
    if let Some((number, _)) = known {
        tx.prepare_cached("DELETE FROM trigrams WHERE rowid = ?1")?
            .execute([number])?;
        tx.prepare_cached("DELETE FROM entries WHERE number = ?1")?
            .execute([number])?;
    }
    if let (Some(entry), Some(digest)) = (&changed.entry, digest) {
        tx.prepare_cached("INSERT INTO entries (tenant, user_id, digest) VALUES (?1, ?2, ?3)")?
            .execute(values![tenant, user, digest])?;
        tx.prepare_cached("INSERT INTO trigrams (rowid, body) VALUES (?1, ?2)")?
            .execute(values![tx.last_insert_rowid(), entry])?;
    }
    Ok(())
}

/// Tells one text from another; the file is made and read by one program, so it need be no other's.
fn digest_of(entry: &str) -> i64 {
    let mut hasher = DefaultHasher::new();
    entry.hash(&mut hasher);
    hasher.finish().cast_signed()
}

/// The number of the last event that is in the index; `None` where there is no index of these events.
pub(super) fn progress(tx: &mut Tx<'_>) -> Result<Option<i64>, Error> {
    let known = tx.one(PROGRESS, &[], |row| Ok((row.integer(0)?, row.bytes(1)?.to_vec())));
    let Ok(Some((seq, request_id))) = known else {
        return Ok(None);
    };
    // A database that was put back knows other events by these numbers.
    let is_known = seq == 0 || events::request_of(tx, seq)? == Some(request_id);
    Ok(is_known.then_some(seq))
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    needle: &str,
    seen: Seen,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    let query = query_of(needle);
    let params = params![
        tenant.as_bytes(),
        &query,
        limit,
        seen.connection.as_bytes(),
        seen.everybody
    ];
    tx.all(FIND, params, record)
}

pub(super) fn find_ids(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    needle: &str,
    limit: i64,
) -> Result<Vec<UserId>, Error> {
    let query = query_of(needle);
    let params = params![tenant.as_bytes(), &query, limit];
    tx.all(FIND_IDS, params, |row| row.id(0, UserId::from_bytes))
}

/// All trigrams of the needle. The code is ASCII, so a byte is a character.
fn query_of(needle: &str) -> String {
    let trigrams: BTreeSet<_> = needle.as_bytes().windows(3).take(MAX_TRIGRAMS).collect();
    let terms: Vec<_> = trigrams
        .into_iter()
        .map(|trigram| format!("\"{}\"", String::from_utf8_lossy(trigram).replace('"', "\"\"")))
        .collect();
    terms.join(" AND ")
}
