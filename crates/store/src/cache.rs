//! What this process remembers of settings and tokens, each thing with the generation that it belongs to.
//!
//! A transaction uses what it finds here only for the generation that it sees itself. A request's token alone may be
//! judged by a generation that was looked up a moment ago; a change made by this process ends that moment at once, one
//! made elsewhere within [`MOMENT`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use directory::{Settings, TenantId, Timestamp, TokenHash};
use jiff::SignedDuration;

use crate::tokens::Credential;

/// For how long a generation counts as the present one without another look.
const MOMENT: SignedDuration = SignedDuration::from_millis(200);

#[derive(Default)]
pub(crate) struct Cache {
    settings: Remembered<TenantId, Settings>,
    credentials: Remembered<TokenHash, Credential>,
    seen: Mutex<Seen>,
}

type Remembered<K, V> = RwLock<HashMap<K, (i64, Arc<V>)>>;

/// The last look at the generation.
#[derive(Default)]
struct Seen {
    /// The generation and when it was seen; `None` after a change.
    last: Option<(i64, Timestamp)>,
    /// Counts this process's changes, so that a look begun before one is not taken for a look after it.
    changes: u64,
}

impl Cache {
    pub(crate) fn settings(&self, tenant: TenantId, generation: i64) -> Option<Arc<Settings>> {
        remembered(&self.settings, &tenant, generation)
    }

    pub(crate) fn keep_settings(&self, tenant: TenantId, generation: i64, settings: &Arc<Settings>) {
        keep(&self.settings, tenant, generation, settings);
    }

    pub(crate) fn credential(&self, hash: TokenHash, generation: i64) -> Option<Arc<Credential>> {
        remembered(&self.credentials, &hash, generation)
    }

    pub(crate) fn keep_credential(&self, hash: TokenHash, generation: i64, credential: &Arc<Credential>) {
        keep(&self.credentials, hash, generation, credential);
    }

    /// The generation that was seen a moment before `now`, if there was a look.
    pub(crate) fn recent_generation(&self, now: Timestamp) -> Option<i64> {
        let (generation, at) = self.seen().last?;
        (at <= now && now.duration_since(at) < MOMENT).then_some(generation)
    }

    /// To be asked before a look, and handed to [`Cache::saw`] after it.
    pub(crate) fn changes(&self) -> u64 {
        self.seen().changes
    }

    /// Notes a look at the generation, unless this process has changed it since.
    pub(crate) fn saw(&self, generation: i64, at: Timestamp, changes: u64) {
        let mut seen = self.seen();
        if seen.changes == changes {
            seen.last = Some((generation, at));
        }
    }

    /// This process has changed settings or tokens.
    pub(crate) fn changed(&self) {
        let mut seen = self.seen();
        seen.changes += 1;
        seen.last = None;
    }

    /// Forgets everything: the database may be another one now, with the same numbers for other things.
    pub(crate) fn forget(&self) {
        self.settings
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.credentials
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.changed();
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remembered<K: Hash + Eq, V>(map: &Remembered<K, V>, key: &K, generation: i64) -> Option<Arc<V>> {
    let map = map.read().unwrap_or_else(PoisonError::into_inner);
    map.get(key)
        .filter(|(of, _)| *of == generation)
        .map(|(_, value)| Arc::clone(value))
}

fn keep<K: Hash + Eq, V>(map: &Remembered<K, V>, key: K, generation: i64, value: &Arc<V>) {
    let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
    // A reader on an older state must not put the past back.
    if map.get(&key).is_none_or(|(of, _)| *of <= generation) {
        map.insert(key, (generation, Arc::clone(value)));
    }
}
