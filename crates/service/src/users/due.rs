//! A membership changed, so the mappings decide again: about one at once, about many beside requests.

use directory::{Ctx, EventKind, Facts, Mapping, Reclassify, Record, Settings, Status};
use store::due;
use store::users::Scope;
use store::{Tx, users};

use super::place::{self, Outlook};
use super::record;
use crate::Error;

/// Users in one transaction.
const STRIDE: i64 = 100;

/// Whether a membership can change anybody's place.
pub(crate) fn are_groups_mapped(settings: &Settings) -> bool {
    settings.mappings.iter().any(Mapping::is_for_groups)
}

/// Decides again about a user whose groups changed, if that is for the mappings to do.
pub(crate) fn decide_again(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    before: Record,
) -> Result<(), Error> {
    if !is_decided(settings, &before.facts) {
        return Ok(());
    }
    let mut user = before.clone().open();
    let kind = match place::again(tx, ctx, settings, &mut user)? {
        Outlook::Admitted => EventKind::UserAdmitted,
        _ => EventKind::UserPlaced,
    };
    record::changed(tx, ctx, settings, user, before, kind)?;
    Ok(())
}

fn is_decided(settings: &Settings, facts: &Facts) -> bool {
    match facts.lifecycle.status() {
        Status::Held => true,
        Status::Active => settings.tenant.reclassify == Reclassify::OnUpdate,
        Status::Preserved => false,
    }
}

/// Whether a decision about anybody is due.
pub fn is_any_decision_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<bool, Error> {
    Ok(!due::first(tx, ctx.tenant, 1)?.is_empty())
}

/// Decides about some of those who are due.
///
/// # Errors
/// The store's.
pub fn decide_due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), Error> {
    let settings = tx.settings(ctx.tenant)?;
    for due in due::first(tx, ctx.tenant, STRIDE)? {
        if let Some(before) = users::by_id(tx, ctx.tenant, Scope::All, due.user)? {
            decide_again(tx, ctx, &settings, before)?;
        }
        due::done(tx, ctx.tenant, due)?;
    }
    Ok(())
}
