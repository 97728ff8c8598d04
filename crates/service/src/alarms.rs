//! Looks whether many users of a connection left at once, and lets nobody be purged until an administrator has looked too.

use directory::{Alarm, ConnectionId, Ctx, Event, EventKind, Refusal, Settings, Timestamp, rfc3339};
use serde_json::json;
use store::counts::{self, Count};
use store::{Tx, alarms};

use crate::Error;
use crate::settings::named;

/// The alarms that are on.
///
/// # Errors
/// The store's.
pub fn all(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Vec<Alarm>, Error> {
    let all = alarms::all(tx, ctx.tenant)?;
    Ok(all.into_iter().filter(|alarm| alarm.ended.is_none()).collect())
}

/// The alarms that should be on and are not.
///
/// # Errors
/// The store's.
pub fn due(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Vec<Alarm>, Error> {
    let settings = tx.settings(ctx.tenant)?;
    if settings.tenant.leaver_alarm_percent == 0 {
        return Ok(Vec::new());
    }
    let known = alarms::all(tx, ctx.tenant)?;
    let mut due = Vec::new();
    for connection in &settings.connections {
        let last = known.iter().find(|alarm| alarm.connection == connection.id);
        let since = match last.map(|alarm| alarm.ended) {
            Some(None) => continue,
            Some(Some(ended)) => Some(ended),
            None => None,
        };
        due.extend(alarm_of(tx, ctx, &settings, connection.id, since)?);
    }
    Ok(due)
}

fn alarm_of(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    connection: ConnectionId,
    since: Option<Timestamp>,
) -> Result<Option<Alarm>, Error> {
    let from = ctx.now.saturating_sub(Alarm::WINDOW).unwrap_or(ctx.now);
    let from = since.map_or(from, |since| from.max(since));
    let leavers = counts::leavers(tx, ctx.tenant, connection, from)?;
    // Who left long ago is no part of it.
    let users = leavers + counts::get(tx, Count::active_of(ctx.tenant, connection))?;
    let is_due = Alarm::is_due(leavers, users, settings.tenant.leaver_alarm_percent);
    Ok(is_due.then_some(Alarm {
        connection,
        raised: ctx.now,
        leavers,
        users,
        ended: None,
    }))
}

/// Raises what is due.
///
/// # Errors
/// The store's.
pub fn raise(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), Error> {
    let settings = tx.settings(ctx.tenant)?;
    for alarm in due(tx, ctx)? {
        alarms::raise(tx, ctx.tenant, &alarm)?;
        append(tx, ctx, &settings, EventKind::AlarmRaised, &alarm);
    }
    Ok(())
}

/// An administrator says that those who left have left indeed: purges go on.
///
/// # Errors
/// [`Refusal::Unknown`]; [`Refusal::BadSetting`] where there is no alarm.
pub fn end(tx: &mut Tx<'_>, ctx: &Ctx, connection: &str) -> Result<Alarm, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let connection = named(&settings.connections, connection)?;
    let is_meant = |alarm: &Alarm| alarm.connection == connection.id;
    let Some(alarm) = all(tx, ctx)?.into_iter().find(is_meant) else {
        let detail = format!("There is no alarm about the connection \"{}\".", connection.name);
        return Err(Refusal::BadSetting { detail }.into());
    };
    alarms::end(tx, ctx.tenant, connection.id, ctx.now)?;
    let alarm = Alarm {
        ended: Some(ctx.now),
        ..alarm
    };
    append(tx, ctx, &settings, EventKind::AlarmEnded, &alarm);
    Ok(alarm)
}

/// Forgets leavers of whom no alarm can be made any more.
///
/// # Errors
/// The store's.
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let before = now.saturating_sub(Alarm::WINDOW * 2).unwrap_or(now);
    for tenant in store::settings::tenants(tx)? {
        for connection in &tx.settings(tenant.id)?.connections {
            counts::forget_leavers(tx, tenant.id, connection.id, before)?;
        }
    }
    Ok(())
}

fn append(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, kind: EventKind, alarm: &Alarm) {
    let connection = settings.connection(alarm.connection);
    let data = json!({"alarm": {
        "connection": connection.map(|connection| connection.name.as_str()),
        "raised": rfc3339(alarm.raised),
        "leavers": alarm.leavers,
        "users": alarm.users,
    }});
    tx.append(
        ctx,
        Event {
            kind,
            user: None,
            data: data.to_string(),
        },
    );
}
