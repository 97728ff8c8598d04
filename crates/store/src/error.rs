//! What can go wrong between Provost and its database, in sentences for the engineer who runs it.

use crate::SCHEMA;
use crate::users::MAX_KEY;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be opened or reached.
    #[error("cannot open the database {database}: {reason}")]
    Unreachable {
        /// Path or URL, without a password.
        database: String,
        /// The driver's words.
        reason: String,
    },
    /// A newer version of Provost wrote it.
    #[error(
        "the database {database} has schema version {found}, which needs a newer Provost; this one knows versions up to \
         {SCHEMA}. Nothing was changed. Install the version that wrote it, or restore a backup from before the upgrade"
    )]
    TooNew {
        /// Path or URL.
        database: String,
        /// The version that the database has.
        found: i64,
    },
    /// A file that some other program wrote.
    #[error("{database} is not a Provost database; name another file with --database sqlite:PATH")]
    Foreign {
        /// Path.
        database: String,
    },
    /// A backup cannot be written or read.
    #[error("the backup {file}: {reason}")]
    Backup {
        /// Path.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A backup is restored into a new database, and never over one that is there.
    #[error(
        "the database {database} is not empty; restore into a new one: name another with --database, or stop the server and move this one away with its -wal and -shm"
    )]
    NotEmpty {
        /// Path or URL, without a password.
        database: String,
    },
    /// Another server has the file.
    #[error(
        "another `provost serve` is running on {database}; stop it first, or use PostgreSQL for several nodes"
    )]
    Claimed {
        /// Path.
        database: String,
    },
    /// A row that was read a moment ago is not there in that version any more.
    #[error("a row changed while it was being written")]
    Stale,
    /// A user's document is larger than what could be sent back.
    #[error("a user would have {bytes} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that it may be.
        max: usize,
    },
    /// What a user is found by is too long for an index.
    #[error("a user's {attribute} is longer than {MAX_KEY} bytes")]
    TooLong {
        /// The attribute.
        attribute: &'static str,
    },
    /// Another process holds the database's lock for too long, or is quicker again and again.
    #[error("the database is locked by another process")]
    Busy,
    /// The database is away for now.
    #[error("the database is away: {reason}")]
    Away {
        /// The driver's or the database's words.
        reason: String,
    },
    /// There is no room for what is to be written.
    #[error("the database has no room left: {reason}")]
    Full {
        /// The database's words.
        reason: String,
    },
    /// The connection was lost while a commit was under way.
    #[error("the connection was lost during a commit, whose outcome is unknown")]
    OutcomeUnknown,
    /// PostgreSQL's own failure.
    #[error("the database failed: {message} ({code})")]
    Postgres {
        /// The SQLSTATE.
        code: String,
        /// Its words, without the values that it names.
        message: String,
    },
    /// The closure panicked; its transaction was rolled back.
    #[error("a transaction panicked and was rolled back")]
    Panicked,
    /// The writer has stopped.
    #[error("the database writer has stopped")]
    Stopped,
    /// A row does not read as what it should be.
    #[error("the database holds an unreadable {what}")]
    Unreadable {
        /// What it should be.
        what: &'static str,
    },
    /// The driver's own failure.
    #[error("the database failed: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => Self::Busy,
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full {
                reason: error.to_string(),
            },
            _ => Self::Sqlite(error),
        }
    }
}

impl Error {
    /// Whether the schema's version is the reason.
    pub fn is_schema(&self) -> bool {
        matches!(self, Self::TooNew { .. })
    }
}
