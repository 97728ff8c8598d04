//! Backup and restore, while everybody goes on: one file, whatever the database, so that it is also the way from one
//! machine's SQLite to PostgreSQL and back. The provisioning log and the index of names are not in it: the one is a record
//! beside the directory, the other is made anew.

use std::fs::File;
use std::path::{Path, PathBuf};

use directory::Timestamp;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::postgres::Postgres;
use crate::{DatabaseUrl, Engine, Error, Store, migrate, sqlite};

/// What is in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Users.
    pub users: u64,
    /// Events.
    pub events: u64,
}

impl Store {
    /// Writes all that the directory holds at this moment into a new file, for this user alone.
    ///
    /// # Errors
    /// [`Error::Backup`], and nothing is left then; the database's.
    pub fn backup(&self, file: &Path) -> Result<Saved, Error> {
        // A file that is there may be the last good backup.
        make_new(file)?;
        let saved = match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.copy_into(file),
            Engine::Postgres(postgres) => from_postgres(postgres, file),
        };
        let whole = saved.and_then(|()| on_disk(file)).and_then(|()| contents(file));
        if whole.is_err() {
            drop(std::fs::remove_file(file));
        }
        whole
    }
}

/// Makes a new database of a backup. Its event cursors are void: what happened since the backup did not happen.
///
/// # Errors
/// [`Error::NotEmpty`] where the database has anything; [`Error::Backup`], [`Error::Foreign`], [`Error::TooNew`] for the file.
/// Nothing is left then.
pub fn restore(url: &DatabaseUrl, file: &Path, now: Timestamp) -> Result<Saved, Error> {
    if !file.is_file() {
        return Err(failed(file, "there is no such file"));
    }
    let saved = contents(file)?;
    match url {
        DatabaseUrl::Sqlite(path) => {
            if std::fs::metadata(path).is_ok_and(|there| there.len() > 0) {
                return Err(Error::NotEmpty {
                    database: url.to_string(),
                });
            }
            // A log beside it belongs to a database that was moved away without it, and holds the last that was written.
            let wal = beside(path, "-wal");
            if std::fs::metadata(&wal).is_ok_and(|there| there.len() > 0) {
                return Err(failed(
                    &wal,
                    "it holds the last writes of a database that is not here; put it back beside that one",
                ));
            }
            let _claim = sqlite::claim(path)?;
            let fresh = beside(path, ".restoring");
            let moved = renewed(file, &fresh, now).and_then(|()| {
                sqlite::remove_beside(path);
                std::fs::rename(&fresh, path).map_err(|error| failed(path, error))
            });
            if moved.is_err() {
                drop(std::fs::remove_file(&fresh));
            }
            moved?;
        }
        DatabaseUrl::Postgres(of) => {
            let fresh = beside(file, ".restoring");
            let copied = renewed(file, &fresh, now).and_then(|()| {
                let connection = sqlite::connect(&fresh)?;
                Postgres::open(of)?.fill(&connection, &url.to_string())
            });
            drop(std::fs::remove_file(&fresh));
            copied?;
        }
    }
    Ok(saved)
}

/// A copy of the backup in the present schema, with another epoch.
fn renewed(file: &Path, fresh: &Path, now: Timestamp) -> Result<(), Error> {
    make_new(fresh)?;
    let name = fresh
        .to_str()
        .ok_or_else(|| failed(fresh, "its name is not UTF-8"))?;
    // It takes what is in a write-ahead log too, should the file be a database in use.
    sqlite::connect(file)?
        .execute("VACUUM INTO ?1", [name])
        .map_err(|error| failed(file, error))?;
    let mut connection = sqlite::connect(fresh)?;
    sqlite::migrate_sqlite(&mut connection, &file.display().to_string())?;
    // No two lives of a database have the same: not even when one backup is restored twice.
    connection.execute(
        "UPDATE meta SET value = max(value + 1, ?1) WHERE name = 'epoch'",
        [now.as_second()],
    )?;
    // What has ended since must not open anything again.
    connection.execute_batch(
        "DELETE FROM meta WHERE name = 'search_progress'; DELETE FROM sessions; DELETE FROM repeats;
         UPDATE administrators SET invitation = NULL, invitation_ends = NULL;",
    )?;
    drop(connection);
    on_disk(fresh)
}

