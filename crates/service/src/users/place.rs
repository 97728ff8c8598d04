//! Placing a user: the mappings decide, limits are heeded, and the decision is kept.

use std::sync::LazyLock;

use directory::{
    Answer, Belonging, Carries, Condition, Ctx, Decision, Doubt, Facts, Lifecycle, Mapping, OrHold, Pins,
    Placement, Profile, Reclassify, Refusal, Settings, Status, Subject, Timestamp, User, Verdict, Wait,
    decide, judge, rfc3339,
};
use scim::Object;
use store::Tx;
use store::counts::{self, Count};

use super::set::PlaceChange;
use crate::Error;

/// What the mappings, as they are now, would do to a user who has a place.
#[derive(Debug, Clone, Copy)]
pub enum Outlook<'m> {
    /// Nothing: the same mapping gives the same.
    Stays,
    /// This mapping gives another place, or is another than the one that gave this.
    Moves(&'m Mapping),
    /// No mapping matches: the user keeps what it has, and is marked so.
    Unmatched,
    /// This mapping gives another place, but matched before: all that changed is that another one no longer does. The user
    /// moves later, since somebody who leaves often loses the groups first.
    Loses(&'m Mapping),
    /// This mapping's profile is full: the user keeps what it has, and is marked so.
    Full(&'m Mapping),
    /// This mapping looks at something that is not kept, so the decision stays.
    Unknown(&'m Mapping),
    /// The user was held, and can be active.
    Admitted,
    /// The user is held, and stays so.
    Waits,
}

/// What changed about a user, so that it can be told whether a mapping matches anew or did before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'c> {
    /// Attributes; the user was this.
    Attributes(&'c User),
    /// It came into groups, and may have left others.
    Groups,
    /// It left groups.
    LeftGroups,
    /// Groups, and it is not known how.
    SomeGroups,
    /// Nothing that anybody waits for.
    Nothing,
}

/// Looks what the mappings would do.
fn outlook<'s>(
    tx: &mut Tx<'_>,
    settings: &'s Settings,
    user: &User,
    change: Change<'_>,
    undeclared: &Object,
    carries: Carries,
) -> Result<Outlook<'s>, Error> {
    let groups = groups_of(tx, settings, user)?;
    let attributes = user.shown_attributes();
    let subject = Subject {
        schemas: &settings.schemas,
        connection: user.facts.connection,
        attributes: &attributes,
        undeclared,
        groups: &groups,
        carries,
    };
    let mapping = match decide(&settings.mappings, &subject) {
        Verdict::Unknown(mapping) => return Ok(Outlook::Unknown(mapping)),
        Verdict::Unmatched(_) => return Ok(Outlook::Unmatched),
        Verdict::Matched(mapping) => mapping,
    };
    if change.only_loses(settings, &subject, user, mapping) {
        return Ok(Outlook::Loses(mapping));
    }
    let old = &user.facts.placement;
    let moves = !old.pins.profile && old.profile != Some(mapping.outcome.profile);
    if moves && is_full(tx, settings, mapping)? {
        return Ok(Outlook::Full(mapping));
    }
    let is_same_mapping = old
        .decision
        .as_ref()
        .is_some_and(|decision| decision.mapping == mapping.id.to_string());
    let keeps_quota = old.pins.quota || old.own_quota == mapping.outcome.quota;
    Ok(if is_same_mapping && !moves && keeps_quota {
        Outlook::Stays
    } else {
        Outlook::Moves(mapping)
    })
}

impl Change<'_> {
    /// Whether `new` would place the user for no other reason than that the mapping which did no longer matches.
    fn only_loses(self, settings: &Settings, now: &Subject<'_>, user: &User, new: &Mapping) -> bool {
        let placement = &user.facts.placement;
        let Some(decision) = placement.decision.as_ref().filter(|_| !placement.pins.profile) else {
            return false;
        };
        let is_old = |mapping: &&Mapping| mapping.id.to_string() == decision.mapping;
        let Some(old) = settings
            .mappings
            .iter()
            .find(is_old)
            .filter(|old| old.id != new.id)
        else {
            return false;
        };
        if judge(old, now).answer != Answer::NotMatched {
            return false;
        }
        let waits = placement.doubt == Some(Doubt::Lost);
        match self {
            Self::Nothing => false,
            Self::LeftGroups => waits || old.is_for_groups(),
            Self::Groups => !new.is_for_groups() && (waits || old.is_for_groups()),
            Self::SomeGroups => waits || (!new.is_for_groups() && old.is_for_groups()),
            Self::Attributes(before) => {
                let then = Subject {
                    attributes: &before.shown_attributes(),
                    undeclared: &Object::new(),
                    carries: Carries::Changes,
                    ..*now
                };
                // Who comes back finds its place; the groups may follow.
                let is_back = before.facts.lifecycle.status() == Status::Preserved;
                let has_lost = waits || is_back || judge(old, &then).answer != Answer::NotMatched;
                has_lost && judge(new, &then).answer == Answer::Matched
            }
        }
    }
}

