//! An administrator preserves a user, or ends a preservation.

use directory::{Ctx, EventKind, Mark, Override, Record, Refusal, Settings, Status, UserId};
use scim::Object;
use store::Tx;
use store::users::{Scope, by_id};

use super::place::{self, Carries};
use super::record;
use crate::Error;

/// Preserves the account, whatever the identity provider says later.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn preserve(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    let mark = Mark {
        by: ctx.actor.name(),
        at: ctx.now,
        purge_days: place::purge_days(&settings, &user.facts),
    };
    user.facts.lifecycle = user.facts.lifecycle.preserve(mark);
    record::changed(tx, ctx, &settings, user, before, EventKind::UserPreserved)
}

/// Ends a preservation. Where the identity provider itself says inactive, the account stays preserved unless `over`
/// overrides it.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::InactiveInIdp`], [`Refusal::NeverPlaced`], and the limits'.
pub fn activate(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId, over: Override) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    user.facts.lifecycle = user.facts.lifecycle.release(over)?;
    if user.facts.lifecycle.status() == Status::Active {
        place::place(ctx, &settings, &mut user, &Object::new(), Carries::Changes)
            .map_err(|_| Refusal::NeverPlaced { reason: "inactive" })?;
        place::check_limits(tx, &settings, &user.facts, Some(&before.facts))?;
    }
    record::changed(tx, ctx, &settings, user, before, EventKind::UserActivated)
}

/// A user's connection is removed: nobody manages it from now on.
pub(crate) fn release(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, before: Record) -> Result<(), Error> {
    let mut user = before.clone().open();
    user.facts.connection = None;
    record::changed(tx, ctx, settings, user, before, EventKind::UserReleased).map(drop)
}

fn existing(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId) -> Result<Record, Error> {
    let unknown = || Refusal::Unknown {
        thing: directory::Thing::User,
        name: id.to_string(),
        known: Vec::new(),
    };
    Ok(by_id(tx, ctx.tenant, Scope::All, id)?.ok_or_else(unknown)?)
}