/// Looks whether the file is a whole backup, and what is in it.
fn contents(file: &Path) -> Result<Saved, Error> {
    let connection = sqlite::connect(file)?;
    let name = file.display().to_string();
    if migrate::check(&mut migrate::Place::Sqlite(&connection), &name)? == 0 {
        return Err(Error::Foreign { database: name });
    }
    let state: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if state != "ok" {
        return Err(failed(file, "the file is damaged"));
    }
    let count = |table: &str| -> Result<u64, Error> {
        let count: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    Ok(Saved {
        users: count("users")?,
        events: count("events")?,
    })
}

fn from_postgres(postgres: &Postgres, file: &Path) -> Result<(), Error> {
    let mut connection = sqlite::connect(file)?;
    sqlite::migrate_sqlite(&mut connection, &file.display().to_string())?;
    // It is synced as a whole in the end.
    connection
        .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN; DELETE FROM meta;")?;
    postgres.drain(&connection)?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// The tables of a database in the present schema, each with its columns.
pub(crate) fn tables(connection: &Connection) -> Result<Vec<(String, Vec<String>)>, Error> {
    let mut names = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    names
        .into_iter()
        .map(|table| {
            let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
            let columns = columns.query_map([&table], |row| row.get(0))?;
            let columns = columns.collect::<Result<Vec<String>, _>>()?;
            Ok((table, columns))
        })
        .collect()
}

/// A row as PostgreSQL's COPY takes it: text, with tabs between the columns.
pub(crate) fn copy_line(row: &rusqlite::Row<'_>, columns: usize, line: &mut Vec<u8>) -> Result<(), Error> {
    for column in 0..columns {
        if column > 0 {
            line.push(b'\t');
        }
        match row.get_ref(column)? {
            ValueRef::Null => line.extend_from_slice(b"\\N"),
            ValueRef::Integer(number) => line.extend_from_slice(number.to_string().as_bytes()),
            ValueRef::Blob(bytes) => {
                line.extend_from_slice(b"\\\\x");
                line.extend(bytes.iter().flat_map(|byte| [hex(byte >> 4), hex(byte & 15)]));
            }
            ValueRef::Text(text) => {
                for &byte in text {
                    match byte {
                        b'\\' => line.extend_from_slice(b"\\\\"),
                        b'\n' => line.extend_from_slice(b"\\n"),
                        b'\r' => line.extend_from_slice(b"\\r"),
                        b'\t' => line.extend_from_slice(b"\\t"),
                        // PostgreSQL takes no NUL for text.
                        0 => line.extend_from_slice("\u{fffd}".as_bytes()),
                        byte => line.push(byte),
                    }
                }
            }
            ValueRef::Real(_) => return Err(Error::Unreadable { what: "number" }),
        }
    }
    line.push(b'\n');
    Ok(())
}

fn hex(digit: u8) -> u8 {
    b"0123456789abcdef"[usize::from(digit)]
}

/// Makes a new file for this user alone.
fn make_new(file: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    made.map(drop).map_err(|error| failed(file, error))
}

/// Waits until the file and its name are on disk.
fn on_disk(file: &Path) -> Result<(), Error> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let synced = File::open(file)
        .and_then(|file| file.sync_all())
        .and_then(|()| File::open(folder)?.sync_all());
    synced.map_err(|error| failed(file, error))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(end);
    name.into()
}

pub(crate) fn failed(file: &Path, reason: impl ToString) -> Error {
    Error::Backup {
        file: file.display().to_string(),
        reason: reason.to_string(),
    }
}
