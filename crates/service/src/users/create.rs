//! An identity provider creates a user, who may be new, known, or back again.

use directory::{
    Carries, ConnectionId, Ctx, Facts, IdpState, Lifecycle, Mark, NameClaim, Placement, Record, Refusal,
    Settings, Status, User, UserId,
};
use scim::{Admitted, Object};
use serde_json::Value;
use store::Tx;
use store::users::{Known, Names};

use super::conflicts::{another_person, different_ids};
use super::place::{self, Brings};
use super::{conflicts, record};
use crate::Error;

/// Creates the user, or brings back the preserved one that is meant: by `externalId` first, else by `userName`.
///
/// # Errors
/// [`Refusal`]s for a missing attribute, a name that is taken, no matching mapping, a full profile, and a hold.
pub fn create(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    sent: &Admitted,
) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let mut user = blank(ctx, Some(connection), first_state(ctx, &sent.attributes));
    user.assign(sent.attributes.clone());
    user.check_required(&settings)?;
    let user_name = Facts::key_of(user.user_name()?);
    let email = user.email().map(Facts::key_of);
    let names = Names {
        user_name: &user_name,
        external_id: user.external_id(),
        email: email.as_deref(),
    };
    let known = store::users::known(tx, ctx.tenant, connection, names)?;
    match meant(ctx, &settings, connection, &user, known)? {
        Some(before) => bring_back(tx, ctx, &settings, connection, sent, before),
        None => join(tx, ctx, &settings, user, &sent.undeclared),
    }
}

/// What the identity provider says of somebody new.
fn first_state(ctx: &Ctx, attributes: &Object) -> Lifecycle {
    if attributes.get("active") == Some(&Value::Bool(false)) {
        Lifecycle::staged(Mark {
            by: ctx.actor.name(),
            at: ctx.now,
            purge_days: 0,
        })
    } else {
        Lifecycle::joined()
    }
}

/// A user who is nobody yet.
pub(super) fn blank(ctx: &Ctx, connection: Option<ConnectionId>, lifecycle: Lifecycle) -> User {
    let facts = Facts {
        id: UserId::from(ctx.ids.first()),
        connection,
        account_name: String::new(),
        display_name_derived: true,
        lifecycle,
        legal_hold: false,
        name_claim: NameClaim::Kept,
        in_groups: false,
        placement: Placement::default(),
        version: 1,
        created: ctx.now,
        modified: ctx.now,
    };
    User {
        facts,
        attributes: Object::new(),
        tells_active: true,
    }
}

fn join(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    mut user: User,
    undeclared: &Object,
) -> Result<Record, Error> {
    // Nobody visible has the names: `meant` has looked. What is left is the e-mail address.
    if settings.tenant.unique_email {
        conflicts::check(tx, settings, &user, None)?;
    }
    place::seat(tx, ctx, settings, &mut user, None, whole(undeclared))?;
    record::added(tx, ctx, settings, user)
}

/// The preserved or manual user that a create means; `None` for a new one.
fn meant(
    ctx: &Ctx,
    settings: &Settings,
    connection: ConnectionId,
    user: &User,
    known: Known,
) -> Result<Option<Record>, Refusal> {
    let user_name = user.user_name()?;
    let by_id = known.by_external_id.or(known.by_former_external_id);
    if let Some(same) = by_id {
        let lifecycle = &same.facts.lifecycle;
        if lifecycle.status() != Status::Preserved && lifecycle.is_visible() {
            let holder = conflicts::describe(settings, Some(connection), &same);
            let external_id = user.external_id().unwrap_or_default().to_owned();
            return Err(Refusal::ExternalIdTaken { external_id, holder });
        }
        return Ok(Some(same));
    }
    if let Some(holder) = known.by_user_name {
        let is_ours = holder.facts.connection.is_none_or(|of| of == connection);
        let is_manual = holder.facts.connection.is_none();
        if !is_ours || (holder.facts.lifecycle.status() != Status::Preserved && !is_manual) {
            return Err(conflicts::user_name_taken(
                settings,
                Some(connection),
                user_name,
                &holder,
            ));
        }
        return match another_person(ctx, settings, &holder.clone().open(), user) {
            Some(different) => Err(different.refusal(user_name)),
            None => Ok(Some(holder)),
        };
    }
    // A name that a deleted user had is free: with another externalId it is another person's now, unless the identity
    // provider gives everybody a new one.
    let is_former = |former: &Record| {
        settings.tenant.accepts_new_external_ids(ctx.now)
            || different_ids(&former.clone().open(), user).is_none()
    };
    let is_reached = |manual: &Record| another_person(ctx, settings, &manual.clone().open(), user).is_none();
    Ok(known
        .by_former_user_name
        .filter(is_former)
        .or(known.by_email.filter(is_reached)))
}

/// The same person is back: same id, history, profile and storage, with what the identity provider says now.
fn bring_back(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    connection: ConnectionId,
    sent: &Admitted,
    before: Record,
) -> Result<Record, Error> {
    let mut user = before.clone().open();
    let old = user.clone();
    super::update::assign(&mut user, sent.attributes.clone());
    user.tells_active = true;
    user.facts.manage_by(connection);
    user.facts.name_claim = NameClaim::Kept;
    user.check_required(settings)?;
    let was_visible = old.facts.lifecycle.is_visible();
    conflicts::check(tx, settings, &user, was_visible.then_some(&old))?;
    let says_inactive = sent.attributes.get("active") == Some(&Value::Bool(false));
    if says_inactive {
        user.facts.lifecycle = match user.facts.lifecycle {
            preserved @ Lifecycle::Preserved { .. } => preserved.reappear(),
            working => working.deactivate(Mark {
                by: ctx.actor.name(),
                at: ctx.now,
                purge_days: place::purge_days(settings, &before.facts),
            }),
        };
    } else {
        user.facts.lifecycle = return_of(user.facts.lifecycle)?;
        let brings = whole(&sent.undeclared);
        place::seat(tx, ctx, settings, &mut user, Some(&old), brings)?;
    }
    let kind = record::kind_of(&before.facts, &user.facts);
    record::changed(tx, ctx, settings, user, before, kind)
}

/// A create carries the whole person.
fn whole(undeclared: &Object) -> Brings<'_> {
    Brings {
        undeclared,
        carries: Carries::Everything,
        may_move: true,
    }
}

/// A create is a new word even where the last one was "active": an administrator's hold refuses it.
fn return_of(lifecycle: Lifecycle) -> Result<Lifecycle, Refusal> {
    let is_held = lifecycle.status() == Status::Preserved && lifecycle.idp_state() == IdpState::Active;
    if is_held {
        lifecycle.reappear().activate()
    } else {
        lifecycle.activate()
    }
}
