//! Placing a user: the mappings decide, limits are heeded, and the decision is kept.

use directory::{
    Ctx, Decision, Facts, Mapping, Placement, Profile, Refusal, Settings, Status, Subject, User, Verdict,
    decide, rfc3339,
};
use scim::Object;
use store::Tx;
use store::counts::{self, Count};

use crate::Error;

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
