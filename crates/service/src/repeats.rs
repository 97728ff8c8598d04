//! A request that is sent again with the same `Idempotency-Key` is not carried out again.

use directory::Timestamp;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use store::Tx;
use store::repeats::Key;

use crate::Error;

/// For how long a key stands for its request.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// One request of one caller.
#[derive(Debug, Clone)]
pub struct Repeat {
    key: Key,
    /// What it asks for.
    request: [u8; 32],
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: it is the caller's to carry out.
    New,
    /// The key stands for another one.
    Other,
    /// It is being carried out, or the server stopped while it was.
    UnderWay,
    /// It was answered, and the answer was taken away since: somebody was purged, and might have stood in it.
    Forgotten,
    /// It was answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
}

impl Repeat {
    /// The request for `path` with this body.
    pub fn of(key: Key, path: &str, body: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(path.as_bytes());
        digest.update([0]);
        digest.update(body);
        Self {
            key,
            request: digest.finalize().into(),
        }
    }
}

/// Looks what is known of the request, and claims it where that is nothing.
///
/// # Errors
/// The store's.
pub fn claim(tx: &mut Tx<'_>, of: &Repeat, now: Timestamp) -> Result<Seen, Error> {
    let oldest = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    let known = store::repeats::get(tx, &of.key)?;
    let seen = match known.filter(|known| known.at > oldest) {
        None => {
            // Somebody may be quicker on another node.
            if store::repeats::put(tx, &of.key, &of.request, now, oldest)? {
                Seen::New
            } else {
                Seen::UnderWay
            }
        }
        Some(known) if known.request != of.request => Seen::Other,
        Some(known) => match known.answer {
            None => Seen::UnderWay,
            Some((_, body)) if body == store::repeats::FORGOTTEN => Seen::Forgotten,
            Some((status, body)) => Seen::Answered { status, body },
        },
    };
    Ok(seen)
}

/// Keeps the answer.
///
/// # Errors
/// The store's.
pub fn keep(tx: &mut Tx<'_>, of: &Repeat, status: u16, body: &str) -> Result<(), Error> {
    Ok(store::repeats::answer(tx, &of.key, status, body)?)
}

/// Forgets a request that changed nothing.
///
/// # Errors
/// The store's.
pub fn release(tx: &mut Tx<'_>, of: &Repeat) -> Result<(), Error> {
    Ok(store::repeats::remove(tx, &of.key)?)
}

/// Forgets what is older than a day.
///
/// # Errors
/// The store's.
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let oldest = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    Ok(store::repeats::sweep(tx, oldest)?)
}