/// Does to the user what was looked at: a new match moves profile and quota, and the storage never.
fn take(outlook: Outlook<'_>, ctx: &Ctx, settings: &Settings, user: &mut User) {
    let placement = &mut user.facts.placement;
    match outlook {
        Outlook::Unknown(_) | Outlook::Admitted | Outlook::Waits => {}
        Outlook::Stays => placement.doubt = None,
        // A profile that was set by hand is nobody's doubt.
        Outlook::Unmatched => placement.doubt = Some(Doubt::Unmatched).filter(|_| !placement.pins.profile),
        Outlook::Full(_) => placement.doubt = Some(Doubt::Full),
        Outlook::Loses(_) => placement.doubt = Some(Doubt::Lost),
        Outlook::Moves(mapping) => settle(placement, mapping, ctx, settings),
    }
}

/// Gives what the mapping gives, except for what was set by hand, and for a storage that there is.
fn settle(placement: &mut Placement, mapping: &Mapping, ctx: &Ctx, settings: &Settings) {
    let (old, new) = (placement.clone(), placed_by(mapping, ctx, settings));
    *placement = Placement {
        profile: old.profile.filter(|_| old.pins.profile).or(new.profile),
        storage: old.storage.or(new.storage),
        own_quota: if old.pins.quota {
            old.own_quota
        } else {
            new.own_quota
        },
        pins: old.pins,
        ..new
    };
}

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

fn is_full(tx: &mut Tx<'_>, settings: &Settings, mapping: &Mapping) -> Result<bool, Error> {
    let profile = settings.profile(mapping.outcome.profile);
    let Some((profile, max)) = profile.and_then(|profile| Some((profile, profile.max_users?))) else {
        return Ok(false);
    };
    tx.lock_tenant(settings.tenant.id)?;
    Ok(counts::get(tx, Count::active_in_profile(settings.tenant.id, profile.id))? >= max)
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
    };
    Ok(decide(&settings.mappings, &subject))
}

/// The user's groups, where mappings look at them.
fn groups_of(tx: &mut Tx<'_>, settings: &Settings, user: &User) -> Result<Vec<Belonging>, Error> {
    if settings.mappings.iter().any(Mapping::is_for_groups) {
        crate::groups::of_facts(tx, settings.tenant.id, &user.facts)
    } else {
        Ok(Vec::new())
    }
}

fn placed_by(mapping: &Mapping, ctx: &Ctx, settings: &Settings) -> Placement {
    let outcome = &mapping.outcome;
    let profile = settings
        .profile(outcome.profile)
        .map(|profile| profile.name.to_string());
    let storage = settings
        .storage(outcome.storage)
        .map(|storage| storage.name.to_string());
    Placement {
        profile: Some(outcome.profile),
        storage: Some(outcome.storage),
        own_quota: outcome.quota,
        decision: Some(Decision {
            mapping: mapping.id.to_string(),
            mapping_name: mapping.name.to_string(),
            profile: profile.unwrap_or_default(),
            storage: storage.unwrap_or_default(),
            quota: outcome.quota.map(directory::Bytes::get),
            at: rfc3339(ctx.now),
        }),
        pins: Pins::default(),
        doubt: None,
    }
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
