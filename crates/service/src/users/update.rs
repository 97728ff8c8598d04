//! An identity provider changes a user: PUT and PATCH, deactivation and reactivation among them.

use directory::{ConnectionId, Ctx, Mark, Record, Refusal, Settings, Status, User};
use scim::{Admitted, AttributePath, Object, Patch};
use serde_json::Value;
use store::Tx;

use super::place::{self, Brings, Carries};
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
        brings: Brings {
            undeclared: &sent.undeclared,
            carries: Carries::Everything,
            may_move: true,
        },
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
    let is_touched = |path: &AttributePath| patched.touched.contains(&path.attribute.to_ascii_lowercase());
    let may_move = settings
        .mappings
        .iter()
        .flat_map(|mapping| mapping.condition.paths())
        .any(is_touched);
    let sent = Sent {
        attributes,
        brings: Brings {
            undeclared: &patched.undeclared,
            carries: Carries::Changes,
            may_move,
        },
    };
    write(tx, ctx, &settings, connection, sent, before)
}

struct Sent<'s> {
    attributes: Object,
    brings: Brings<'s>,
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
    keep_the_person(&old, &mut user)?;
    user.facts.connection = Some(connection);
    user.user_name()?;
    // What was missing before is no reason to refuse a change, which may be a leaver's.
    if old.check_required(settings).is_ok() {
        user.check_required(settings)?;
    }
    conflicts::check(tx, settings, &user, Some(&old))?;
    match active {
        Some(true) => user.facts.lifecycle = user.facts.lifecycle.activate()?,
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
    place::seat(tx, ctx, settings, &mut user, Some(&before.facts), sent.brings)?;
    let kind = record::kind_of(&before.facts, &user.facts);
    record::changed(tx, ctx, settings, user, before, kind)
}

/// A preserved account stays its person's: its externalId can neither be changed nor taken away, since the name may have
/// been given to somebody else.
///
/// # Errors
/// [`Refusal::DifferentPerson`].
fn keep_the_person(old: &User, user: &mut User) -> Result<(), Refusal> {
    if old.facts.lifecycle.status() != Status::Preserved || old.facts.connection.is_none() {
        return Ok(());
    }
    if let Some(different) = conflicts::different_ids(old, user) {
        return Err(different.refusal(old.user_name()?));
    }
    if let Some(known) = old.attributes.get("externalId") {
        user.attributes.insert("externalId".to_owned(), known.clone());
    }
    Ok(())
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
