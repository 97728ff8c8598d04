//! Connections: app integrations in identity providers. Users of a connection that is removed become manual.

use directory::{
    Connection, ConnectionId, ConnectionKind, Ctx, EventKind, Mapping, Name, NoTarget, OrHold, Refusal, Thing,
};
use serde::Deserialize;
use store::Tx;
use store::users::{Scope, Walk};

use super::{check_free, named, put};
use crate::Error;
use crate::users::release;

/// Adds a connection. It needs a token before it can be used.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn add(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, kind: ConnectionKind) -> Result<Connection, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let connection = Connection {
        id: ConnectionId::from(ctx.ids.first()),
        name: Name::parse(name)?,
        kind,
        unmatched: OrHold::Refuse,
        no_target: NoTarget::Create,
    };
    check_not_reserved(&connection.name)?;
    check_free(&settings.connections, &connection.name, None)?;
    put(tx, ctx, EventKind::SettingAdded, &connection)?;
    Ok(connection)
}

/// What an administrator says of a connection; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionChange {
    /// A new name.
    pub name: Option<String>,
    /// What is behind it.
    pub kind: Option<ConnectionKind>,
    /// What becomes of a user whom no mapping matches.
    pub unmatched: Option<OrHold>,
    /// What becomes of a PATCH whose filter in brackets matches no value.
    pub no_target: Option<NoTarget>,
}

/// Changes a connection.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn set(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, change: &ConnectionChange) -> Result<Connection, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let before = named(&settings.connections, name)?;
    let connection = Connection {
        id: before.id,
        name: change
            .name
            .as_deref()
            .map_or(Ok(before.name.clone()), Name::parse)?,
        kind: change.kind.unwrap_or(before.kind),
        unmatched: change.unmatched.unwrap_or(before.unmatched),
        no_target: change.no_target.unwrap_or(before.no_target),
    };
    if connection.name != before.name {
        check_not_reserved(&connection.name)?;
    }
    check_free(&settings.connections, &connection.name, Some(before))?;
    put(tx, ctx, EventKind::SettingChanged, &connection)?;
    Ok(connection)
}

/// Removes a connection with its tokens; gives the number of its users, who are manual now.
///
/// # Errors
/// [`Refusal::Unknown`]; [`Refusal::InUse`] where a mapping is limited to it.
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<usize, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let connection = named(&settings.connections, name)?;
    let limited = |mapping: &&Mapping| mapping.connections.contains(&connection.id);
    if let Some(mapping) = settings.mappings.iter().find(limited) {
        let used_by = format!("the mapping {:?}", mapping.name.as_str());
        return Err(Refusal::InUse {
            thing: Thing::Connection,
            name: connection.name.to_string(),
            used_by,
        }
        .into());
    }
    if crate::alarms::all(tx, ctx)?
        .iter()
        .any(|alarm| alarm.connection == connection.id)
    {
        let detail = format!(
            "Many users of the connection \"{0}\" left at once, and nobody is purged for now. Look at it, and end the alarm first: \
             provost connection end-alarm {0:?}",
            connection.name.as_str()
        );
        return Err(Refusal::BadSetting { detail }.into());
    }
    for token in store::tokens::all(tx, ctx.tenant)?
        .iter()
        .filter(|token| token.connection == connection.id)
    {
        store::tokens::remove(tx, ctx.tenant, token.id)?;
    }
    let mut released = Vec::new();
    store::users::walk(tx, ctx.tenant, Scope::All, |record| {
        if record.facts.connection == Some(connection.id) {
            released.push(record);
        }
        Walk::On
    })?;
    let count = released.len();
    for record in released {
        release(tx, ctx, &settings, record)?;
    }
    crate::groups::remove_all_of(tx, ctx, connection.id)?;
    store::alarms::remove(tx, ctx.tenant, connection.id)?;
    super::remove(tx, ctx, connection)?;
    Ok(count)
}

/// Refuses what stands for users of no connection.
fn check_not_reserved(name: &Name) -> Result<(), Refusal> {
    if name.is("manual") {
        let detail =
            "No connection can be called \"manual\": that is what users of none are called.".to_owned();
        return Err(Refusal::BadSetting { detail });
    }
    Ok(())
}
