//! Placing a user: the mappings decide, limits are heeded, and the decision is kept.

use std::sync::LazyLock;

use directory::{
    Carries, Condition, Ctx, Doubt, Facts, Lifecycle, OrHold, Profile, Reclassify, Refusal, Settings, Status,
    Subject, Timestamp, User, Verdict, Wait, decide,
};
use scim::Object;
use store::Tx;
use store::counts::{self, Count};

use super::outlook::{Change, Outlook, groups_of, outlook, settle, take};
use super::set::PlaceChange;
use crate::Error;

/// Decides about a user who is not preserved as the mappings of `settings` have it, by what is kept of it.
pub(super) fn again<'s>(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &'s Settings,
    user: &mut User,
    change: Change<'_>,
) -> Result<Outlook<'s>, Error> {
    if user.facts.lifecycle.status() == Status::Held {
        if user.facts.placement.is_complete() && settings.tenant.reclassify == Reclassify::OnUpdate {
            // Who waits for a seat may be given another profile, with another seat.
            let carries = known_of(&user.facts);
            let outlook = outlook(tx, settings, user, Change::Nothing, &Object::new(), carries)?;
            take(outlook, ctx, settings, user);
        }
        admit(tx, ctx, settings, user)?;
        return Ok(match user.facts.lifecycle.status() {
            Status::Active => Outlook::Admitted,
            _ => Outlook::Waits,
        });
    }
    let outlook = outlook(tx, settings, user, change, &Object::new(), Carries::Changes)?;
    take(outlook, ctx, settings, user);
    Ok(outlook)
}

/// Gives a user who has no place one.
///
/// # Errors
/// [`Refusal::Unmatched`], telling what the mappings looked at; nothing where the answer hangs on something unknown.
fn place(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    user: &mut User,
    brings: Brings<'_>,
) -> Result<(), Error> {
    let verdict = verdict(tx, settings, user, brings.undeclared, brings.carries)?;
    let placement = &mut user.facts.placement;
    match (verdict, settings.storages.as_slice()) {
        (Verdict::Matched(mapping), _) => {
            settle(placement, mapping, ctx, settings);
            Ok(())
        }
        // The profile was set by hand, and there is no storage to choose.
        (_, [only]) if placement.profile.is_some() => {
            placement.storage.get_or_insert(only.id);
            Ok(())
        }
        (Verdict::Unmatched(looked), _) => Err(Refusal::Unmatched { looked }.into()),
        (Verdict::Unknown(_), _) => Err(Refusal::Unmatched { looked: Vec::new() }.into()),
    }
}

fn verdict<'s>(
    tx: &mut Tx<'_>,
    settings: &'s Settings,
    user: &User,
    undeclared: &Object,
    carries: Carries,
) -> Result<Verdict<'s>, Error> {
    let groups = groups_of(tx, settings, user)?;
    let subject = Subject {
        schemas: &settings.schemas,
        connection: user.facts.connection,
        attributes: &user.shown_attributes(),
        undeclared,
        groups: &groups,
        carries,
        kept: Some((&settings.declared, user.facts.created)),
    };
    Ok(decide(&settings.mappings, &subject))
}

/// What a request brings along that may change a user's place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brings<'r> {
    /// Attributes that are not kept.
    pub(super) undeclared: &'r Object,
    /// Whether an attribute that is not there is absent or unknown.
    pub(super) carries: Carries,
    /// Whether it may change the mappings' answer.
    pub(super) may_move: bool,
}

impl Brings<'static> {
    /// Nothing but the user as it is kept.
    fn nothing(carries: Carries) -> Self {
        static NOTHING: LazyLock<Object> = LazyLock::new(Object::new);
        Self {
            undeclared: &NOTHING,
            carries,
            may_move: true,
        }
    }
}

