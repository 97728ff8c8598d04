//! An administrator preserves a user, or ends a preservation.

use directory::{
    Ctx, EventKind, Lifecycle, Mark, NameClaim, Override, Record, Refusal, Settings, Status, UserId,
};
use store::Tx;
use store::users::{Scope, by_id};

use super::purge::check_purged;
use super::{conflicts, place, record};
use crate::Error;
use crate::settings::named;

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
    let provider = user.facts.connection.and_then(|id| settings.connection(id));
    let mark = Mark {
        by: provider.map_or(ctx.actor.name(), |provider| provider.name.as_str()),
        at: ctx.now,
        purge_days: 0,
    };
    user.facts.lifecycle = match provider {
        Some(_) => user.facts.lifecycle.release(over, mark)?,
        // Nobody speaks for a manual user, so there is no word to override.
        None => user
            .facts
            .lifecycle
            .release(Override::UntilNextWord, mark)?
            .unmanaged(),
    };
    if user.facts.lifecycle.is_visible() && !before.facts.lifecycle.is_visible() {
        conflicts::check(tx, &settings, &user, None)?;
    }
    if before.facts.lifecycle.status() == Status::Held {
        user.facts.lifecycle = before.facts.lifecycle.clone();
        place::admit(tx, ctx, &settings, &mut user)?;
        if let Lifecycle::Held { wait, .. } = user.facts.lifecycle {
            return Err(Refusal::StillHeld { wait }.into());
        }
    }
    if user.facts.lifecycle.status() == Status::Active {
        place::demand_seat(tx, ctx, &settings, &mut user, &before.facts)?;
    }
    record::changed(tx, ctx, &settings, user, before, EventKind::UserActivated)
}

/// Puts a user under another connection, which manages it from now on.
///
/// # Errors
/// [`Refusal::Unknown`]; [`Refusal::ExternalIdTaken`] where the connection has a user with that externalId.
pub fn transfer(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId, to: &str) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let connection = named(&settings.connections, to)?.id;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    user.facts.manage_by(connection);
    if user.facts.lifecycle.is_visible() {
        conflicts::check(tx, &settings, &user, None)?;
    }
    if user.facts.lifecycle.status() == Status::Held {
        place::admit(tx, ctx, &settings, &mut user)?;
    }
    record::changed(tx, ctx, &settings, user, before, EventKind::UserTransferred)
}

/// Whom a recycled name belongs to, in an administrator's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// The preserved account's: the identity provider gave the person a new externalId.
    Same,
    /// Somebody else's: the preserved account gives up its name.
    Another,
}

/// Settles whom the name of a preserved user belongs to; the identity provider's next create then goes through.
///
/// # Errors
/// [`Refusal::Unknown`]; [`Refusal::NotPreserved`] where there is nothing to settle.
pub fn resolve(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId, person: Person) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    let is_visible = user.facts.lifecycle.is_visible();
    if user.facts.lifecycle.status() != Status::Preserved {
        return Err(Refusal::NotPreserved { id: id.to_string() }.into());
    }
    match person {
        Person::Same => {
            if !is_visible {
                conflicts::check(tx, &settings, &user, None)?;
                user.facts.name_claim = NameClaim::Kept;
            }
            user.attributes.shift_remove("externalId");
        }
        Person::Another => {
            user.facts.name_claim = NameClaim::GivenUp;
            let mark = Mark {
                by: ctx.actor.name(),
                at: ctx.now,
                purge_days: place::purge_days(&settings, &user.facts),
            };
            user.facts.lifecycle = user.facts.lifecycle.delete(mark);
        }
    }
    record::changed(tx, ctx, &settings, user, before, EventKind::UserResolved)
}

/// A user's connection is removed: nobody manages it from now on.
pub(crate) fn release(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, before: Record) -> Result<(), Error> {
    let mut user = before.clone().open();
    user.facts.connection = None;
    if user.facts.lifecycle.is_visible() {
        user.facts.lifecycle = user.facts.lifecycle.unmanaged();
    }
    record::changed(tx, ctx, settings, user, before, EventKind::UserReleased).map(drop)
}

/// The user with this id.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::Purged`].
pub(super) fn existing(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId) -> Result<Record, Error> {
    let unknown = || Refusal::Unknown {
        thing: directory::Thing::User,
        name: id.to_string(),
        known: Vec::new(),
    };
    if let Some(record) = by_id(tx, ctx.tenant, Scope::All, id)? {
        return Ok(record);
    }
    check_purged(tx, ctx.tenant, id)?;
    Err(unknown().into())
}
