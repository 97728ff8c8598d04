//! Writes the provisioning log beside the requests. A request hands in what it has and goes on: it never waits for the log,
//! and where there is too much at once, exchanges are dropped and counted.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Method, Uri};
use directory::{ConnectionId, Exchange, Settings, TenantId, Timestamp};
use jiff::SignedDuration;
use service::exchanges;
use store::log::traffic::Hour;
use store::log::{self, Pass, traffic};
use store::{Store, Tx};
use uuid::Uuid;

use crate::ProvisioningLog;
use crate::clock;
use crate::exchange;
use crate::scim::About;

/// Exchanges that may wait.
const WAITING: usize = 8_192;
/// Bytes of bodies that may wait.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Of successful reads, one in so many is kept.
const SAMPLE: u64 = 100;
/// Exchanges in one transaction.
const BATCH: usize = 500;
/// How long exchanges are gathered: few large transactions cost less than many small ones.
const GATHER: Duration = Duration::from_millis(100);
/// How often there is a look at what else is to do.
const IDLE: Duration = Duration::from_secs(1);
/// How long until what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Seconds between two looks for what is too old.
const SWEEP: i64 = 60;
/// Exchanges that are deleted in one transaction.
const STRIDE: i64 = 2_000;
/// A purge is followed when it is this old: what is about the person may still be on its way.
const SETTLED: SignedDuration = SignedDuration::from_secs(3);
/// And once more when it is this old.
const LATE: SignedDuration = SignedDuration::from_hours(1);
/// Purges that are followed in one transaction.
const PURGES: i64 = 20;
/// How many hours of traffic are kept.
const TRAFFIC_HOURS: i64 = 24 * 90;

/// What a request hands in.
pub(crate) struct Sent {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    /// As they were when the request came.
    pub(crate) settings: Arc<Settings>,
    pub(crate) at: Timestamp,
    pub(crate) took: SignedDuration,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) status: u16,
    pub(crate) address: Option<IpAddr>,
    pub(crate) agent: Option<HeaderValue>,
    pub(crate) about: Option<About>,
    /// Why it was refused, and SCIM's word for that.
    pub(crate) reason: Option<(String, Option<&'static str>)>,
    pub(crate) body: Option<Bytes>,
    /// Its length, also where it is too large to be kept.
    pub(crate) body_bytes: Option<u64>,
}

/// Where requests hand in; clones share it.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Shared>);

struct Shared {
    queue: SyncSender<Sent>,
    /// The queue's other end, until the thread takes it.
    waiting: Mutex<Option<Receiver<Sent>>>,
    bytes: AtomicUsize,
    dropped: AtomicU64,
    waiting_count: AtomicU64,
    dropped_in_all: AtomicU64,
    reads: AtomicU64,
    traffic: Mutex<HashMap<(TenantId, ConnectionId), Hour>>,
    is_over: AtomicBool,
    log: ProvisioningLog,
}

