//! An identity provider changes a user: PUT and PATCH, deactivation and reactivation among them.

use directory::{Carries, Cause, ConnectionId, Ctx, Mark, Preservation, Record, Refusal, Settings, User};
use scim::{Admitted, AttributePath, Miss, Object, Patch};
use serde_json::Value;
use store::Tx;

use super::place::{self, Brings};
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
        tells_active: true,
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
    let miss = settings
        .connection(connection)
        .map_or(Miss::Create, |connection| connection.no_target.into());
    let patched = patch.apply(&settings.schemas, before.clone().open().shown_attributes(), miss)?;
    let mut attributes = patched.attributes;
    // `null` is no word about `active`, and an `externalId` that was taken away on purpose is gone.
    attributes.entry("externalId").or_insert(Value::Null);
    let has = |name: &str| patched.touched.iter().any(|touched| touched == name);
    // A display name that is derived follows the name.
    let is_renamed = has("name") || has("username");
    let is_touched = |path: &AttributePath| {
        let name = path.attribute.to_ascii_lowercase();
        has(&name) || (is_renamed && name == "displayname")
    };
    let may_move = settings
        .mappings
        .iter()
        .flat_map(|mapping| mapping.condition.paths())
        .any(is_touched);
    let tells_active = attributes.contains_key("active")
        || (before.clone().open().tells_active && !patch.takes_away("active"));
    let sent = Sent {
        attributes,
        tells_active,
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
    tells_active: bool,
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
    user.tells_active = sent.tells_active;
    keep_the_person(ctx, settings, &old, &mut user)?;
    user.facts.manage_by(connection);
    user.user_name()?;
    // What was missing before is no reason to refuse a change, which may be a leaver's.
    if old.check_required(settings).is_ok() {
        user.check_required(settings)?;
    }
    let says = match active {
        Some(false) => Says::Leaves,
        _ => Says::Stays,
    };
    check_names(tx, settings, &mut user, &old, says)?;
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
    place::seat(tx, ctx, settings, &mut user, Some(&old), sent.brings)?;
    let kind = record::kind_of(&before.facts, &user.facts);
    record::changed(tx, ctx, settings, user, before, kind)
}

/// What a request says of the user beside the attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Leaves,
    Stays,
}

/// Refuses names that are another's. Preserving is never blocked: a leaver keeps the names that it had instead.
fn check_names(
    tx: &mut Tx<'_>,
    settings: &Settings,
    user: &mut User,
    old: &User,
    says: Says,
) -> Result<(), Error> {
    loop {
        let taken = match conflicts::check(tx, settings, user, Some(old)) {
            Err(Error::Refused(refusal)) if says == Says::Leaves => refusal,
            checked => return checked,
        };
        let name = match taken {
            Refusal::UserNameTaken { .. } => "userName",
            Refusal::ExternalIdTaken { .. } => "externalId",
            Refusal::EmailTaken { .. } => "emails",
            other => return Err(other.into()),
        };
        let known = old
            .attributes
            .get(name)
            .filter(|&known| Some(known) != user.attributes.get(name));
        match known.cloned() {
            Some(known) => drop(user.attributes.insert(name.to_owned(), known)),
            None if user.attributes.shift_remove(name).is_some() && name != "userName" => {}
            None => return Err(taken.into()),
        }
    }
}

/// A preserved account stays its person's: its externalId can neither be changed nor taken away, since the name may have
/// been given to somebody else.
///
/// # Errors
/// [`Refusal::DifferentPerson`].
fn keep_the_person(ctx: &Ctx, settings: &Settings, old: &User, user: &mut User) -> Result<(), Refusal> {
    // One who never was active has nothing yet that could come to somebody else.
    let is_account = |preservation: &Preservation| preservation.cause != Cause::Staged;
    if !old.facts.lifecycle.preservation().is_some_and(is_account) {
        return Ok(());
    }
    if let Some(different) = conflicts::another_person(ctx, settings, old, user) {
        return Err(different.refusal(old.user_name()?));
    }
    if user.external_id().is_none()
        && let Some(known) = old.attributes.get("externalId")
    {
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
