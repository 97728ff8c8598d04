//! Copying the write-ahead log back into the database, beside the writer, so that no answer waits for it.
//!
//! The log starts over when a copy has caught up with it. Under steady load one never does; so when the log has grown
//! long, the writer itself copies the little that is left, after its answers are out. After a purge the log is emptied as
//! soon as no reader needs it: what somebody's rows held must not linger in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use crate::Error;

/// Pages of log after which a copy begins.
const BEGIN: i32 = 1_000;
/// Pages of log at which the writer takes part: 64 MB.
const TAKE_PART: i32 = 16_000;

/// How long emptying the log may hold up writers while it waits for readers.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long until it is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// How often it is tried at the end.
const LAST_TRIES: u32 = 20;

/// What a transaction leaves in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing that must go.
    Nothing,
    /// Data of somebody who was purged.
    Traces,
}

/// The writer's end.
pub(super) struct Checkpoint {
    /// `None` once it is being dropped.
    begin: Option<mpsc::SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
    /// Whether the log is to be emptied.
    has_traces: Arc<AtomicBool>,
    /// Pages in the log when the last copy began.
    begun_at: i32,
}

impl Checkpoint {
    /// Starts the thread that copies; `connection` is its own.
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        connection.busy_timeout(PATIENCE)?;
        let (begin, asked) = mpsc::sync_channel(1);
        // Another process may have left some, or this one before it was killed.
        let has_traces = Arc::new(AtomicBool::new(true));
        let noted = Arc::clone(&has_traces);
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || serve(&connection, &asked, &noted))
            .map_err(|_| Error::Stopped)?;
        Ok(Self {
            begin: Some(begin),
            thread: Some(thread),
            pages: Arc::default(),
            has_traces,
            begun_at: 0,
        })
    }

    /// Takes over from SQLite's own checkpoints on the writer's connection.
    pub(super) fn watch(&self, connection: &mut Connection) -> Result<(), Error> {
        let noted = Arc::clone(&self.pages);
        let note = move |_: &mut Wal, pages| {
            noted.store(pages, Ordering::Relaxed);
            Ok(())
        };
        Ok(connection.wal_hook(Some(note))?)
    }

    /// After a commit whose answers are out.
    pub(super) fn after_commit(&mut self, connection: &Connection, left: Left) {
        if left == Left::Traces {
            self.has_traces.store(true, Ordering::Release);
            let _ = self.begin.as_ref().map(|begin| begin.try_send(()));
        }
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.begun_at {
            self.begun_at = 0;
        }
        if pages >= TAKE_PART {
            copy(connection);
        } else if pages - self.begun_at >= BEGIN {
            self.begun_at = pages;
            // One that is asked already will see these pages too.
            let _ = self.begin.as_ref().map(|begin| begin.try_send(()));
        }
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        drop(self.begin.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Copies when it is asked to, and empties the log while there are traces in it; once more at the end.
fn serve(connection: &Connection, asked: &mpsc::Receiver<()>, has_traces: &AtomicBool) {
    let mut is_open = true;
    while is_open {
        let asked = if has_traces.load(Ordering::Acquire) {
            asked.recv_timeout(AGAIN)
        } else {
            asked.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        is_open = asked != Err(RecvTimeoutError::Disconnected);
        if has_traces.swap(false, Ordering::AcqRel) {
            if !empty(connection) {
                has_traces.store(true, Ordering::Release);
            }
        } else if is_open {
            copy(connection);
        }
    }
    for _ in 0..LAST_TRIES {
        if !has_traces.load(Ordering::Acquire) || empty(connection) {
            return;
        }
        thread::sleep(PATIENCE);
    }
}

/// Empties the log; says whether it could.
fn empty(connection: &Connection) -> bool {
    match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)) {
        Ok(is_busy) => is_busy == 0,
        Err(error) => {
            tracing::warn!(%error, "cannot empty the write-ahead log");
            false
        }
    }
}

/// Copies what no reader needs as it was. A reader or another copy in the way is no error: the next one goes on.
fn copy(connection: &Connection) {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::warn!(%error, "cannot copy the write-ahead log into the database");
    }
}