impl Recorder {
    pub(crate) fn new(log: ProvisioningLog) -> Self {
        let (queue, waiting) = sync_channel(WAITING);
        Self(Arc::new(Shared {
            queue,
            waiting: Mutex::new(Some(waiting)),
            bytes: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            waiting_count: AtomicU64::new(0),
            dropped_in_all: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            traffic: Mutex::default(),
            is_over: AtomicBool::new(false),
            log,
        }))
    }

    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.log == ProvisioningLog::Kept
    }

    /// Counts a request; says whether it is to be kept.
    pub(crate) fn count(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        at: Timestamp,
        agent: Option<&HeaderValue>,
        is_read: bool,
        status: u16,
    ) -> bool {
        let is_refused = status >= 400;
        let new = Hour {
            hour: at.as_second().div_euclid(3600),
            calls: 1,
            errors: u64::from(is_refused),
            last: at,
            agent: String::new(),
        };
        let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let mut traffic = self.0.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        match traffic.entry((tenant, connection)) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.calls += 1;
                known.errors += new.errors;
                known.last = at;
                if known.agent != agent {
                    exchange::agent(agent).clone_into(&mut known.agent);
                }
            }
            Entry::Vacant(free) => drop(free.insert(Hour {
                agent: exchange::agent(agent).to_owned(),
                ..new
            })),
        }
        drop(traffic);
        !is_read
            || is_refused
            || self
                .0
                .reads
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(SAMPLE)
    }

    /// Takes an exchange, if there is room.
    pub(crate) fn take(&self, sent: Sent) {
        let bytes = sent.body.as_ref().map_or(0, Bytes::len);
        let has_room = self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= WAITING_BYTES;
        let is_taken = has_room
            && match self.0.queue.try_send(sent) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            };
        if is_taken {
            self.0.waiting_count.fetch_add(1, Ordering::Relaxed);
        } else {
            self.0.dropped_in_all.fetch_add(1, Ordering::Relaxed);
            self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Begins to write, on a thread of its own.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub(crate) fn start(&self, store: Store) -> std::io::Result<Option<JoinHandle<()>>> {
        let waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(waiting) = waiting else {
            return Ok(None);
        };
        let scribe = Scribe {
            recorder: self.clone(),
            store,
            waiting,
            is_behind: false,
            has_warned: false,
            swept: 0,
            forgotten: [None; 2],
        };
        thread::Builder::new()
            .name("provisioning-log".to_owned())
            .spawn(move || scribe.run())
            .map(Some)
    }

    /// How many exchanges wait, and how many were dropped by this node.
    pub(crate) fn queue(&self) -> (u64, u64) {
        let waiting = self.0.waiting_count.load(Ordering::Relaxed);
        (waiting, self.0.dropped_in_all.load(Ordering::Relaxed))
    }

    /// Lets the thread write what waits, and end.
    pub(crate) fn stop(&self) {
        self.0.is_over.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Acquire)
    }
}

struct Scribe {
    recorder: Recorder,
    store: Store,
    waiting: Receiver<Sent>,
    /// Whether there was more than one batch at the last look.
    is_behind: bool,
    /// Whether the node's log says that something is wrong.
    has_warned: bool,
    /// When it last looked for what is too old, in seconds.
    swept: i64,
    /// Up to which event it has forgotten who was purged, in each pass, once it has looked.
    forgotten: [Option<i64>; 2],
}

impl Scribe {
    fn run(mut self) {
        loop {
            let batch = self.next();
            let is_over = self.recorder.is_over();
            self.write(&batch);
            if is_over && batch.is_empty() {
                return;
            }
            match self.look_after() {
                Ok(()) => self.has_warned = false,
                Err(error) if !self.has_warned => {
                    self.has_warned = true;
                    tracing::warn!(%error, "could not look after the provisioning log");
                }
                Err(_) => {}
            }
        }
    }