/// Sees to it that a user whom the identity provider calls active has a place and a seat. Where it has not, it is held or
/// refused, as the connection and the tenant have it; one who was active or held before is never refused.
///
/// # Errors
/// [`Refusal::Unmatched`], [`Refusal::TenantFull`], [`Refusal::ProfileFull`].
pub(super) fn seat(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    user: &mut User,
    before: Option<&User>,
    brings: Brings<'_>,
) -> Result<(), Error> {
    if user.facts.lifecycle.status() == Status::Preserved {
        return Ok(());
    }
    let was = before.map(|before| before.facts.lifecycle.status());
    let may_hold = |setting: OrHold| was == Some(Status::Held) || setting == OrHold::Hold;
    if !user.facts.placement.is_complete() {
        // One who was never judged whole has no decision to keep: what is not there is then absent, not unknown.
        let carries = match was {
            Some(Status::Held) => brings.carries,
            _ => Carries::Everything,
        };
        match place(tx, ctx, settings, user, Brings { carries, ..brings }) {
            Err(Error::Refused(Refusal::Unmatched { .. })) if was == Some(Status::Active) => {
                user.facts.placement.doubt = Some(Doubt::Unmatched);
            }
            Err(Error::Refused(Refusal::Unmatched { .. })) if may_hold(unmatched(tx, settings, user)?) => {
                let judged = judged(&user.facts, brings, ctx);
                hold(user, Wait::Unmatched, ctx);
                user.facts.lifecycle = user.facts.lifecycle.clone().judged(judged);
                return Ok(());
            }
            placed => placed?,
        }
    } else if settings.tenant.reclassify == Reclassify::OnUpdate
        && (was != Some(Status::Active) || brings.may_move)
    {
        let change = before.map_or(Change::Nothing, Change::Attributes);
        let outlook = outlook(tx, settings, user, change, brings.undeclared, brings.carries)?;
        take(outlook, ctx, settings, user);
    }
    if was != Some(Status::Active) {
        match check_limits(tx, settings, &user.facts) {
            Err(Error::Refused(_)) if may_hold(settings.tenant.over_limit) => {
                hold(user, Wait::Limit, ctx);
                return Ok(());
            }
            checked => checked?,
        }
    }
    if user.facts.lifecycle.status() == Status::Held {
        user.facts.lifecycle = Lifecycle::joined();
    }
    Ok(())
}

/// Gives a user whom an administrator activates a place and a seat. Where it cannot have them, it is held or refused, as
/// the connection and the tenant have it.
///
/// # Errors
/// [`Refusal::NeverPlaced`], [`Refusal::TenantFull`], [`Refusal::ProfileFull`].
pub(super) fn demand_seat(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    user: &mut User,
    before: &Facts,
) -> Result<(), Error> {
    let has_place = user.facts.placement.is_complete()
        || is_placed(place(
            tx,
            ctx,
            settings,
            user,
            Brings::nothing(Carries::Everything),
        ))?;
    if !has_place {
        // Who is active against the provider's word cannot wait: the word would be forgotten.
        if unmatched(tx, settings, user)? == OrHold::Refuse || user.facts.lifecycle.is_overridden() {
            return Err(Refusal::NeverPlaced.into());
        }
        hold(user, Wait::Unmatched, ctx);
        return Ok(());
    }
    if before.lifecycle.status() == Status::Active {
        return Ok(());
    }
    take_seat(tx, ctx, settings, user)
}

/// Refuses one more active user where there are as many as there may be, or holds it.
///
/// # Errors
/// [`Refusal::TenantFull`], [`Refusal::ProfileFull`].
fn take_seat(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, user: &mut User) -> Result<(), Error> {
    match check_limits(tx, settings, &user.facts) {
        Err(Error::Refused(_))
            if settings.tenant.over_limit == OrHold::Hold && !user.facts.lifecycle.is_overridden() =>
        {
            hold(user, Wait::Limit, ctx);
            Ok(())
        }
        checked => checked,
    }
}

/// Gives a new manual user a place and a seat: what `change` says, and the mappings' for the rest.
///
/// # Errors
/// [`Refusal::Unmatched`] where neither names a profile; [`Refusal::BadSetting`] where neither names a storage;
/// [`Refusal::TenantFull`], [`Refusal::ProfileFull`].
pub(super) fn seat_by_hand(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    user: &mut User,
    undeclared: &Object,
    change: &PlaceChange,
) -> Result<(), Error> {
    change.apply(settings, &mut user.facts.placement)?;
    let brings = Brings {
        undeclared,
        carries: Carries::Everything,
        may_move: true,
    };
    match place(tx, ctx, settings, user, brings) {
        Err(Error::Refused(Refusal::Unmatched { .. })) if change.profile.is_some() => {
            let detail = "No mapping matched that would choose a storage: name one.".to_owned();
            return Err(Refusal::BadSetting { detail }.into());
        }
        placed => placed?,
    }
    if user.facts.lifecycle.status() == Status::Preserved {
        return Ok(());
    }
    take_seat(tx, ctx, settings, user)
}

