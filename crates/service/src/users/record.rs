//! Writing a user's new state down: the row, and the event that says what happened.

use directory::{
    Alarm, Ctx, Doubt, Event, EventKind, Facts, IdpState, Record, Settings, Status, Timestamp, User,
};
use jiff::SignedDuration;
use scim::Object;
use serde_json::Value;
use store::Tx;

use crate::Error;

/// How long somebody keeps a place after losing the match that gave it: a leaver often loses its groups first.
const LATE: SignedDuration = SignedDuration::from_mins(60);

/// Adds a new user.
pub(super) fn added(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, user: User) -> Result<Record, Error> {
    let record = store::users::insert(tx, settings, user)?;
    append(tx, ctx, settings, EventKind::UserCreated, (None, &record));
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
    // Who leaves does not move any more.
    if user.facts.lifecycle.status() == Status::Preserved && waits(&user.facts) {
        user.facts.placement.doubt = None;
    }
    user.facts.modified = ctx.now;
    let record = store::users::update(tx, settings, user, &before)?;
    wait_to_move(tx, ctx, &record.facts, &before.facts)?;
    let is_leaver = matches!(kind, EventKind::UserDeactivated | EventKind::UserDeleted)
        && before.facts.lifecycle.status() != Status::Preserved;
    if let Some(connection) = record.facts.connection.filter(|_| is_leaver) {
        store::counts::leaves(tx, ctx.tenant, connection, ctx.now);
    }
    // Who is back within the hour has not left.
    let returns = kind == EventKind::UserReactivated && left_lately(&before.facts, ctx.now);
    if let Some(connection) = record.facts.connection.filter(|_| returns) {
        store::counts::returns(tx, ctx.tenant, connection, ctx.now);
    }
    append(tx, ctx, settings, kind, (Some(&before), &record));
    let place = |facts: &Facts| (facts.placement.profile, facts.placement.own_quota);
    if before.facts.placement.profile.is_some() && place(&before.facts) != place(&record.facts) {
        append(tx, ctx, settings, EventKind::UserMoved, (Some(&before), &record));
    }
    Ok(record)
}

fn left_lately(facts: &Facts, now: Timestamp) -> bool {
    let left = facts.lifecycle.preservation().map(|preservation| preservation.at);
    left.is_some_and(|at| now.duration_since(at) < Alarm::WINDOW)
}

/// Whether the user lost a match, and is to move in an hour.
fn waits(facts: &Facts) -> bool {
    facts.placement.doubt == Some(Doubt::Lost)
}

/// Notes when who has just lost a match is to move, or that somebody is not any more.
fn wait_to_move(tx: &mut Tx<'_>, ctx: &Ctx, user: &Facts, before: &Facts) -> Result<(), Error> {
    match (waits(before), waits(user)) {
        (false, true) => {
            let due = ctx.now.saturating_add(LATE).unwrap_or(Timestamp::MAX);
            Ok(store::late::put(tx, ctx.tenant, user.id, due)?)
        }
        (true, false) => Ok(store::late::remove(tx, ctx.tenant, user.id)?),
        _ => Ok(()),
    }
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

/// Appends an event with the user as it is now, and what was there before of what changed.
fn append(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    kind: EventKind,
    (before, after): (Option<&Record>, &Record),
) {
    let now = after.to_scim(settings, None);
    let data = match before {
        None => format!("{{\"user\":{now}}}"),
        Some(before) => {
            let was = changed_parts(&before.to_scim(settings, None), &now);
            format!("{{\"user\":{now},\"before\":{}}}", Value::Object(was))
        }
    };
    tx.append(
        ctx,
        Event {
            kind,
            user: Some(after.facts.id),
            data,
        },
    );
}

/// The attributes of `before` that are not what they are in `after`; null for what was not there.
fn changed_parts(before: &str, after: &str) -> Object {
    let object = |text: &str| serde_json::from_str::<Object>(text).unwrap_or_default();
    let (mut before, mut after) = (object(before), object(after));
    for name in ["meta", "schemas"] {
        before.shift_remove(name);
        after.shift_remove(name);
    }
    differences(&before, &after)
}

/// An extension is taken apart; every other attribute is one thing.
fn differences(before: &Object, after: &Object) -> Object {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let mut was = Object::new();
    for name in names.filter(|name| before.get(*name) != after.get(*name)) {
        let value = match (before.get(name), after.get(name)) {
            (Some(Value::Object(old)), Some(Value::Object(new))) if name.contains(':') => {
                Value::Object(differences(old, new))
            }
            (old, _) => old.cloned().unwrap_or(Value::Null),
        };
        was.insert(name.clone(), value);
    }
    was
}
