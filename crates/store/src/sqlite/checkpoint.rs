//! Copying the write-ahead log back into the database, beside the writer, so that no answer waits for it.
//!
//! The log starts over when a copy has caught up with it. Under steady load one never does; so when the log has grown
//! long, the writer itself copies the little that is left, after its answers are out.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use crate::Error;

/// Pages of log after which a copy begins.
const BEGIN: i32 = 1_000;
/// Pages of log at which the writer takes part: 64 MB.
const TAKE_PART: i32 = 16_000;

/// The writer's end.
pub(super) struct Checkpoint {
    /// `None` once it is being dropped.
    begin: Option<mpsc::SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
    /// Pages in the log when the last copy began.
    begun_at: i32,
}

impl Checkpoint {
    /// Starts the thread that copies; `connection` is its own.
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        let (begin, asked) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || {
                while asked.recv().is_ok() {
                    copy(&connection);
                }
            })
            .map_err(|_| Error::Stopped)?;
        Ok(Self {
            begin: Some(begin),
            thread: Some(thread),
            pages: Arc::default(),
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
    pub(super) fn after_commit(&mut self, connection: &Connection) {
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

/// Copies what no reader needs as it was. A reader or another copy in the way is no error: the next one goes on.
fn copy(connection: &Connection) {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::warn!(%error, "cannot copy the write-ahead log into the database");
    }
}