    /// What waits; nothing where nothing came for a while.
    fn next(&mut self) -> Vec<Exchange> {
        let patience = if self.recorder.is_over() {
            Duration::ZERO
        } else {
            IDLE
        };
        let first = match self.waiting.recv_timeout(patience) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Vec::new(),
        };
        if !self.is_behind && !self.recorder.is_over() {
            thread::sleep(GATHER);
        }
        let sent = std::iter::once(first).chain(self.waiting.try_iter().take(BATCH - 1));
        let batch: Vec<_> = sent
            .map(|sent| {
                let bytes = sent.body.as_ref().map_or(0, Bytes::len);
                self.recorder.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
                self.recorder.0.waiting_count.fetch_sub(1, Ordering::Relaxed);
                exchange::of(sent, &self.store)
            })
            .collect();
        self.is_behind = batch.len() == BATCH;
        batch
    }

    /// Writes a batch, again and again while the database is away; when the server stops, once. What cannot be written for
    /// another reason is dropped alone.
    fn write(&self, batch: &[Exchange]) {
        let shared = &self.recorder.0;
        let traffic = std::mem::take(&mut *shared.traffic.lock().unwrap_or_else(PoisonError::into_inner));
        // Nodes that write the same rows do so in one order.
        let traffic: BTreeMap<_, _> = traffic.into_iter().collect();
        if batch.is_empty() && traffic.is_empty() {
            return;
        }
        let dropped = shared.dropped.swap(0, Ordering::Relaxed);
        let counted = self.persist(|tx| {
            exchanges::record(tx, batch)?;
            for ((tenant, connection), hour) in &traffic {
                traffic::add(tx, *tenant, *connection, hour)?;
            }
            if dropped > 0 {
                log::drop_some(tx, dropped)?;
            }
            Ok(())
        });
        if counted.is_ok() {
            return;
        }
        for exchange in batch {
            if let Err(error) = self.persist(|tx| exchanges::record(tx, std::slice::from_ref(exchange))) {
                tracing::warn!(%error, "an exchange cannot be written, and is dropped");
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Does `work`, again and again while the database is away or busy.
    fn persist(
        &self,
        work: impl Fn(&mut Tx<'_>) -> Result<(), service::Error> + Send + Sync,
    ) -> Result<(), service::Error> {
        let mut has_warned = false;
        loop {
            let written = self.store.write_log(&work);
            let Err(service::Error::Store(error)) = written else {
                return written;
            };
            let may_pass = matches!(
                error,
                store::Error::Away { .. }
                    | store::Error::Busy
                    | store::Error::Stale
                    | store::Error::Full { .. }
                    | store::Error::OutcomeUnknown
            );
            if !may_pass || self.recorder.is_over() {
                return Err(error.into());
            }
            if !has_warned {
                has_warned = true;
                tracing::warn!(%error, "could not write the provisioning log; trying until it can be");
            }
            thread::sleep(AGAIN);
        }
    }

    fn look_after(&mut self) -> Result<(), service::Error> {
        for pass in [Pass::First, Pass::Second] {
            self.follow_purges(pass)?;
        }
        let now = clock::now();
        if now.as_second() - self.swept >= SWEEP && self.sweep(now)? {
            self.swept = now.as_second();
        }
        Ok(())
    }

    /// Takes away what the log holds of those who were purged since the last look.
    fn follow_purges(&mut self, pass: Pass) -> Result<(), service::Error> {
        let (last, now) = (self.store.read(store::events::last)?, clock::now());
        let at = usize::from(pass == Pass::Second);
        let known = match self.forgotten[at] {
            Some(known) => known,
            None => self.store.write_log(|tx| log::forgotten(tx, pass))?,
        };
        self.forgotten[at] = Some(known);
        // A database that was put back begins anew.
        let from = if known > last { 0 } else { known };
        let purged = self
            .store
            .read(|tx| store::events::purged_since(tx, from, PURGES))?;
        let age = if pass == Pass::First { SETTLED } else { LATE };
        let settled: Vec<_> = purged
            .into_iter()
            .take_while(|purged| now.duration_since(purged.at) > age)
            .collect();
        let Some(reached) = settled.last().map(|purged| purged.seq) else {
            return Ok(());
        };
        self.store.write_log(|tx| {
            for purged in &settled {
                exchanges::forget(tx, purged.tenant, purged.user)?;
            }
            Ok::<_, service::Error>(log::set_forgotten(tx, pass, reached)?)
        })?;
        self.forgotten[at] = Some(reached);
        Ok(())
    }

    /// Deletes some of what is older than its tenant keeps, and of tenants that are gone; says whether that was all.
    fn sweep(&self, now: Timestamp) -> Result<bool, service::Error> {
        let tenants = self.store.read(store::settings::tenants)?;
        let (mut is_all, mut after) = (true, [0; 16]);
        while let Some(id) = self.store.write_log(|tx| log::tenant_after(tx, &after))? {
            after = *id.as_bytes();
            let known = tenants.iter().find(|tenant| tenant.id == id);
            let oldest = known.map_or(now, |tenant| {
                let days = SignedDuration::from_hours(24 * i64::from(tenant.log_days));
                now.saturating_sub(days).unwrap_or(Timestamp::MIN)
            });
            let gone = self.store.write_log(|tx| {
                log::refused::sweep(tx, id, oldest)?;
                log::exchanges::sweep(tx, id, first_id_at(oldest), STRIDE)
            })?;
            is_all &= gone < STRIDE.unsigned_abs();
        }
        let oldest = now.as_second().div_euclid(3600) - TRAFFIC_HOURS;
        for tenant in tenants {
            let settings = self.store.read(|tx| service::settings::all(tx, tenant.id))?;
            self.store.write_log(|tx| {
                let mut connections = settings.connections.iter();
                connections.try_for_each(|connection| traffic::sweep(tx, tenant.id, connection.id, oldest))
            })?;
        }
        Ok(is_all)
    }
}

/// The smallest `UUIDv7` of that millisecond.
fn first_id_at(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(u128::from(millis) << 80)
}
