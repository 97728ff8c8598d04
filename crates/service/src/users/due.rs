//! A membership changed, so the mappings decide again: about one at once, about many beside requests.

use directory::{Ctx, Doubt, EventKind, Facts, Mapping, Reclassify, Record, Settings, Status};
use store::users::Scope;
use store::{Tx, due, late, users};

use super::outlook::{Change, Outlook};
use super::place;
use super::record;
use crate::Error;

/// Users in one transaction.
const STRIDE: i64 = 100;

/// Whether a membership can change anybody's place.
pub(crate) fn are_groups_mapped(settings: &Settings) -> bool {
    settings.mappings.iter().any(Mapping::is_for_groups)
}

/// Decides again about a user whose groups changed, if that is for the mappings to do. Somebody whose record cannot be
/// written, such as one that an older program let grow too long, stays as it is: one must not hold up the others.
///
/// # Errors
/// The store's.
pub(crate) fn decide_again(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    before: Record,
    change: Change<'_>,
) -> Result<(), Error> {
    if !is_decided(settings, &before.facts) {
        return Ok(());
    }
    let mut user = before.clone().open();
    let kind = match place::again(tx, ctx, settings, &mut user, change)? {
        Outlook::Admitted => EventKind::UserAdmitted,
        _ => EventKind::UserPlaced,
    };
    match record::changed(tx, ctx, settings, user, before, kind) {
        Err(Error::Store(store::Error::Unreadable { .. }) | Error::Refused(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_decided(settings: &Settings, facts: &Facts) -> bool {
    match facts.lifecycle.status() {
        Status::Held => true,
        Status::Active => settings.tenant.reclassify == Reclassify::OnUpdate,
        Status::Preserved => false,
    }
}

/// Whether a decision about anybody is due.
///
/// # Errors
/// The store's.
pub fn is_any_decision_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<bool, Error> {
    Ok(!due::first(tx, ctx.tenant, ctx.now, 1)?.is_empty())
}

/// Decides about some of those who are due.
///
/// # Errors
/// The store's.
pub fn decide_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), Error> {
    let settings = tx.settings(ctx.tenant)?;
    for user in due::first(tx, ctx.tenant, ctx.now, STRIDE)? {
        due::done(tx, ctx.tenant, user)?;
        if let Some(before) = users::by_id(tx, ctx.tenant, Scope::All, user)? {
            decide_again(tx, ctx, &settings, before, Change::SomeGroups)?;
        }
    }
    Ok(())
}

/// Whether anybody who lost a match is to move now.
///
/// # Errors
/// The store's.
pub fn is_any_move_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<bool, Error> {
    Ok(!late::due(tx, ctx.tenant, ctx.now, 1)?.is_empty())
}

/// Moves some of those who lost a match long enough ago.
///
/// # Errors
/// The store's.
pub fn move_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), Error> {
    let settings = tx.settings(ctx.tenant)?;
    for user in late::due(tx, ctx.tenant, ctx.now, STRIDE)? {
        late::remove(tx, ctx.tenant, user)?;
        if let Some(before) = users::by_id(tx, ctx.tenant, Scope::All, user)? {
            decide_again(tx, ctx, &settings, before, Change::Nothing)?;
        }
        // Where nobody can tell without a request, or mappings no longer decide, the next request does without a wait.
        if let Some(before) = users::by_id(tx, ctx.tenant, Scope::All, user)? {
            wait_no_longer(tx, ctx, &settings, before)?;
        }
    }
    Ok(())
}

fn wait_no_longer(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, before: Record) -> Result<(), Error> {
    if before.facts.placement.doubt != Some(Doubt::Lost) {
        return Ok(());
    }
    let mut user = before.clone().open();
    user.facts.placement.doubt = None;
    match record::changed(tx, ctx, settings, user, before, EventKind::UserPlaced) {
        Err(Error::Store(store::Error::Unreadable { .. }) | Error::Refused(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
