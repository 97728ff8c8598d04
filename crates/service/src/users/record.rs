//! Writing a user's new state down: the row, and the event that says what happened.

use directory::{Ctx, Event, EventKind, Facts, IdpState, Record, Settings, User};
use store::Tx;

use crate::Error;

/// Adds a new user.
pub(super) fn added(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, user: User) -> Result<Record, Error> {
    let record = store::users::insert(tx, settings, user)?;
    append(tx, ctx, settings, EventKind::UserCreated, &record);
    Ok(record)
}

/// Writes a user's new state over `before`. Where nothing changed, nothing is written.
pub(super) fn changed(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    mut user: User,
    before: Record,
    kind: EventKind,
) -> Result<Record, Error> {
    let same = user.facts.lifecycle == before.facts.lifecycle
        && user.facts.connection == before.facts.connection
        && user.facts.legal_hold == before.facts.legal_hold
        && user.facts.name_claim == before.facts.name_claim
        && user.facts.display_name_derived == before.facts.display_name_derived
        && user.facts.placement == before.facts.placement
        && user.shown_attributes() == before.clone().open().shown_attributes();
    if same {
        return Ok(before);
    }
    user.facts.modified = ctx.now;
    let record = store::users::update(tx, settings, user, &before)?;
    append(tx, ctx, settings, kind, &record);
    let place = |facts: &Facts| (facts.placement.profile, facts.placement.own_quota);
    if before.facts.placement.profile.is_some() && place(&before.facts) != place(&record.facts) {
        append(tx, ctx, settings, EventKind::UserMoved, &record);
    }
    Ok(record)
}

/// What an identity provider's write did to the user, by what it said before and says now.
pub(super) fn kind_of(before: &Facts, after: &Facts) -> EventKind {
    match (before.lifecycle.idp_state(), after.lifecycle.idp_state()) {
        _ if before.connection != after.connection => EventKind::UserAdopted,
        (from, to) if from == to => EventKind::UserUpdated,
        (_, IdpState::Active) => EventKind::UserReactivated,
        (_, IdpState::Inactive) => EventKind::UserDeactivated,
        (_, IdpState::Absent) => EventKind::UserDeleted,
    }
}

fn append(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, kind: EventKind, record: &Record) {
    let data = format!("{{\"user\":{}}}", record.to_scim(settings, None));
    tx.append(
        ctx,
        Event {
            kind,
            user: Some(record.facts.id),
            data,
        },
    );
}
