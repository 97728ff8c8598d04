//! An identity provider changes a user: PUT and PATCH, deactivation and reactivation among them.

use directory::{ConnectionId, Ctx, Mark, Record, Settings, User};
use scim::{Admitted, Object, Patch};
use serde_json::Value;
use store::Tx;

use super::place::{self, Carries};
use super::{conflicts, record, show};
use crate::Error;

/// Replaces the user's attributes (PUT). What says nothing of `active` or `externalId` changes neither.
///
/// # Errors
/// SCIM's 404; refusals for a missing attribute, a name that is taken, a hold, a full profile.
pub fn replace(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
    sent: &Admitted,
) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = show(tx, ctx, connection, id)?;
    let sent = Sent {
        attributes: sent.attributes.clone(),
        undeclared: &sent.undeclared,
        carries: Carries::Everything,
    };
    write(tx, ctx, &settings, connection, sent, before)
}

/// Changes some of the user's attributes (PATCH), all operations or none.
///
/// # Errors
/// As [`replace`], and those of [`Patch::apply`].
pub fn patch(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
    patch: &Patch,
) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = show(tx, ctx, connection, id)?;
    let patched = patch.apply(&settings.schemas, before.clone().open().shown_attributes())?;
    let mut attributes = patched.attributes;
    // `null` is no word about `active`, and an `externalId` that was taken away on purpose is gone.
    attributes.entry("externalId").or_insert(Value::Null);
    let sent = Sent {
        attributes,
        undeclared: &patched.undeclared,
        carries: Carries::Changes,
    };
    write(tx, ctx, &settings, connection, sent, before)
}

struct Sent<'s> {
    attributes: Object,
    undeclared: &'s Object,
    carries: Carries,
}

fn write(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    connection: ConnectionId,
    sent: Sent<'_>,
    before: Record,
) -> Result<Record, Error> {
    let mut user = before.clone().open();
    let old = user.clone();
    let active = sent.attributes.get("active").and_then(Value::as_bool);
    assign(&mut user, sent.attributes);
    user.facts.connection = Some(connection);
    user.check_required(settings)?;
    conflicts::check(tx, settings, connection, &user, Some(&old))?;
    match active {
        Some(true) => {
            user.facts.lifecycle = user.facts.lifecycle.activate()?;
            if user.facts.lifecycle.status() == directory::Status::Active {
                place::place(ctx, settings, &mut user, sent.undeclared, sent.carries)?;
                place::check_limits(tx, settings, &user.facts, Some(&before.facts))?;
            }
        }
        Some(false) => {
            let purge_days = place::purge_days(settings, &user.facts);
            let mark = Mark {
                by: ctx.actor.name(),
                at: ctx.now,
                purge_days,
            };
            user.facts.lifecycle = user.facts.lifecycle.deactivate(mark);
        }
        None => {}
    }
    let kind = record::kind_of(&before.facts, &user.facts);
    record::changed(tx, ctx, settings, user, before, kind)
}

/// Takes over what was sent. Where it says nothing of `externalId`, the known one stays: a return is found by it.
pub(super) fn assign(user: &mut User, mut attributes: Object) {
    match attributes.get("externalId") {
        Some(Value::Null) => drop(attributes.shift_remove("externalId")),
        Some(_) => {}
        None => {
            if let Some(known) = user.attributes.get("externalId") {
                attributes.insert("externalId".to_owned(), known.clone());
            }
        }
    }
    user.assign(attributes);
}
