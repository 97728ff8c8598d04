//! Group commit: each writer takes the work that waits into one durable transaction and answers it after the commit.
//!
//! A refusal comes before the first write, so it needs no savepoint. A batch that clashes with another node's, or that
//! one piece of work spoils, is replayed one by one, each in a transaction of its own and a bounded number of times. A
//! batch whose connection was lost before its commit was sent is done again when the database is back; one whose commit
//! was sent is not, for nobody knows what became of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::link::{Company, Link, Trouble};
use super::url::PostgresUrl;
use super::{AGAIN, IdleLinks, PATIENCE};
use crate::cache::Cache;
use crate::tx::Driver;
use crate::work::{Beats, Pulse, Queue, Work};
use crate::{Error, Tx};

/// Writers of a node; each has a connection.
const WRITERS: usize = 4;
/// The most work in one transaction.
const BATCH: usize = 32;
/// How often work that clashes is tried.
const ATTEMPTS: u32 = 10;

type Waiting = Arc<Mutex<mpsc::Receiver<Box<dyn Work>>>>;

/// The writers of a node.
pub(super) struct Writers {
    /// `None` once they are being dropped.
    queue: Option<Queue>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Writers {
    pub(super) fn start(
        url: &PostgresUrl,
        cache: &Arc<Cache>,
        readers: &Arc<IdleLinks>,
    ) -> Result<Self, Error> {
        let (queue, waiting) = Queue::new();
        let waiting = Arc::new(Mutex::new(waiting));
        let is_away = Arc::new(AtomicBool::new(false));
        let beats = Arc::clone(queue.beats());
        let start = |number| {
            let mut writer = Writer {
                beats: Arc::clone(&beats),
                is_away: Arc::clone(&is_away),
                url: url.clone(),
                cache: Arc::clone(cache),
                readers: Arc::clone(readers),
                waiting: Arc::clone(&waiting),
                link: None,
            };
            thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn(move || writer.serve())
                .map_err(|_| Error::Stopped)
        };
        Ok(Self {
            queue: Some(queue),
            threads: (1..=WRITERS).map(start).collect::<Result<_, _>>()?,
        })
    }

    /// What they are doing.
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

/// What waits is still done.
impl Drop for Writers {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

struct Writer {
    /// Counts what it commits.
    beats: Arc<Beats>,
    /// Whether the node's log says that the database is away.
    is_away: Arc<AtomicBool>,
    url: PostgresUrl,
    cache: Arc<Cache>,
    /// Connections that can be spared.
    readers: Arc<IdleLinks>,
    waiting: Waiting,
    /// `None` until the first work, and after a loss.
    link: Option<Link>,
}

/// What became of a transaction.
enum Outcome {
    Committed,
    /// Nothing stays, and it may be tried again.
    Clash,
    /// Nothing stays: the connection was lost before the commit was sent.
    Lost,
    /// Nothing stays.
    Failed(Error),
    /// Nobody knows.
    Unknown,
}

impl Writer {
    /// Ends when the [`Writers`] are dropped; what waits then is still done.
    fn serve(&mut self) {
        while let Some(batch) = self.next() {
            self.carry_out(batch);
        }
    }

    /// The work that waits, at least one.
    fn next(&self) -> Option<Vec<Box<dyn Work>>> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = vec![waiting.recv().ok()?];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        Some(batch)
    }

    fn carry_out(&mut self, mut batch: Vec<Box<dyn Work>>) {
        loop {
            let company = if batch.len() == 1 {
                Company::Nobody
            } else {
                Company::Batch
            };
            let mut aside = Vec::new();
            match self.together(&mut batch, &mut aside, company) {
                Outcome::Committed => {
                    self.beats.committed(batch.len());
                    answer(batch, || Ok(()));
                }
                Outcome::Unknown => answer(batch, || Err(Error::OutcomeUnknown)),
                Outcome::Lost => {
                    batch.append(&mut aside);
                    batch = outlast(batch);
                    if batch.is_empty() {
                        return;
                    }
                    continue;
                }
                Outcome::Clash | Outcome::Failed(_) => {
                    for work in batch {
                        self.carry_out_alone(work);
                    }
                }
            }
            for work in aside {
                self.carry_out_alone(work);
            }
            return self.keep_statistics();
        }
    }

    fn carry_out_alone(&mut self, work: Box<dyn Work>) {
        let (mut alone, mut aside) = (vec![work], Vec::new());
        let (mut attempt, mut company) = (0, Company::Nobody);
        loop {
            match self.together(&mut alone, &mut aside, company) {
                // It changes settings.
                Outcome::Committed if !aside.is_empty() => {
                    alone.append(&mut aside);
                    company = Company::NobodyAtAll;
                }
                Outcome::Committed => {
                    self.beats.committed(1);
                    return answer(alone, || Ok(()));
                }
                Outcome::Unknown => return answer(alone, || Err(Error::OutcomeUnknown)),
                Outcome::Lost => {
                    alone.append(&mut aside);
                    alone = outlast(alone);
                }
                Outcome::Clash if attempt < ATTEMPTS => {
                    attempt += 1;
                    thread::sleep(Duration::from_millis(fastrand::u64(0..1 << attempt)));
                    alone = still_waiting(alone);
                }
                Outcome::Clash => return answer(alone, || Err(Error::Busy)),
                Outcome::Failed(error) => {
                    let mut error = Some(error);
                    return answer(alone, || Err(error.take().unwrap_or(Error::Stopped)));
                }
            }
            if alone.is_empty() {
                return;
            }
        }
    }

    /// One transaction around the whole batch; work that wants one of its own is put aside.
    fn together(
        &mut self,
        batch: &mut Vec<Box<dyn Work>>,
        aside: &mut Vec<Box<dyn Work>>,
        company: Company,
    ) -> Outcome {
        let mut link = match self
            .link
            .take()
            .map_or_else(|| Link::connect_to_write(&self.url), Ok)
        {
            Ok(link) => link,
            Err(error) => {
                self.readers.close();
                self.say_away(&error.to_string());
                return Outcome::Lost;
            }
        };
        let done = transact(&mut link, &self.cache, batch, aside, company);
        let outcome = match (done, link.trouble()) {
            (Ok(()), _) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::warn!("the database is back");
                }
                Outcome::Committed
            }
            (Err(Error::OutcomeUnknown), _) => Outcome::Unknown,
            (_, Some(Trouble::Lost(reason))) => {
                self.say_away(reason);
                Outcome::Lost
            }
            (_, Some(Trouble::Clash)) | (Err(Error::Stale), _) => Outcome::Clash,
            (Err(error), _) => Outcome::Failed(error),
        };
        let is_whole = match outcome {
            Outcome::Committed => true,
            Outcome::Clash | Outcome::Failed(_) => link.rollback().is_ok(),
            Outcome::Lost | Outcome::Unknown => false,
        };
        if is_whole {
            self.link = Some(link);
        }
        outcome
    }

