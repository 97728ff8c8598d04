//! People from an administrator's file: manual users, until an identity provider finds them.

use directory::{Ctx, Facts, Lifecycle, Mark, NameClaim, Record, Refusal, Settings, Status, User};
use scim::{Admitted, Object};
use serde_json::Value;
use store::Tx;

use super::set::PlaceChange;
use super::{conflicts, create, place, record};
use crate::Error;

/// One person of a file.
#[derive(Debug, Clone, Default)]
pub struct Newcomer {
    /// The attributes, as an identity provider would send them; `active: false` is one to preserve.
    pub attributes: Object,
    /// What is set by hand.
    pub place: PlaceChange,
    /// Who may bring the person back, if it is not active.
    pub leaver: Leaver,
}

/// Who may bring somebody back who is imported as not active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Leaver {
    /// An identity provider too.
    #[default]
    MayReturn,
    /// An administrator alone.
    IsHeld,
}

/// What became of a person.
#[derive(Debug, Clone)]
pub enum Imported {
    /// A new user.
    Added(Record),
    /// There is a user with that name already, who stays as it is.
    Known(Record),
}

/// Adds the person, unless there is somebody with that name.
///
/// # Errors
/// SCIM's for attributes; [`Refusal::Missing`], [`Refusal::EmailTaken`], [`Refusal::Unmatched`], the limits' and
/// [`Refusal::Left`].
pub fn import(tx: &mut Tx<'_>, ctx: &Ctx, person: &Newcomer) -> Result<Imported, Error> {
    let settings = tx.settings(ctx.tenant)?;
    match prepare(tx, ctx, &settings, person)? {
        Prepared::Known(record) => Ok(Imported::Known(record)),
        Prepared::New(user) => record::added(tx, ctx, &settings, user).map(Imported::Added),
    }
}

/// What [`import`] would do. It changes nothing; `tx` is not to be written with.
///
/// # Errors
/// Those of [`import`].
pub fn try_import(tx: &mut Tx<'_>, ctx: &Ctx, person: &Newcomer) -> Result<Imported, Error> {
    let settings = tx.settings(ctx.tenant)?;
    match prepare(tx, ctx, &settings, person)? {
        Prepared::Known(record) => Ok(Imported::Known(record)),
        Prepared::New(user) => {
            store::counts::suppose(tx, ctx.tenant, None, &user.facts);
            Ok(Imported::Added(user.into_record(&settings)))
        }
    }
}

enum Prepared {
    New(User),
    Known(Record),
}

fn prepare(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, person: &Newcomer) -> Result<Prepared, Error> {
    let Admitted {
        attributes,
        undeclared,
    } = settings.schemas.admit(person.attributes.clone())?;
    let is_active = attributes.get("active") != Some(&Value::Bool(false));
    let mut user = create::blank(ctx, None, Lifecycle::joined());
    user.assign(attributes);
    user.check_required(settings)?;
    let key = Facts::key_of(user.user_name()?);
    if let Some(known) = store::users::by_user_name(tx, ctx.tenant, &key)? {
        return Ok(Prepared::Known(known));
    }
    let former = store::users::by_former_user_name(tx, ctx.tenant, &key)?
        .into_iter()
        .find(|former| former.facts.name_claim == NameClaim::Kept);
    if let Some(former) = former {
        if former.facts.lifecycle.status() != Status::Preserved {
            return Ok(Prepared::Known(former));
        }
        return Err(Refusal::Left {
            user_name: user.user_name()?.to_owned(),
            id: former.facts.id.to_string(),
        }
        .into());
    }
    conflicts::check(tx, settings, &user, None)?;
    if is_active {
        place::seat_by_hand(tx, ctx, settings, &mut user, &undeclared, &person.place)?;
        return Ok(Prepared::New(user));
    }
    person.place.apply(settings, &mut user.facts.placement)?;
    let mark = Mark {
        by: ctx.actor.name(),
        at: ctx.now,
        purge_days: place::purge_days(settings, &user.facts),
    };
    user.facts.lifecycle = match person.leaver {
        Leaver::MayReturn => user.facts.lifecycle.deactivate(mark),
        Leaver::IsHeld => user.facts.lifecycle.preserve(mark),
    };
    Ok(Prepared::New(user))
}
