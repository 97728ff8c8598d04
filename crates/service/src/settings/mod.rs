//! Settings, as an administrator adds, changes and removes them. None of it changes a user by itself.

pub mod attributes;
pub mod connections;
pub mod mapping_list;
pub mod mappings;
pub mod profiles;
pub mod storages;
pub mod tenants;

use std::sync::Arc;

use directory::{
    Connection, Ctx, Event, EventKind, Mapping, Name, Profile, Refusal, Settings, Storage, TenantId, Thing,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use store::Tx;
use store::settings::Setting;

use crate::Error;

/// Reads a member of a change that may be told to be nothing: absent it stays, `null` takes the value away.
///
/// # Errors
/// The deserializer's.
pub fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// All settings of the tenant.
pub fn all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Arc<Settings>, Error> {
    Ok(tx.settings(tenant)?)
}

/// A setting that people call by its name.
pub trait Named {
    /// Its kind.
    const THING: Thing;
    /// Its name.
    fn name(&self) -> &Name;
    /// Its id, which no change of the name changes.
    fn id(&self) -> String;
}

macro_rules! named {
    ($($type:ident),*) => {$(
        impl Named for $type {
            const THING: Thing = Thing::$type;

            fn name(&self) -> &Name {
                &self.name
            }

            fn id(&self) -> String {
                self.id.to_string()
            }
        }
    )*};
}
named!(Connection, Profile, Storage, Mapping);

/// The one called `name`, or with that id.
///
/// # Errors
/// [`Refusal::Unknown`], with the names that there are.
pub fn named<'s, N: Named>(list: &'s [N], name: &str) -> Result<&'s N, Refusal> {
    list.iter()
        .find(|one| one.name().is(name))
        .or_else(|| list.iter().find(|one| one.id() == name))
        .ok_or_else(|| Refusal::Unknown {
            thing: N::THING,
            name: name.to_owned(),
            known: list.iter().map(|one| one.name().to_string()).collect(),
        })
}

/// Refuses a name that another one has.
fn check_free<N: Named + Setting>(list: &[N], name: &Name, own: Option<&N>) -> Result<(), Refusal> {
    let taken = list
        .iter()
        .any(|one| one.name().is(name.as_str()) && own.is_none_or(|own| own.key() != one.key()));
    if taken {
        Err(Refusal::NameTaken {
            thing: N::THING,
            name: name.to_string(),
        })
    } else {
        Ok(())
    }
}

/// Writes a setting and the event that says so.
fn put<S: Setting>(tx: &mut Tx<'_>, ctx: &Ctx, kind: EventKind, setting: &S) -> Result<(), Error> {
    let before = store::settings::stored(tx, ctx.tenant, setting)?;
    store::settings::put(tx, ctx.tenant, setting)?;
    append(tx, ctx, kind, S::KIND, setting, before.as_ref());
    Ok(())
}

/// Removes a setting, and says so.
fn remove<S: Setting>(tx: &mut Tx<'_>, ctx: &Ctx, setting: &S) -> Result<(), Error> {
    store::settings::remove(tx, ctx.tenant, setting)?;
    append(tx, ctx, EventKind::SettingRemoved, S::KIND, setting, None);
    Ok(())
}

/// The event, with what was before of that which changed.
fn append<S: Serialize>(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    kind: EventKind,
    thing: &str,
    setting: &S,
    before: Option<&S>,
) {
    // Mappings have kinds of their own: they decide about people.
    let kind = match kind {
        EventKind::SettingAdded if thing == Mapping::KIND => EventKind::MappingAdded,
        EventKind::SettingChanged if thing == Mapping::KIND => EventKind::MappingChanged,
        EventKind::SettingRemoved if thing == Mapping::KIND => EventKind::MappingRemoved,
        kind => kind,
    };
    let mut data = json!({thing: setting});
    if let Some(Value::Object(mut before)) = before.map(|before| json!(before)) {
        before.retain(|name, was| data[thing].get(name) != Some(was));
        data["before"] = before.into();
    }
    tx.append(
        ctx,
        Event {
            kind,
            user: None,
            data: data.to_string(),
        },
    );
}
