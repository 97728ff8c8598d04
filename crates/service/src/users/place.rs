//! Placing a user: the mappings decide, limits are heeded, and the decision is kept.

use directory::{
    Ctx, Decision, Doubt, Facts, Mapping, Placement, Profile, Reclassify, Refusal, Settings, Status, Subject,
    User, Verdict, decide, rfc3339,
};
use scim::Object;
use store::Tx;
use store::counts::{self, Count};

use crate::Error;

/// Whether a request carries the whole person, or only what changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// POST and PUT: an undeclared attribute that is not there is absent.
    Everything,
    /// PATCH: it is unknown.
    Changes,
}

/// Decides again about an active user who has a place, as the mappings are now. A new match moves profile and quota, and
/// the storage never. Where nothing matches, or the profile is full, the user keeps what it has and is marked so; where
/// the answer hangs on something unknown, the decision stays.
pub(super) fn place_again(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    user: &mut User,
    undeclared: &Object,
    carries: Carries,
) -> Result<(), Error> {
    if settings.tenant.reclassify == Reclassify::OnCreate {
        return Ok(());
    }
    let attributes = user.shown_attributes();
    let subject = Subject {
        schemas: &settings.schemas,
        connection: user.facts.connection,
        attributes: &attributes,
        undeclared,
        whole: carries == Carries::Everything,
    };
    let mapping = match decide(&settings.mappings, &subject) {
        Verdict::Unknown(_) => return Ok(()),
        Verdict::Unmatched(_) => {
            user.facts.placement.doubt = Some(Doubt::Unmatched);
            return Ok(());
        }
        Verdict::Matched(mapping) => mapping,
    };
    let old = &user.facts.placement;
    let moves = old.profile != Some(mapping.outcome.profile);
    if moves && is_full(tx, settings, mapping)? {
        user.facts.placement.doubt = Some(Doubt::Full);
        return Ok(());
    }
    let is_same_mapping = old
        .decision
        .as_ref()
        .is_some_and(|decision| decision.mapping == mapping.id.to_string());
    let storage = old.storage;
    if is_same_mapping && !moves && old.own_quota == mapping.outcome.quota {
        user.facts.placement.doubt = None;
    } else {
        let new = placement(ctx, settings, mapping);
        user.facts.placement = Placement {
            storage: storage.or(new.storage),
            ..new
        };
    }
    Ok(())
}

fn is_full(tx: &mut Tx<'_>, settings: &Settings, mapping: &Mapping) -> Result<bool, Error> {
    let profile = settings.profile(mapping.outcome.profile);
    let Some((profile, max)) = profile.and_then(|profile| Some((profile, profile.max_users?))) else {
        return Ok(false);
    };
    Ok(counts::get(tx, Count::active_in_profile(settings.tenant.id, profile.id))? >= max)
}

/// Gives a user who has no place one, by what is kept and what the request carries: there is no decision to keep, so an
/// undeclared attribute that is not there counts as absent.
///
/// # Errors
/// [`Refusal::Unmatched`], telling what the mappings looked at.
pub(super) fn place(
    ctx: &Ctx,
    settings: &Settings,
    user: &mut User,
    undeclared: &Object,
) -> Result<(), Refusal> {
    if user.facts.placement.decision.is_some() {
        return Ok(());
    }
    let attributes = user.shown_attributes();
    let subject = Subject {
        schemas: &settings.schemas,
        connection: user.facts.connection,
        attributes: &attributes,
        undeclared,
        whole: true,
    };
    match decide(&settings.mappings, &subject) {
        Verdict::Matched(mapping) => {
            user.facts.placement = placement(ctx, settings, mapping);
            Ok(())
        }
        Verdict::Unmatched(looked) => Err(Refusal::Unmatched { looked }),
        // Nothing is unknown of a whole person.
        Verdict::Unknown(_) => Err(Refusal::Unmatched { looked: Vec::new() }),
    }
}

fn placement(ctx: &Ctx, settings: &Settings, mapping: &Mapping) -> Placement {
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
        doubt: None,
    }
}

/// Refuses a user who becomes active where no more may be.
///
/// # Errors
/// [`Refusal::TenantFull`], [`Refusal::ProfileFull`].
pub(super) fn check_limits(
    tx: &mut Tx<'_>,
    settings: &Settings,
    user: &Facts,
    before: Option<&Facts>,
) -> Result<(), Error> {
    let is_active = |facts: &Facts| facts.lifecycle.status() == Status::Active;
    if !is_active(user) || before.is_some_and(is_active) {
        return Ok(());
    }
    let tenant = settings.tenant.id;
    if let Some(max) = settings.tenant.max_active_users
        && counts::get(tx, Count::active(tenant))? >= max
    {
        return Err(Refusal::TenantFull { max }.into());
    }
    if let Some(profile) = profile_of(settings, user)
        && let Some(max) = profile.max_users
        && counts::get(tx, Count::active_in_profile(tenant, profile.id))? >= max
    {
        return Err(Refusal::ProfileFull {
            profile: profile.name.to_string(),
            max,
        }
        .into());
    }
    Ok(())
}

/// Days until the user is purged once preserved, by its profile as it is now; 0 is never.
pub(super) fn purge_days(settings: &Settings, user: &Facts) -> u32 {
    profile_of(settings, user).map_or(0, |profile| profile.purge_days)
}

fn profile_of<'s>(settings: &'s Settings, user: &Facts) -> Option<&'s Profile> {
    user.placement.profile.and_then(|id| settings.profile(id))
}