    /// Between two batches, when the answers are out.
    fn keep_statistics(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.keep_statistics();
            self.link = Some(link).filter(|link| link.lost().is_none());
        }
    }

    /// Says once that the database is away, and why.
    fn say_away(&self, reason: &str) {
        self.cache.forget();
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::error!(reason, "the database is away; requests wait for it");
        }
    }
}

/// Waits a moment for the database to be back; gives the work that still waits then.
fn outlast(batch: Vec<Box<dyn Work>>) -> Vec<Box<dyn Work>> {
    thread::sleep(AGAIN);
    still_waiting(batch)
}

/// The work whose answer somebody still waits for; what has waited too long is told so.
fn still_waiting(batch: Vec<Box<dyn Work>>) -> Vec<Box<dyn Work>> {
    let (late, waiting): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .filter(|work| !work.is_forsaken())
        .partition(|work| work.since().elapsed() > PATIENCE);
    answer(late, || {
        Err(Error::Away {
            reason: "the database did not come back in time".to_owned(),
        })
    });
    waiting
}

fn answer(batch: Vec<Box<dyn Work>>, mut outcome: impl FnMut() -> Result<(), Error>) {
    for work in batch {
        work.answer(outcome());
    }
}

/// Does the work of the batch and commits it. An error says that the transaction is spoilt, or its outcome unknown.
fn transact(
    link: &mut Link,
    cache: &Cache,
    batch: &mut Vec<Box<dyn Work>>,
    aside: &mut Vec<Box<dyn Work>>,
    company: Company,
) -> Result<(), Error> {
    link.begin_to_write(company)?;
    let mut tx = Tx::new(Driver::Postgres(link), cache);
    let mut at = 0;
    while at < batch.len() {
        if batch[at].attempt(&mut tx) {
            tx.keep();
            at += 1;
            continue;
        }
        let wrote = tx.give_up();
        if tx.is_troubled() || (wrote && company == Company::Batch) {
            return Err(Error::Stale);
        }
        if wrote {
            return Err(Error::Panicked);
        }
        if tx.wants_alone() {
            aside.push(batch.remove(at));
        } else {
            at += 1;
        }
    }
    tx.flush()?;
    let changed_settings = tx.has_changed_settings();
    link.commit()?;
    if changed_settings {
        cache.changed();
    }
    Ok(())
}
