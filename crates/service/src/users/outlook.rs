//! What the mappings, as they are now, would do to a user who has a place, and doing it.

use directory::{
    Answer, Belonging, Carries, Ctx, Decision, Doubt, Mapping, Pins, Placement, Settings, Status, Subject,
    User, Verdict, decide, judge, rfc3339,
};
use scim::Object;
use store::Tx;
use store::counts::{self, Count};

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
pub(super) fn outlook<'s>(
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
        kept: Some((&settings.declared, user.facts.created)),
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
pub(super) fn take(outlook: Outlook<'_>, ctx: &Ctx, settings: &Settings, user: &mut User) {
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

fn is_full(tx: &mut Tx<'_>, settings: &Settings, mapping: &Mapping) -> Result<bool, Error> {
    let profile = settings.profile(mapping.outcome.profile);
    let Some((profile, max)) = profile.and_then(|profile| Some((profile, profile.max_users?))) else {
        return Ok(false);
    };
    tx.lock_tenant(settings.tenant.id)?;
    Ok(counts::get(tx, Count::active_in_profile(settings.tenant.id, profile.id))? >= max)
}

/// Gives what the mapping gives, except for what was set by hand, and for a storage that there is.
pub(super) fn settle(placement: &mut Placement, mapping: &Mapping, ctx: &Ctx, settings: &Settings) {
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

/// The user's groups, where mappings look at them.
pub(super) fn groups_of(tx: &mut Tx<'_>, settings: &Settings, user: &User) -> Result<Vec<Belonging>, Error> {
    if settings.mappings.iter().any(Mapping::is_for_groups) {
        crate::groups::of_facts(tx, settings.tenant.id, &user.facts)
    } else {
        Ok(Vec::new())
    }
}
