//! Work that waits for the writer: closures of any type, their answers, and those who ask.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::{Error, Tx};

/// Work of any type, seen from the writer.
pub(crate) trait Work: Send {
    /// Does the work in `tx`; says whether it stays.
    fn attempt(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers with the last attempt's result, or with the store's failure.
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
    /// Whether nobody waits for the answer any more.
    fn is_forsaken(&self) -> bool;
    /// When it was asked for.
    fn since(&self) -> Instant;
}

struct Task<F, R, E> {
    work: F,
    result: Option<Result<R, E>>,
    /// Whether the result is the store's failure, and no refusal of the work's own.
    is_store_failure: bool,
    reply: oneshot::Sender<Result<R, E>>,
    since: Instant,
}

impl<F, R, E> Work for Task<F, R, E>
where
    F: Fn(&mut Tx<'_>) -> Result<R, E> + Send,
    R: Send,
    E: From<Error> + Send,
{
    fn attempt(&mut self, tx: &mut Tx<'_>) -> bool {
        // Who asked was told to try again, and will: what it asked for must not be done behind its back.
        if self.is_forsaken() {
            return true;
        }
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)))
            .unwrap_or_else(|_| Err(Error::Panicked.into()));
        let stays = result.is_ok();
        self.is_store_failure = tx.is_troubled();
        self.result = Some(result);
        stays
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let result = match (outcome, self.result) {
            // What the work refused stands, whatever became of the transaction.
            (_, Some(Err(refused))) if !self.is_store_failure => Err(refused),
            (Ok(()), Some(failed @ Err(_))) => failed,
            (Ok(()), Some(done)) => done,
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(Error::Stopped.into()),
        };
        // Who asked may have given up; the work is done all the same.
        drop(self.reply.send(result));
    }

    fn is_forsaken(&self) -> bool {
        self.reply.is_closed()
    }

    fn since(&self) -> Instant {
        self.since
    }
}

/// What the writers are doing; counted from the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Beats {
    waiting: AtomicU64,
    batches: AtomicU64,
    done: AtomicU64,
}

/// What the writers are doing, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Pieces of work that wait for their answer.
    pub waiting: u64,
    /// Transactions that were committed.
    pub batches: u64,
    /// Pieces of work in them.
    pub done: u64,
}

impl Beats {
    /// A transaction with so many pieces of work is committed.
    pub(crate) fn committed(&self, count: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.done
            .fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
    }

    pub(crate) fn pulse(&self) -> Pulse {
        Pulse {
            waiting: self.waiting.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
        }
    }
}

/// Counts one piece of work while it waits, also where who asked gives up.
struct Waits<'b>(&'b Beats);

impl<'b> Waits<'b> {
    fn new(beats: &'b Beats) -> Self {
        beats.waiting.fetch_add(1, Ordering::Relaxed);
        Self(beats)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where work is handed in; closed when it is dropped.
pub(crate) struct Queue {
    sender: mpsc::Sender<Box<dyn Work>>,
    beats: Arc<Beats>,
}

impl Queue {
    /// A queue, and its other end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Box<dyn Work>>) {
        let (sender, receiver) = mpsc::channel();
        let beats = Arc::default();
        (Self { sender, beats }, receiver)
    }

    /// What counts the work.
    pub(crate) fn beats(&self) -> &Arc<Beats> {
        &self.beats
    }

    /// Hands work in and waits for its answer.
    pub(crate) async fn run<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task {
            work,
            result: None,
            is_store_failure: false,
            reply,
            since: now(),
        };
        let _waits = Waits::new(&self.beats);
        self.sender.send(Box::new(task)).map_err(|_| Error::Stopped)?;
        answer.await.unwrap_or_else(|_| Err(Error::Stopped.into()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long work waits is no fact of the directory"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