/// Looks whether a held user can be active now; it goes on waiting where it cannot.
pub(super) fn admit(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, user: &mut User) -> Result<(), Error> {
    let brings = Brings::nothing(known_of(&user.facts));
    let has_place = user.facts.placement.is_complete() || is_placed(place(tx, ctx, settings, user, brings))?;
    if !has_place {
        return Ok(());
    }
    match check_limits(tx, settings, &user.facts) {
        Ok(()) => user.facts.lifecycle = Lifecycle::joined(),
        Err(Error::Refused(_)) => hold(user, Wait::Limit, ctx),
        Err(other) => return Err(other),
    }
    Ok(())
}

/// What is known of attributes that are not kept, without a request.
pub(crate) fn known_of(user: &Facts) -> Carries {
    match user.lifecycle {
        Lifecycle::Held { judged: Some(at), .. } => Carries::NothingSince(at),
        _ => Carries::Changes,
    }
}

/// When the mappings knew all that they look at: now, where the request carries the whole person; when they last did, where
/// it changes nothing that they look at.
fn judged(user: &Facts, brings: Brings<'_>, ctx: &Ctx) -> Option<Timestamp> {
    match (brings.carries, &user.lifecycle) {
        (Carries::Everything, _) => Some(ctx.now),
        (_, Lifecycle::Held { judged, .. }) if !brings.may_move => *judged,
        _ => None,
    }
}

/// Whether a mapping gave a place.
fn is_placed(outcome: Result<(), Error>) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(true),
        Err(Error::Refused(Refusal::Unmatched { .. })) => Ok(false),
        Err(other) => Err(other),
    }
}

fn hold(user: &mut User, wait: Wait, ctx: &Ctx) {
    user.facts.lifecycle = user.facts.lifecycle.clone().wait_for(wait, ctx.now);
}

/// What becomes of a user whom no mapping matches. Groups are pushed after users, so where there is a mapping for a group that
/// the user's connection has, the answer is still to come.
fn unmatched(tx: &mut Tx<'_>, settings: &Settings, user: &User) -> Result<OrHold, Error> {
    let of_user = user.facts.connection;
    for mapping in settings.mappings.iter().filter(|mapping| mapping.is_for(of_user)) {
        if let Condition::Group { groups } = &mapping.condition
            && crate::groups::has_any(tx, settings, of_user, groups)?
        {
            return Ok(OrHold::Hold);
        }
    }
    let connection = user.facts.connection.and_then(|id| settings.connection(id));
    Ok(connection.map_or(OrHold::Refuse, |connection| connection.unmatched))
}

/// Refuses one more active user where there are as many as there may be.
///
/// # Errors
/// [`Refusal::TenantFull`], [`Refusal::ProfileFull`].
fn check_limits(tx: &mut Tx<'_>, settings: &Settings, user: &Facts) -> Result<(), Error> {
    let tenant = settings.tenant.id;
    if let Some(max) = settings.tenant.max_active_users {
        tx.lock_tenant(tenant)?;
        if counts::get(tx, Count::active(tenant))? >= max {
            return Err(Refusal::TenantFull { max }.into());
        }
    }
    check_profile(tx, settings, user)
}

/// Refuses an active user whom a full profile would get by hand.
///
/// # Errors
/// [`Refusal::ProfileFull`].
pub(super) fn check_profile(tx: &mut Tx<'_>, settings: &Settings, user: &Facts) -> Result<(), Error> {
    let Some((profile, max)) =
        profile_of(settings, user).and_then(|profile| Some((profile, profile.max_users?)))
    else {
        return Ok(());
    };
    tx.lock_tenant(settings.tenant.id)?;
    if counts::get(tx, Count::active_in_profile(settings.tenant.id, profile.id))? < max {
        return Ok(());
    }
    let profile = profile.name.to_string();
    Err(Refusal::ProfileFull { profile, max }.into())
}

/// Days until the user is purged once preserved, by its profile as it is now; 0 is never.
pub(super) fn purge_days(settings: &Settings, user: &Facts) -> u32 {
    profile_of(settings, user).map_or(0, |profile| profile.purge_days)
}

fn profile_of<'s>(settings: &'s Settings, user: &Facts) -> Option<&'s Profile> {
    user.placement.profile.and_then(|id| settings.profile(id))
}
