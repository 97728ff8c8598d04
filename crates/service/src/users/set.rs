//! An administrator sets a user's place by hand; what was set stays until it is freed.

use directory::{Bytes, Ctx, EventKind, Pins, Placement, Record, Refusal, Settings, Status, UserId};
use serde::Deserialize;
use store::Tx;

use super::administrate::existing;
use super::{place, record};
use crate::Error;
use crate::settings::named;

/// What an administrator sets; what is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceChange {
    /// Name of the profile.
    pub profile: Option<String>,
    /// Name of the storage.
    pub storage: Option<String>,
    /// The quota; `Some(None)` follows the profile's.
    #[serde(default, deserialize_with = "crate::settings::told")]
    pub quota: Option<Option<Bytes>>,
}

impl PlaceChange {
    /// Sets and pins.
    pub(super) fn apply(&self, settings: &Settings, placement: &mut Placement) -> Result<(), Refusal> {
        if let Some(name) = &self.profile {
            placement.profile = Some(named(&settings.profiles, name)?.id);
            placement.pins.profile = true;
            placement.doubt = None;
        }
        if let Some(name) = &self.storage {
            placement.storage = Some(named(&settings.storages, name)?.id);
            placement.pins.storage = true;
        }
        if let Some(quota) = self.quota {
            placement.own_quota = quota;
            placement.pins.quota = true;
        }
        Ok(())
    }
}

/// Sets and pins.
///
/// # Errors
/// [`Refusal::Unknown`](directory::Refusal::Unknown), and
/// [`Refusal::ProfileFull`](directory::Refusal::ProfileFull) for an active user.
pub fn set_place(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId, change: &PlaceChange) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    change.apply(&settings, &mut user.facts.placement)?;
    let moves = user.facts.placement.profile != before.facts.placement.profile;
    if user.facts.lifecycle.status() == Status::Held {
        place::admit(tx, ctx, &settings, &mut user)?;
    }
    if moves
        && user.facts.lifecycle.status() == Status::Active
        && before.facts.lifecycle.status() == Status::Active
    {
        place::check_profile(tx, &settings, &user.facts)?;
    }
    record::changed(tx, ctx, &settings, user, before, EventKind::UserPlaced)
}

/// Frees what was set: the mappings decide again at the user's next update.
///
/// # Errors
/// [`Refusal::Unknown`](directory::Refusal::Unknown).
pub fn unpin(tx: &mut Tx<'_>, ctx: &Ctx, id: UserId) -> Result<Record, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = existing(tx, ctx, id)?;
    let mut user = before.clone().open();
    user.facts.placement.pins = Pins::default();
    record::changed(tx, ctx, &settings, user, before, EventKind::UserPlaced)
}
