//! The one place that reads the system's clock and randomness; everything below gets them as data.

use directory::{Actor, Ctx, Ids, Secret, TenantId, Timestamp};
use uuid::Uuid;

/// The time that counts.
#[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A fresh `UUIDv7`.
#[expect(clippy::disallowed_methods, reason = "this is where chance comes in")]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// A fresh token.
///
/// # Errors
/// Where the system has no randomness.
pub fn fresh_secret() -> Result<Secret, getrandom::Error> {
    bits().map(Secret::from_random)
}

/// A fresh invitation.
///
/// # Errors
/// Where the system gives no randomness.
pub fn fresh_invitation() -> Result<Secret, getrandom::Error> {
    bits().map(Secret::invitation_from_random)
}

/// A fresh secret of a session.
///
/// # Errors
/// Where the system gives no randomness.
pub(crate) fn fresh_session() -> Result<Secret, getrandom::Error> {
    bits().map(Secret::session_from_random)
}

/// A fresh API key.
///
/// # Errors
/// Where the system gives no randomness.
pub fn fresh_key() -> Result<Secret, getrandom::Error> {
    bits().map(Secret::key_from_random)
}

fn bits() -> Result<[u8; 32], getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(bits)
}

/// What a request by `actor` brings along.
pub fn context(actor: Actor, tenant: TenantId) -> Ctx {
    context_of(fresh_id(), actor, tenant)
}

/// What the request with this number brings along: the ids that it gives out come after its own.
pub(crate) fn context_of(request_id: Uuid, actor: Actor, tenant: TenantId) -> Ctx {
    let ids = Ids::from(request_id);
    Ctx {
        now: now(),
        actor,
        tenant,
        request_id: ids.first(),
        ids: ids.after(),
    }
}
