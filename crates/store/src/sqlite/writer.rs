//! Group commit: one thread takes the work that waits into one durable transaction and answers it after the commit.
//!
//! A refusal comes before the first write, so it needs no savepoint, and there is none: copying pages for one costs a
//! third of a create. Work that fails after it wrote, or panics, ends its batch, which is then replayed one by one, each
//! in a transaction of its own; so it harms no other.

use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::Connection;

use super::checkpoint::{Checkpoint, Left};
use super::run;
use crate::cache::Cache;
use crate::tx::Driver;
use crate::work::{Beats, Pulse, Queue, Work};
use crate::{Error, Tx};

/// The most work in one transaction: enough to share a sync, and few enough to keep answers quick.
const BATCH: usize = 256;

pub(super) struct Writer {
    /// `None` once it is being dropped.
    queue: Option<Queue>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        mut checkpoint: Checkpoint,
        cache: Arc<Cache>,
    ) -> Result<Self, Error> {
        let (queue, waiting) = Queue::new();
        checkpoint.watch(&mut connection)?;
        let beats = Arc::clone(queue.beats());
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || serve(&connection, &cache, (&waiting, &beats), &mut checkpoint))
            .map_err(|_| Error::Stopped)?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// What it is doing.
    pub(super) fn pulse(&self) -> Pulse {
        self.queue
            .as_ref()
            .map_or_else(Pulse::default, |queue| queue.beats().pulse())
    }

    pub(super) async fn run<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let queue = self.queue.as_ref().ok_or(Error::Stopped)?;
        queue.run(work).await
    }
}

/// The database is closed when the writer is gone: what waits is still done, and whoever opens the file next finds nobody.
impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Ends when the [`Writer`] is dropped; what waits then is still done.
fn serve(
    connection: &Connection,
    cache: &Cache,
    (waiting, beats): (&mpsc::Receiver<Box<dyn Work>>, &Beats),
    checkpoint: &mut Checkpoint,
) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        match transact(connection, cache, &mut batch, Some(waiting)) {
            Ok(left) => {
                beats.committed(batch.len());
                for work in batch {
                    work.answer(Ok(()));
                }
                checkpoint.after_commit(connection, left);
                continue;
            }
            // It waited long enough; nobody in the batch is to blame, and nobody gets further alone.
            Err(Error::Busy) => {
                for work in batch {
                    work.answer(Err(Error::Busy));
                }
                continue;
            }
            Err(_) => {}
        }
        for work in batch {
            let mut alone = vec![work];
            let outcome = transact(connection, cache, &mut alone, None);
            let left = outcome.as_ref().ok().copied();
            if left.is_some() {
                beats.committed(1);
            }
            alone
                .into_iter()
                .zip(std::iter::once(outcome.map(drop)))
                .for_each(|(work, outcome)| work.answer(outcome));
            if let Some(left) = left {
                checkpoint.after_commit(connection, left);
            }
        }
    }
}

/// One transaction around `batch` and, from `more`, what has come in the meantime.
fn transact(
    connection: &Connection,
    cache: &Cache,
    batch: &mut Vec<Box<dyn Work>>,
    more: Option<&mpsc::Receiver<Box<dyn Work>>>,
) -> Result<Left, Error> {
    run(connection, "BEGIN IMMEDIATE")?;
    let outcome = fill(connection, cache, batch, more).and_then(|filled| {
        run(connection, "COMMIT")?;
        if filled.changed_settings {
            cache.changed();
        }
        Ok(filled.left)
    });
    // A full disk or an I/O error may have ended the transaction already.
    if outcome.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK")?;
    }
    outcome
}

/// What the work of a batch did beside its rows.
struct Filled {
    /// Whether it changed settings or tokens.
    changed_settings: bool,
    left: Left,
}

/// Does the work.
fn fill(
    connection: &Connection,
    cache: &Cache,
    batch: &mut Vec<Box<dyn Work>>,
    more: Option<&mpsc::Receiver<Box<dyn Work>>>,
) -> Result<Filled, Error> {
    let mut tx = Tx::new(Driver::Sqlite(connection), cache);
    let mut at = 0;
    while at < batch.len() {
        if batch[at].attempt(&mut tx) {
            tx.keep();
        } else if tx.give_up() || connection.is_autocommit() {
            // It wrote, or a full disk or an I/O error has ended the transaction under it.
            return Err(Error::Stale);
        }
        at += 1;
        if at == batch.len() && at < BATCH {
            batch.extend(more.and_then(|more| more.try_recv().ok()));
        }
    }
    tx.flush()?;
    Ok(Filled {
        changed_settings: tx.has_changed_settings(),
        left: if tx.has_purged() {
            Left::Traces
        } else {
            Left::Nothing
        },
    })
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
