//! Storages: named places where users' data live.

use directory::{Ctx, EventKind, Name, Refusal, Storage, StorageId, Thing};
use store::Tx;
use store::counts::{self, Count};

use super::{check_free, named, put};
use crate::Error;

/// Adds a storage.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn add(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, region: &str) -> Result<Storage, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let storage = Storage {
        id: StorageId::from(ctx.ids.first()),
        name: Name::parse(name)?,
        region: region.to_owned(),
    };
    check_free(&settings.storages, &storage.name, None)?;
    put(tx, ctx, EventKind::SettingAdded, &storage)?;
    Ok(storage)
}

/// Changes a storage's name or region.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn set(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    name: &str,
    rename: Option<&str>,
    region: Option<&str>,
) -> Result<Storage, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let before = named(&settings.storages, name)?;
    let storage = Storage {
        id: before.id,
        name: rename.map_or(Ok(before.name.clone()), Name::parse)?,
        region: region.unwrap_or(&before.region).to_owned(),
    };
    check_free(&settings.storages, &storage.name, Some(before))?;
    put(tx, ctx, EventKind::SettingChanged, &storage)?;
    Ok(storage)
}

/// Removes a storage that nobody has and no mapping gives.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::InUse`].
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<(), Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let storage = named(&settings.storages, name)?;
    let users = counts::get(tx, Count::in_storage(ctx.tenant, storage.id))?;
    let mapping = settings
        .mappings
        .iter()
        .find(|mapping| mapping.outcome.storage == storage.id);
    if let Some(used_by) = super::mappings::used_by(users, mapping) {
        return Err(Refusal::InUse {
            thing: Thing::Storage,
            name: storage.name.to_string(),
            used_by,
        }
        .into());
    }
    super::remove(tx, ctx, storage)
}
