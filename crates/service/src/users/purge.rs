//! The end: a preserved user whose date has passed, or one whom an administrator deletes with a reason, is removed
//! everywhere; a tombstone with the id, the dates and the reason stays.

use directory::{Ctx, Event, EventKind, Facts, Record, Refusal, TenantId, UserId, rfc3339};
use serde_json::json;
use store::Tx;
use store::tombstones;

use super::administrate::existing;
use super::record;
use crate::Error;

/// Users in one transaction.
const STRIDE: i64 = 50;
/// How long a reason is, in characters.
const REASON: std::ops::RangeInclusive<usize> = 10..=150;

/// Whether a user may be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegalHold {
    /// No, neither by date nor by hand.
    Placed,
    /// Yes.
    Lifted,
}

/// Places a user under a legal hold, or lifts it.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn set_legal_hold(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId, hold: LegalHold) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    user.facts.legal_hold = hold == LegalHold::Placed;
    record::changed(tx, ctx, &settings, user, before, EventKind::UserLegalHold)
}

/// Removes a user for good, for a `reason` of 10 to 150 characters.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::BadReason`], [`Refusal::LegalHold`].
pub fn purge(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId, reason: &str) -> Result<(), Error> {
    let reason = reason.trim();
    if !REASON.contains(&reason.chars().count()) {
        return Err(Refusal::BadReason.into());
    }
    let facts = existing(tx, ctx, id)?.facts;
    if facts.legal_hold {
        return Err(Refusal::LegalHold { id: id.to_string() }.into());
    }
    remove(tx, ctx, &facts, reason)
}

/// Removes preserved users whose date has passed; gives how many, at most a stride. While an alarm is on, that is nobody.
pub fn purge_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<usize, Error> {
    if !crate::alarms::all(tx, ctx)?.is_empty() {
        return Ok(0);
    }
    let due = store::users::due(tx, ctx.tenant, ctx.now, STRIDE)?;
    for record in &due {
        remove(tx, ctx, &record.facts, "its purge date has passed")?;
    }
    Ok(due.len())
}

/// Whether anybody's date has passed, and no alarm is on.
pub fn is_anybody_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<bool, Error> {
    let is_due = !store::users::due(tx, ctx.tenant, ctx.now, 1)?.is_empty();
    Ok(is_due && crate::alarms::all(tx, ctx)?.is_empty())
}

/// Says of an id that nobody has why that is, if there was a user.
pub(super) fn check_purged(tx: &mut Tx<'_>, tenant: TenantId, id: UserId) -> Result<(), Error> {
    match tombstones::by_id(tx, tenant, id)? {
        Some(tombstone) => Err(Refusal::Purged {
            id: id.to_string(),
            at: rfc3339(tombstone.purged),
            by: tombstone.by,
            reason: tombstone.reason,
        }
        .into()),
        None => Ok(()),
    }
}

fn remove(tx: &mut Tx<'_>, ctx: &Ctx, facts: &Facts, reason: &str) -> Result<(), Error> {
    store::users::remove(tx, ctx.tenant, facts)?;
    store::late::remove(tx, ctx.tenant, facts.id)?;
    store::repeats::forget(tx, ctx.tenant)?;
    tombstones::insert(tx, ctx, facts, reason)?;
    let data = json!({"user": {"id": facts.id}, "reason": reason}).to_string();
    tx.append(
        ctx,
        Event {
            kind: EventKind::UserPurged,
            user: Some(facts.id),
            data,
        },
    );
    Ok(())
}
