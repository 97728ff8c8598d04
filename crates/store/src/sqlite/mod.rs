//! SQLite: one writer with group commit, readers beside it (WAL), every acknowledged write on disk.

mod checkpoint;
mod writer;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::cache::Cache;
use crate::log::LogFile;
use crate::search::sqlite::{Advanced, Index, Step};
use crate::tx::Driver;
use crate::work::{Pulse, now};
use crate::{Error, Finding, Tx, events, migrate, search};
use checkpoint::Checkpoint;
use writer::Writer;

/// How long a write waits for one of another process.
const BUSY: Duration = Duration::from_secs(15);
/// More events than this while the indexer takes a stride: others write much.
const BUSY_EVENTS: i64 = 20;
/// Tenths of the time that a stride took for which the indexer rests after it.
const RESTS: u32 = 5;
/// The same while others write much.
const RESTS_WHEN_BUSY: u32 = 40;
/// Idle readers that are kept open.
const IDLE_READERS: usize = 8;

pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    /// Readers that nobody uses, each with the number of the index file that it knows.
    readers: Mutex<Vec<(u64, Connection)>>,
    cache: Arc<Cache>,
    index: Index,
    log: LogFile,
}

/// Holds the database for one server until it is dropped.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        make_private(path);
        let mut connection = connect(path)?;
        let database = path.display().to_string();
        migrate::check(&mut migrate::Place::Sqlite(&connection), &database)?;
        configure(&connection)?;
        migrate_sqlite(&mut connection, &database)?;
        let cache = Arc::new(Cache::default());
        let copier = connect(path)?;
        configure(&copier)?;
        let writer = Writer::start(connection, Checkpoint::start(copier)?, Arc::clone(&cache))?;
        let log = LogFile::of(path, &cache);
        Ok(Self {
            path: path.to_owned(),
            writer,
            readers: Mutex::default(),
            cache,
            index: Index::of(path),
            log,
        })
    }

    pub(crate) fn claim(&self) -> Result<Claim, Error> {
        claim(&self.path)
    }

    /// Copies all of it, as it is at one moment, into `file`, which is empty.
    pub(crate) fn copy_into(&self, file: &Path) -> Result<(), Error> {
        let connection = connect(&self.path)?;
        let name = file
            .to_str()
            .ok_or_else(|| crate::backup::failed(file, "its name is not UTF-8"))?;
        connection
            .execute("VACUUM INTO ?1", [name])
            .map_err(|error| crate::backup::failed(file, error))?;
        Ok(())
    }

    pub(crate) fn log(&self) -> &LogFile {
        &self.log
    }

    pub(crate) fn pulse(&self) -> Pulse {
        self.writer.pulse()
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
        self.writer.run(work).await
    }

    pub(crate) fn read<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, E>,
        E: From<Error>,
    {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (file, connection) = match idle {
            Some((file, connection)) if file == self.index.file() => (file, connection),
            _ => (self.index.file(), self.reader()?),
        };
        run(&connection, "BEGIN")?;
        let result = work(&mut Tx::new(Driver::Sqlite(&connection), &self.cache));
        run(&connection, "COMMIT")?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push((file, connection));
        }
        result
    }

    pub(crate) fn health(&self) -> Result<Vec<Finding>, Error> {
        let connection = connect(&self.path)?;
        configure(&connection)?;
        let text = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, String>(0));
        let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        let is_durable = synchronous == 2 && text("PRAGMA journal_mode")? == "wal";
        let is_whole = text("PRAGMA quick_check(1)")? == "ok";
        let schema = migrate::check(
            &mut migrate::Place::Sqlite(&connection),
            &self.path.display().to_string(),
        )?;
        Ok(vec![
            Finding::fine(format!("schema version {schema}")),
            Finding::of(
                "every answer waits for the disk",
                is_durable,
                "the file system does not allow a write-ahead log; move the database to a local disk",
            ),
            Finding::of(
                "structure",
                is_whole,
                "the file is damaged; stop the server and restore a backup",
            ),
        ])
    }

    /// Takes into the index whoever changed. While others write much it rests most of the time, so that it never takes a
    /// processor from them.
    pub(crate) fn index_names(&self) -> Result<(), Error> {
        let (mut latest, mut has_forgotten) = (0, false);
        loop {
            let begun = now();
            let mut last = latest;
            let advanced = self.index.advance(|seq, request_id| {
                self.read(|tx| {
                    last = events::last(tx)?;
                    if seq > 0 && events::request_of(tx, seq)?.as_deref() != Some(request_id) {
                        return Ok(Step::Anew);
                    }
                    Ok::<_, Error>(search::changes(tx, seq)?.map_or(Step::None, Step::Changes))
                })
            })?;
            has_forgotten |= advanced == Advanced::Forgot;
            if advanced == Advanced::UpToDate {
                if has_forgotten {
                    self.index.forget_for_good()?;
                }
                return Ok(());
            }
            let is_busy = latest > 0 && last - latest > BUSY_EVENTS;
            latest = last;
            let rest = if is_busy { RESTS_WHEN_BUSY } else { RESTS };
            thread::sleep(begun.elapsed() * rest / 10);
        }
    }

    fn reader(&self) -> Result<Connection, Error> {
        let connection = connect(&self.path)?;
        configure(&connection)?;
        self.index.attach(&connection);
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA mmap_size = 1073741824;")?;
        Ok(connection)
    }
}

/// Claims the file for this process, unless another one serves it.
pub(crate) fn claim(path: &Path) -> Result<Claim, Error> {
    let database = path.display().to_string();
    let mut lock = path.to_owned().into_os_string();
    lock.push(".serving");
    let unreachable = |error: std::io::Error| Error::Unreachable {
        database: database.clone(),
        reason: error.to_string(),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock)
        .map_err(unreachable)?;
    match file.try_lock() {
        Ok(()) => Ok(Claim { _lock: file }),
        Err(TryLockError::WouldBlock) => Err(Error::Claimed { database }),
        Err(TryLockError::Error(error)) => Err(unreachable(error)),
    }
}

pub(crate) fn migrate_sqlite(connection: &mut Connection, database: &str) -> Result<(), Error> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrate::migrate(&mut migrate::Place::Sqlite(&tx), database)?;
    Ok(tx.commit()?)
}

/// Makes a new file for this user alone; SQLite gives the files beside it the same mode. What fails here fails again, and
/// with a better reason, when the file is opened.
pub(crate) fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
}

/// Whether a file is none of SQLite's, or no longer.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

/// Removes what SQLite keeps beside a file that is gone.
pub(crate) fn remove_beside(path: &Path) {
    for end in ["-wal", "-shm"] {
        let mut file = path.to_owned().into_os_string();
        file.push(end);
        drop(std::fs::remove_file(file));
    }
}

pub(crate) fn connect(path: &Path) -> Result<Connection, Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| Error::Unreachable {
        database: path.display().to_string(),
        reason: match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::CannotOpen) => {
                "the folder is missing or may not be written to".to_owned()
            }
            _ => error.to_string(),
        },
    })?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without this, a statement is prepared again whenever a value is bound that a partial index might depend on.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;
         PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(())
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
